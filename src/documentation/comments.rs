//! Where the comments of a text stand.

/// Comments that stand directly below one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Group {
    start: usize,
    end: usize,
    /// Something else stands before it on its line.
    trailing: bool,
}

/// The comments of one text.
#[derive(Debug)]
pub struct Comments<'t> {
    text: &'t str,
    groups: Vec<Group>,
}

impl<'t> Comments<'t> {
    /// Finds them.
    #[must_use]
    pub fn of(text: &'t str) -> Comments<'t> {
        let mut groups: Vec<Group> = Vec::new();
        for comment in lexer::lex(text).comments {
            let (start, end) = (comment.start as usize, comment.end as usize);
            let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
            let trailing = !text[line..start].trim().is_empty();
            let joins = |last: &Group| {
                let between = &text[last.end..start];
                let lines = between.matches('\n').count();
                between.trim().is_empty() && lines <= usize::from(!last.trailing)
            };
            match groups.last_mut() {
                Some(last) if joins(last) => last.end = end,
                _ => groups.push(Group {
                    start,
                    end,
                    trailing,
                }),
            }
        }
        Comments { text, groups }
    }

    /// The comment that ends on the line above the one that `offset` lies in, as written.
    #[must_use]
    pub fn above(&self, offset: usize) -> Option<&'t str> {
        self.above_at(offset)
            .map(|(start, end)| &self.text[start..end])
    }

    /// Where [`Comments::above`] begins and ends.
    #[must_use]
    pub fn above_at(&self, offset: usize) -> Option<(usize, usize)> {
        let line = self.text[..offset.min(self.text.len())]
            .rfind('\n')
            .map_or(0, |at| at + 1);
        let before = self.groups.partition_point(|group| group.end <= line);
        let group = before.checked_sub(1).map(|index| self.groups[index])?;
        let between = self.text.get(group.end..line)?;
        let directly = between == "\n" || between == "\r\n";
        (directly && !group.trailing).then_some((group.start, group.end))
    }

    /// The comment behind what ends at `offset`, on the same line.
    #[must_use]
    pub fn behind(&self, offset: usize) -> Option<&'t str> {
        let next = self.groups.partition_point(|group| group.start < offset);
        let group = self.groups.get(next)?;
        let between = self.text.get(offset..group.start)?;
        let is_space = between.chars().all(|c| matches!(c, ' ' | '\t' | ';' | ','));
        is_space.then(|| &self.text[group.start..group.end])
    }

    /// The comment that ends last before `offset`, with only an end of line between: that of a package clause.
    #[must_use]
    pub fn text_above(&self, offset: usize) -> Option<String> {
        self.above(offset).map(comment_text)
    }
}

/// The text of comments that stand below one another: without slashes, stars and directives, blank lines at both ends, and white space
/// at the ends of lines. GO: go/ast/ast.go `CommentGroup.Text`
#[must_use]
pub fn comment_text(comment: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    let mut rest = comment;
    while !rest.trim_start().is_empty() {
        rest = rest.trim_start();
        if let Some(block) = rest.strip_prefix("/*") {
            let end = block.find("*/").unwrap_or(block.len());
            lines.extend(block[..end].lines());
            rest = block.get(end + 2..).unwrap_or("");
            continue;
        }
        let (line, behind) = rest.split_once('\n').unwrap_or((rest, ""));
        rest = behind;
        let line = line.strip_prefix("//").unwrap_or(line);
        if is_directive(line) {
            continue;
        }
        lines.push(line.strip_prefix(' ').unwrap_or(line));
    }
    let mut text = String::new();
    for line in lines {
        let line = line.trim_end();
        if line.is_empty() && (text.is_empty() || text.ends_with("\n\n")) {
            continue;
        }
        text.push_str(line);
        text.push('\n');
    }
    text.truncate(text.trim_end_matches('\n').len());
    text
}

/// `go:embed` and its like, without the slashes.
fn is_directive(line: &str) -> bool {
    let Some((tool, rest)) = line.split_once(':') else {
        return line.starts_with("line ");
    };
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    !tool.is_empty() && tool.bytes().all(is_plain) && rest.bytes().next().is_some_and(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_belong_to_what_stands_next_to_them() {
        let text = "// far\n\n// one\n// two\nvar x int // behind x\n// of y\nvar y int\n";
        let comments = Comments::of(text);
        let at = |what: &str| text.find(what).expect("it is there");
        assert_eq!(comments.above(at("var x")), Some("// one\n// two"));
        assert_eq!(comments.above(at("var y")), Some("// of y"));
        assert_eq!(comments.behind(at("var x int") + 9), Some("// behind x"));
        assert_eq!(comments.behind(at("var y int") + 9), None);
        assert_eq!(comments.above(at("// one")), None);
    }
}

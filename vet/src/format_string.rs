//! What a format string asks for. GO: golang.org/x/tools/internal/fmtstr

/// A width or precision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Size {
    /// The argument that gives it, of `*`.
    pub(crate) argument: Option<usize>,
    /// `[n]*`
    pub(crate) indexed: bool,
}

/// One verb with all that stands before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    /// As written, from `%` on.
    pub(crate) text: String,
    /// Where it begins in the format string.
    pub(crate) start: usize,
    pub(crate) flags: String,
    pub(crate) width: Size,
    pub(crate) precision: Size,
    pub(crate) verb: char,
    /// `%[n]d`
    pub(crate) indexed: bool,
    /// The argument that is shown, among all of the call.
    pub(crate) argument: usize,
}

/// Takes a format string apart; `first` is the first argument behind it.
///
/// # Errors
/// What is wrong with it, to stand behind the function's name.
pub(crate) fn parse(format: &str, first: usize) -> Result<Vec<Operation>, String> {
    let mut operations = Vec::new();
    let mut next = first;
    let mut at = 0;
    while let Some(percent) = format[at..].find('%') {
        let start = at + percent;
        let mut reader = Reader {
            text: &format[start..],
            at: 1,
            first,
            argument: next,
            pending: false,
        };
        let mut operation = reader.operation()?;
        operation.start = start;
        at = start + operation.text.len();
        if operation.verb != '%' {
            next = reader.argument + 1;
        }
        operations.push(operation);
    }
    Ok(operations)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    first: usize,
    argument: usize,
    /// An index was read that nothing has used yet.
    pending: bool,
}

impl Reader<'_> {
    fn operation(&mut self) -> Result<Operation, String> {
        let flags = self.take(|byte| b"#0+- ".contains(&byte)).to_owned();
        self.index()?;
        let width = self.size();
        let mut precision = Size::default();
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.index()?;
            precision = self.size();
        }
        if !self.pending {
            self.index()?;
        }
        let Some(verb) = self.text[self.at..].chars().next() else {
            return Err(format!(
                "format {} is missing verb at end of string",
                self.text
            ));
        };
        let end = self.at + verb.len_utf8();
        Ok(Operation {
            text: self.text[..end].to_owned(),
            start: 0,
            flags,
            width,
            precision,
            verb,
            indexed: self.pending,
            argument: self.argument,
        })
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, wanted: impl Fn(u8) -> bool) -> &str {
        let start = self.at;
        while self.peek().is_some_and(&wanted) {
            self.at += 1;
        }
        &self.text[start..self.at]
    }

    /// `[n]`
    fn index(&mut self) -> Result<(), String> {
        if self.peek() != Some(b'[') {
            return Ok(());
        }
        let start = self.at + 1;
        let Some(length) = self.text[start..].find(']') else {
            return Err(format!("format {} is missing closing ]", self.text));
        };
        let inside = &self.text[start..start + length];
        let digits = !inside.is_empty() && inside.bytes().all(|byte| byte.is_ascii_digit());
        let number = inside.parse::<i32>().ok().filter(|&n| digits && n > 0);
        let Some(number) = number else {
            return Err(format!("format has invalid argument index [{inside}]"));
        };
        self.at = start + length + 1;
        self.argument = self.first + number as usize - 1;
        self.pending = true;
        Ok(())
    }

    fn size(&mut self) -> Size {
        if self.peek() == Some(b'*') {
            self.at += 1;
            let size = Size {
                argument: Some(self.argument),
                indexed: std::mem::take(&mut self.pending),
            };
            self.argument += 1;
            return size;
        }
        self.take(|byte| byte.is_ascii_digit());
        Size::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_take_arguments_in_a_row_or_by_number() {
        let shown = |format: &str| -> Vec<(String, usize)> {
            let operations = parse(format, 1).expect("a good format");
            operations
                .into_iter()
                .map(|o| (o.text, o.argument))
                .collect()
        };
        let row = |text: &str, argument| (text.to_owned(), argument);
        assert_eq!(
            shown("%d %%, %-5s"),
            [row("%d", 1), row("%%", 2), row("%-5s", 2)]
        );
        assert_eq!(
            shown("%[2]*.[1]*f %s"),
            [row("%[2]*.[1]*f", 2), row("%s", 3)]
        );
        assert_eq!(shown("%*d"), [row("%*d", 2)]);
        assert_eq!(
            parse("%", 1).unwrap_err(),
            "format % is missing verb at end of string"
        );
        assert_eq!(
            parse("%[x]d", 1).unwrap_err(),
            "format has invalid argument index [x]"
        );
        assert_eq!(
            parse("%[1d", 1).unwrap_err(),
            "format %[1d is missing closing ]"
        );
    }
}

//! The page that shows a timeline, with everything it needs inside.

/// A page of HTML that shows the trace `json` (of [`super::chrome_json`]). `None`: the text is no such trace.
pub fn page(json: &str) -> Option<String> {
    if !json.trim_start().starts_with('{') || !json.contains("\"traceEvents\"") {
        return None;
    }
    let (head, tail) = include_str!("page.html").split_once("TRACE_IS_HERE")?;
    // A file of another program may hold what would end the script element.
    Some(format!("{head}{}{tail}", json.replace('<', "\\u003c")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_holds_the_trace_and_cannot_be_left_by_it() {
        let page = page("{\"traceEvents\":[{\"name\":\"</script>\"}]}").expect("a trace");
        assert!(page.contains("\\u003c/script>"));
        assert!(page.starts_with("<!doctype html>"));
        assert!(!page.contains("http:") && !page.contains("https:"));
    }

    #[test]
    fn another_text_is_no_trace() {
        assert_eq!(page("package main"), None);
    }
}

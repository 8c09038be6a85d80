//! Measures the length of functions.

use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::syntax::is_for_tests;

/// A function and its length.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    /// The name.
    pub name: String,
    /// The file that defines the function.
    pub file: PathBuf,
    /// The line of the keyword `fn`.
    pub line: usize,
    /// The number of lines from the keyword `fn` to the last brace, both included.
    pub lines: usize,
}

/// Returns the functions of a file, without test code. Returns nothing for a file that is not Rust.
pub fn functions(file: &Path, text: &str) -> Vec<Function> {
    let mut functions = Vec::new();
    collect(text.parse().unwrap_or_default(), file, &mut functions);
    functions
}

fn collect(tokens: TokenStream, file: &Path, functions: &mut Vec<Function>) {
    let mut tokens = tokens.into_iter().peekable();
    let mut open: Option<(String, usize)> = None;
    let mut skipped = false;
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(word) if word == "fn" => {
                if let Some(TokenTree::Ident(name)) = tokens.peek() {
                    open = Some((name.to_string(), word.span().start().line));
                }
            }
            TokenTree::Punct(mark) if mark.as_char() == ';' => (open, skipped) = (None, false),
            TokenTree::Punct(mark) if mark.as_char() == '#' => {
                if let Some(TokenTree::Group(group)) = tokens.peek() {
                    skipped |= is_for_tests(group);
                }
            }
            TokenTree::Group(group) => {
                let is_body = group.delimiter() == Delimiter::Brace;
                if !skipped {
                    if let (true, Some((name, line))) = (is_body, open.take_if(|_| is_body)) {
                        let lines = group.span_close().end().line + 1 - line;
                        functions.push(Function { name, file: file.to_owned(), line, lines });
                    }
                    collect(group.stream(), file, functions);
                }
                if is_body {
                    (open, skipped) = (None, false);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_measured_to_their_last_brace() {
        let text = "fn a() {}\nimpl X {\n    fn b(\n        &self,\n    ) -> fn(u8) {\n        x()\n    }\n}\n\
                    trait T {\n    fn none();\n}\n#[cfg(test)]\nmod tests {\n    fn c() {\n    }\n}\n\
                    fn d() where\n{\n    fn e() {\n    }\n}\n";
        let found: Vec<_> = functions(Path::new("a.rs"), text)
            .into_iter()
            .map(|it| (it.name, it.line, it.lines))
            .collect();
        let expected = [("a", 1, 1), ("b", 3, 5), ("d", 17, 5), ("e", 19, 2)];
        assert_eq!(found, expected.map(|(name, line, lines)| (name.to_owned(), line, lines)));
    }
}

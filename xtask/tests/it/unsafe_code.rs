//! Checks that `unsafe` occurs only in stor-mmap and in one opt-in call of the command line.
//!
//! Any code can lift the compiler's `unsafe_code` lint. This check counts the keyword with a lexer,
//! so comments, strings and names such as `unsafe_code` do not count.

use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};

use crate::repo::{Files, assert_none, example_files, files};

/// The directories that may contain the keyword, and how often.
const ALLOWED: &[(&str, usize)] = &[("crates/stor-mmap", usize::MAX), ("crates/cli", 1)];

/// Returns the lines with the keyword.
fn unsafe_lines(tokens: TokenStream) -> Vec<usize> {
    let mut lines = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Ident(ident) if ident == "unsafe" => lines.push(ident.span().start().line),
            TokenTree::Group(group) => lines.extend(unsafe_lines(group.stream())),
            _ => {}
        }
    }
    lines
}

fn problems(files: &Files) -> Vec<String> {
    let mut problems = Vec::new();
    let mut left = ALLOWED.to_vec();
    for (path, text) in files {
        let Ok(tokens) = text.parse() else {
            problems.push(format!("{}: not Rust", path.display()));
            continue;
        };
        for line in unsafe_lines(tokens) {
            match left
                .iter_mut()
                .find(|(home, left)| path.starts_with(Path::new(home)) && *left > 0)
            {
                Some((_, left)) => *left -= 1,
                None => problems.push(format!("{}:{line}: `unsafe`", path.display())),
            }
        }
    }
    problems
}

#[test]
fn unsafe_code_is_confined() {
    assert_none(&problems(&files(&["rs"])));
}

#[test]
fn unsafe_code_elsewhere_is_found() {
    let call = "fn f() { unsafe { g() } }";
    let problems = problems(&example_files([
        ("crates/stor-mmap/src/lib.rs", "unsafe fn f() {}\nunsafe impl Send for X {}"),
        ("crates/cli/src/a.rs", call),
        ("crates/cli/src/b.rs", call),
        ("crates/flow/src/lib.rs", "//! unsafe\n// unsafe\nconst A: &str = \"unsafe\";\n"),
        ("crates/flow/src/x.rs", "#![deny(unsafe_code)]\nmacro_rules! m { () => { unsafe {} } }"),
        ("crates/flow/src/y.rs", "fn f() {} }"),
    ]));
    assert_eq!(
        problems,
        [
            "crates/cli/src/b.rs:1: `unsafe`",
            "crates/flow/src/x.rs:2: `unsafe`",
            "crates/flow/src/y.rs: not Rust"
        ]
    );
}

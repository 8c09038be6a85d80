//! Tests of the output to a terminal: safe text, colours and line width. They use a real pseudo
//! terminal.

use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use unicode_width::UnicodeWidthStr;

use crate::hostile::hostile_store;
use crate::support::{corpus_paths, scrollback, step_session};

/// Runs the binary with a terminal as its output, and returns the bytes that the terminal received.
fn run_on_terminal(store: &Path, args: &[&str], env: &[(&str, &str)]) -> String {
    let mut command = scrollback();
    command.env("TERM", "xterm").envs(env.iter().copied()).arg("--store").arg(store).args(args);
    let (got, status) = output_to_terminal(command, true);
    assert!(status.success(), "{args:?}: {status}");
    got
}

/// Runs a command with a terminal as its output, or as its standard error.
fn output_to_terminal(mut command: Command, is_stdout: bool) -> (String, ExitStatus) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = rustix::fs::open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    if is_stdout {
        command.stdout(theirs).stderr(Stdio::piped());
    } else {
        command.stdout(Stdio::piped()).stderr(theirs);
    }
    let mut child = command.spawn().unwrap();
    drop(command); // it holds the other end open
    let mut got = Vec::new();
    let mut ours = File::from(ours);
    let mut buffer = [0; 4096];
    // On Linux, reading is an error after the last process closed the other end.
    while let Ok(count @ 1..) = ours.read(&mut buffer) {
        got.extend_from_slice(&buffer[..count]);
    }
    let status = child.wait().unwrap();
    // The terminal turns each line feed into two characters.
    (String::from_utf8(got).unwrap().replace("\r\n", "\n"), status)
}

/// Source: case hostile/09-clap-errors-echo-escapes.
#[test]
fn errors_of_the_command_line_are_made_safe() {
    let evil = "\u{1b}]0;PWN\u{7}\u{1b}[2J\u{9b}31m\u{202e}\r";
    let lines: [&[&str]; 9] = [
        &["show", &format!("--x{evil}")],
        &["ls", "--color", evil],
        &[evil],
        &["ls", "--max-size", evil],
        &["ls", "--verify", evil],
        &["watch", "--since", evil],
        &["ls", "-n", evil],
        &["ls", "extra", evil],
        &["completions", evil],
    ];
    for args in lines {
        let mut command = scrollback();
        command.env("TERM", "xterm").args(args);
        let (got, status) = output_to_terminal(command, false);
        assert_eq!(status.code(), Some(2), "{args:?}: {got:?}");
        assert!(got.contains("error:"), "{got:?}");
        // What remains after clap's own colours has no control character.
        let text = anstream::adapter::strip_str(&got).to_string();
        assert_eq!(text.matches("PWN").count(), got.matches("PWN").count(), "{got:?}");
        let control = text.chars().find(|c| c.is_control() && *c != '\n' || *c == '\u{202e}');
        assert_eq!(control, None, "{args:?}: {got:?}");
        assert!(!got.contains("\u{1b}]") && !got.contains("\u{1b}[2J"), "{args:?}: {got:?}");
        assert!(got.contains("\u{1b}[31m"), "the error keeps its colours: {got:?}");
    }
    // The arguments are correct once they are made visible, so the error has no colours.
    let mut command = scrollback();
    command.env("TERM", "xterm").arg("ls").arg(std::ffi::OsStr::from_bytes(b"--since=\xff\x1b[2J"));
    let (got, status) = output_to_terminal(command, false);
    assert_eq!(status.code(), Some(2), "{got:?}");
    assert!(!got.contains('\u{1b}') || !got.contains("\u{1b}[2J"), "{got:?}");
}

#[test]
fn raw_bytes_and_exports_are_made_safe() {
    let store = hostile_store();
    let plain = [("NO_COLOR", "1")];
    for args in [&["raw", "prt_1"][..], &["raw", "ses_1"], &["export", "ses_1"], &["ls", "--json"]]
    {
        let got = run_on_terminal(store.path(), args, &plain);
        let control = got.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
        assert_eq!(control, None, "{args:?}: {got:?}");
    }
    // The record contains U+009B unescaped.
    assert!(run_on_terminal(store.path(), &["raw", "ses_1"], &plain).contains("\\u{9b}31m"));
    let exported = run_on_terminal(store.path(), &["export", "ses_1"], &plain);
    assert!(exported.contains("\\u009b31m"), "{exported}");
    serde_json::from_str::<serde_json::Value>(&exported).unwrap();
}

#[test]
fn rows_of_databases_are_made_safe() {
    let store = crate::v2::hostile::hostile_store();
    for args in [
        &["raw", "msg_1"][..],
        &["raw", "msg_10"],
        &["raw", "msg_99"],
        &["raw", "msg_w"],
        &["export", "ses_1"],
        &["export", "--format", "v2", "ses_1"],
        &["show", "ses_1"],
        &["tree", "ses_1"],
    ] {
        let got = run_on_terminal(store.path(), args, &[("NO_COLOR", "1")]);
        let control = got.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
        assert_eq!(control, None, "{args:?}: {got:?}");
        assert!(got.contains("owned"), "{args:?}: {got}");
    }
}

#[test]
fn a_terminal_gets_colours_by_default() {
    let store = corpus_paths().data_dir;
    let args = ["show", &step_session("fix")];
    assert!(run_on_terminal(&store, &args, &[]).contains("\u{1b}["));
    assert!(!run_on_terminal(&store, &args, &[("NO_COLOR", "1")]).contains('\u{1b}'));
    assert!(!run_on_terminal(&store, &args, &[("TERM", "dumb")]).contains('\u{1b}'));
}

#[test]
fn tables_fit() {
    let store = corpus_paths().data_dir;
    let of_width = |columns: &str| {
        let env = [("COLUMNS", columns), ("NO_COLOR", "1")];
        run_on_terminal(&store, &["ls"], &env).lines().map(UnicodeWidthStr::width).max().unwrap()
    };
    assert_eq!(of_width("120"), 119, "the last column stays free");
    for narrow in [1, 10, 40, 60, 80, 100] {
        assert!(of_width(&narrow.to_string()) <= narrow, "{narrow}");
    }
    let narrow = run_on_terminal(&store, &["ls"], &[("COLUMNS", "80"), ("NO_COLOR", "1")]);
    assert!(narrow.contains("COST") && narrow.contains("$0.0"), "{narrow}");
    assert!(of_width("300") > 120, "a wide terminal cuts less");
    let marked = run_on_terminal(&store, &["ls", "--archived"], &[("COLUMNS", "90")]);
    assert!(marked.contains("(archived)"), "{marked}");
}

//! Tests of the help texts. A change of a text shows up in its snapshot; `cargo insta review` lists the
//! changes.

use crate::support::{RunOutput, scrollback};

/// The program, each command, and each subcommand of `cache`.
pub(crate) const COMMANDS: [&str; 15] = [
    "",
    "stores",
    "ls",
    "show",
    "tree",
    "raw",
    "export",
    "watch",
    "tail",
    "demo",
    "cache",
    "cache path",
    "cache clear",
    "cache stats",
    "completions",
];

fn run(args: &[&str]) -> RunOutput {
    let mut command = scrollback();
    command.env("COLUMNS", "100").args(args).output().unwrap().into()
}

/// Returns the help of a command, without spaces at the ends of lines.
pub(crate) fn help(command: &str) -> String {
    let ran =
        run(&command.split(' ').filter(|it| !it.is_empty()).chain(["--help"]).collect::<Vec<_>>());
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{command}");
    assert!(!ran.stdout.contains('\u{1b}'), "{command}: colours in a pipe");
    ran.stdout.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_help_of_each_command_equals_its_snapshot() {
    for command in COMMANDS {
        let name = if command.is_empty() { "scrollback" } else { command };
        insta::assert_snapshot!(name.replace(' ', "_"), help(command));
    }
}

#[test]
fn every_command_is_tested() {
    for outer in ["", "cache"] {
        let help = help(outer);
        let commands = help.split_once("Commands:\n").unwrap().1;
        for line in commands.lines().take_while(|line| !line.is_empty()) {
            let name = line.split_whitespace().next().unwrap();
            let whole = format!("{outer} {name}");
            assert!(name == "help" || COMMANDS.contains(&whole.trim()), "{whole}");
        }
    }
}

#[test]
fn bad_use_is_exit_code_2() {
    assert_eq!(run(&[]).code, 2);
    assert_eq!(run(&["frobnicate"]).code, 2);
    assert_eq!(run(&["--json", "raw", "latest"]).code, 2);
    assert_eq!(run(&["raw", "latest", "--json"]).code, 2);
}

#[test]
fn completions_are_made_for_every_shell() {
    let shells = help("completions");
    let shells = shells.split_once("[possible values: ").unwrap().1.split_once(']').unwrap().0;
    assert_eq!(shells.split(", ").count(), 5, "{shells}");
    for shell in shells.split(", ") {
        let ran = run(&["completions", shell]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{shell}");
        for command in COMMANDS.into_iter().flat_map(|command| command.split(' ')) {
            assert!(ran.stdout.contains(command), "{shell}: {command}");
        }
        assert!(ran.stdout.contains("max-size"), "{shell}");
    }
}

//! Parses the command line. Each command accepts only the common options that apply to it, before and
//! after its name.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::builder::UnknownArgumentValueParser;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory, Error, FromArgMatches};

use crate::args::{Args, Global};
use crate::sanitize;

/// Returns the common options that a command accepts, by the names of the fields of [`Global`].
fn offered_options(command: &str) -> &'static [&'static str] {
    match command {
        "stores" => &["store", "json", "issues", "color", "max_size", "no_cache", "verify", "mmap"],
        "ls" | "show" | "tree" => {
            &["store", "from", "json", "issues", "color", "max_size", "no_cache", "verify", "mmap"]
        }
        "export" => &["store", "from", "issues", "color", "max_size", "no_cache", "verify", "mmap"],
        "raw" => &["store", "from", "color", "max_size", "no_cache", "verify", "mmap"],
        // Not `mmap`: a store that is written to must not be mapped.
        "watch" => &["store", "json", "issues", "color", "max_size", "no_cache", "verify"],
        "tail" => &["store", "issues", "color", "max_size", "no_cache", "verify"],
        "cache" | "clear" | "stats" => &["store", "json", "color"],
        "demo" | "path" => &["json", "color"],
        _ => &[],
    }
}

/// The common options that the help of the program itself lists.
const PROGRAM_OPTIONS: [&str; 4] = ["store", "json", "color", "no_cache"];

/// Returns a hint for an option that a user may expect of a command but that the command does not
/// accept.
fn alternative_hint(command: &str, option: &str) -> Option<&'static str> {
    match (command, option) {
        ("tail", "json") => {
            Some("`tail` has no JSON output; use `scrollback watch SESSION --json`")
        }
        ("export", "json") => Some("`export` always prints JSON; omit the option"),
        ("raw", "json") => Some("`raw` prints a record as stored, usually JSON; omit the option"),
        ("watch" | "tail", "mmap") => {
            Some("a store that an agent writes to must not be mapped; omit the option")
        }
        _ => None,
    }
}

/// Returns the help text of `--store` for commands that give it another meaning than "a store to read".
fn store_help(command: &str) -> Option<&'static str> {
    match command {
        "watch" | "tail" => Some(
            "A store to follow: opencode's data directory, its storage/ directory, or a .db file; it \
             may not exist yet. Repeat the option for several stores [default: opencode's standard \
             locations]",
        ),
        "cache" | "clear" | "stats" => {
            Some("Only indexes of this store and of stores below it; may be repeated")
        }
        _ => None,
    }
}

/// Parses the command line. Bad use ends the program here, with exit code 2.
pub(crate) fn parse() -> Args {
    let words: Vec<OsString> = std::env::args_os().collect();
    let error = match parse_words(&words) {
        Ok(args) => return args,
        Err(error) => error,
    };
    // The error quotes the command line. Parse it again with its control characters made visible, so
    // that the error keeps its colours and sends no escape sequence of an argument to the terminal.
    let visible: Vec<OsString> = words.iter().map(|word| visible_word(word)).collect();
    if visible == words {
        error.exit()
    }
    match parse_words(&visible) {
        Err(error) => error.exit(),
        Ok(_) => plain_error(&error).exit(),
    }
}

/// Parses a command line, the name of the program first.
fn parse_words(words: &[OsString]) -> Result<Args, Error> {
    from_matches(&command().try_get_matches_from(words)?)
}

/// Returns an argument with its control characters made visible.
fn visible_word(word: &OsStr) -> OsString {
    sanitize::line(&word.to_string_lossy()).into_owned().into()
}

/// Returns an error whose text has no control characters and no colours.
fn plain_error(error: &Error) -> Error {
    let text = error.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    Error::raw(error.kind(), sanitize::text(text))
}

/// Builds the command line, with the common options of each command.
pub(crate) fn command() -> Command {
    let shared = common_options();
    let hide = |arg: Arg| {
        if PROGRAM_OPTIONS.contains(&arg.get_id().as_str()) { arg } else { arg.hide(true) }
    };
    let ids: Vec<_> = shared.get_arguments().map(|arg| arg.get_id().clone()).collect();
    let program = ids.into_iter().fold(Args::command(), |program, id| program.mut_arg(id, hide));
    program.mut_subcommands(|command| add_common_options(command, &shared))
}

/// Returns a command that has all common options.
fn common_options() -> Command {
    <Global as clap::Args>::augment_args(Command::new("shared"))
}

fn add_common_options(command: Command, shared: &Command) -> Command {
    let name = command.get_name().to_owned();
    let is_outer = command.has_subcommands();
    let options = shared.get_arguments().filter_map(|arg| {
        let id = arg.get_id().as_str();
        if offered_options(&name).contains(&id) {
            let arg = arg.clone().hide(is_outer);
            return Some(match store_help(&name).filter(|_| id == "store") {
                Some(help) => arg.help(help),
                None => arg,
            });
        }
        let parser = UnknownArgumentValueParser::suggest(alternative_hint(&name, id)?);
        Some(arg.clone().action(ArgAction::SetTrue).value_parser(parser).hide(true))
    });
    command.args(options).mut_subcommands(|command| add_common_options(command, shared))
}

/// Builds the arguments. Options after the command override or extend options before it.
fn from_matches(matches: &ArgMatches) -> Result<Args, Error> {
    let mut args = Args::from_arg_matches(matches)?;
    let (mut at, mut names, mut all) = (matches, Vec::new(), given_options(matches));
    while let Some((name, subcommand)) = at.subcommand() {
        let given = given_options(subcommand);
        args.global.merge(&given, subcommand);
        all.extend(given);
        names.push(name);
        at = subcommand;
    }
    let offered = offered_options(names.last().copied().unwrap_or_default());
    match all.iter().find(|option| !offered.contains(&option.as_str())) {
        Some(option) => Err(unsupported_option(&names, option)),
        None => Ok(args),
    }
}

/// Returns the common options that the user gave at one place of the command line.
fn given_options(at: &ArgMatches) -> Vec<String> {
    let shared = common_options();
    let ids = shared.get_arguments().map(|arg| arg.get_id().as_str());
    let is_here = |id: &&str| {
        let is_known = at.try_contains_id(id).unwrap_or(false);
        is_known && at.value_source(id) == Some(ValueSource::CommandLine)
    };
    ids.filter(is_here).map(str::to_owned).collect()
}

/// Returns the error for an option before a command that does not accept it.
fn unsupported_option(names: &[&str], option: &str) -> Error {
    let mut program = command();
    program.build();
    let subcommand = |at: Command, name: &&str| at.find_subcommand(name).cloned();
    let mut at = names.iter().try_fold(program, subcommand).unwrap_or_else(command);
    let name = names.last().copied().unwrap_or_default();
    let tip =
        alternative_hint(name, option).map(|tip| format!("\n\n  tip: {tip}")).unwrap_or_default();
    let option = option.replace('_', "-");
    let message = format!("`scrollback {}` has no option --{option}{tip}", names.join(" "));
    at.error(ErrorKind::UnknownArgument, message)
}

impl Global {
    /// Copies these options from one place of the command line.
    fn merge(&mut self, options: &[String], at: &ArgMatches) {
        for option in options {
            match option.as_str() {
                "store" => self
                    .store
                    .extend(at.get_many::<PathBuf>("store").into_iter().flatten().cloned()),
                "from" => self.from = at.get_one("from").cloned(),
                "json" => self.json = true,
                "issues" => self.issues = at.get_one("issues").copied(),
                "no_cache" => self.no_cache = true,
                "mmap" => self.mmap = true,
                "max_size" => self.max_size = at.get_one("max_size").copied(),
                "color" => self.color = at.get_one("color").copied().unwrap_or(self.color),
                "verify" => self.verify = at.get_one("verify").copied().unwrap_or(self.verify),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn for_each_command(command: &Command, visit: &mut dyn FnMut(&Command)) {
        visit(command);
        command.get_subcommands().for_each(|subcommand| for_each_command(subcommand, visit));
    }

    #[test]
    fn every_option_has_help() {
        command().debug_assert();
        let (mut program, mut options) = (command(), 0);
        program.build();
        for_each_command(&program, &mut |command| {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for arg in command.get_arguments() {
                let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
                assert!(!help.is_empty(), "{} {}", command.get_name(), arg.get_id());
                options += 1;
            }
        });
        assert!(options > 60, "{options}");
    }

    #[test]
    fn offered_options_are_accepted_before_and_after_the_command() {
        let shared = common_options();
        for_each_command(&command(), &mut |command| {
            for id in offered_options(command.get_name()) {
                assert!(shared.get_arguments().any(|arg| arg.get_id() == id), "{id}");
            }
        });
        let words = "scrollback --store a --json --issues --color never --max-size 1 --no-cache \
                     --verify full --mmap --from c ls --store b";
        let before = from_matches(&command().get_matches_from(words.split(' '))).unwrap();
        let words = "scrollback ls --store a --store b --json --issues --color never --max-size 1 \
                     --no-cache --verify full --mmap --from c";
        let after = from_matches(&command().get_matches_from(words.split(' '))).unwrap();
        assert_eq!(format!("{:?}", before.global), format!("{:?}", after.global));
        assert!(!format!("{:?}", after.global).contains("false"), "{after:?}");
    }

    #[test]
    fn unsupported_options_are_errors_in_both_places() {
        let error = |words: &str| {
            let matches = command().try_get_matches_from(words.split(' '));
            matches.and_then(|matches| from_matches(&matches)).unwrap_err().to_string()
        };
        for words in ["scrollback --json tail", "scrollback tail --json"] {
            assert!(error(words).contains("watch SESSION --json"), "{words}: {}", error(words));
        }
        for words in [
            "scrollback --no-cache cache clear",
            "scrollback cache --store x path",
            "scrollback cache path --store x",
            "scrollback --mmap watch",
            "scrollback demo --store x",
            "scrollback export --json",
        ] {
            assert!(error(words).contains("Usage: scrollback "), "{words}: {}", error(words));
        }
    }
}

//! The command line: commands, options and their help texts.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use scrollback::{FeedChoice, FeedKind, StoreCursor};

const EXAMPLES: &str = "\
Examples:
  scrollback demo                        try the program on a built-in example store
  scrollback ls --roots --since 7d       list the sessions of the last 7 days
  scrollback show                        read the newest session
  scrollback tree latest~1               show the structure of the second newest session
  scrollback tail                        follow the newest session
  scrollback watch --json                print each change as a line of JSON
  scrollback export > out.json           export a session as `opencode export` does
  scrollback --store /backup/opencode ls list the sessions of another store

Common options go before or after the command. The help of a command lists the options it accepts.

Exit codes: 0 success, 1 nothing found, 2 wrong usage, 3 a store cannot be read";

const LS_HELP: &str = "\
The table fits the width of the terminal. If it is too wide, TITLE and DIRECTORY are cut, and large
counts of TOKENS become short (`1.2M`). Then columns are left out in this order: DIRECTORY, MESSAGES,
UPDATED, TOKENS, COST. Costs are never cut or shortened. Without a terminal, nothing is cut.";

const WATCH_HELP: &str = "\
Examples:
  scrollback watch                       print each new event as a line of text
  scrollback watch latest                only events of the newest session
  scrollback watch --json > events       the present state, then each event, as JSON
  scrollback watch --json --since \"$(tail -n 1 events | jq -r .cursor)\" >> events

The command ends with exit code 0 on Ctrl-C, on SIGTERM, and when its output is closed. It waits
for a store that does not exist yet.";

const TAIL_HELP: &str = "\
Examples:
  scrollback tail                        follow the newest session
  scrollback tail -n 0                   print new messages only
  scrollback tail ses_4f1 --feed poll    poll, for example on a network file system

The command ends with exit code 0 on Ctrl-C, on SIGTERM, and when its output is closed.";

const SESSION_HELP: &str = "The session: an id, a prefix of an id (with or without `ses_`), or \
                       `latest` (also `last` or `recent`; `latest~2` is the third newest). \
                       `latest` does not count subagents";

/// The session that a command uses if the user names none.
const DEFAULT_SESSION: &str = "latest";

/// Reads the sessions that coding agents store on disk. Never changes a store.
#[derive(Debug, Parser)]
#[command(name = "scrollback", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The common options, before or after the command. `command_line` says which commands accept which option.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Common options")]
pub(crate) struct Global {
    /// A store to read: opencode's data directory, its storage/ directory, or a .db file. Repeat
    /// the option for several stores [default: opencode's standard locations]
    #[arg(long, value_name = "PATH")]
    pub(crate) store: Vec<PathBuf>,
    /// Read every session that this store has from it, even if another store of its directory has
    /// a newer copy: a path or a file name that `scrollback stores` lists
    #[arg(long, value_name = "STORE")]
    pub(crate) from: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// List each problem of a record with its place, one per line, on standard error. Without this
    /// option, one line counts the problems
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "text"
    )]
    pub(crate) issues: Option<IssueFormat>,
    /// When to print colours. `auto` respects NO_COLOR and CLICOLOR_FORCE
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(crate) color: Color,
    /// Skip records larger than this, in bytes [default: 67108864]
    #[arg(long, value_name = "BYTES")]
    pub(crate) max_size: Option<u64>,
    /// Do not read or write an index in the cache directory
    #[arg(long)]
    pub(crate) no_cache: bool,
    /// Which sessions to compare with the store. The others are listed as in the last run, from an
    /// index in the cache directory
    #[arg(long, value_enum, default_value_t = Verify::Fast, value_name = "HOW")]
    pub(crate) verify: Verify,
    /// Map large files into memory. Use it only for a store that nothing writes to, such as a copy
    #[arg(long)]
    pub(crate) mmap: bool,
}

/// The format of the list of issues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum IssueFormat {
    /// A line of text for each issue. `--issues` alone means this
    Text,
    /// A line of JSON for each issue
    Json,
}

/// How much of the index is verified against the store.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Verify {
    /// Sessions with changes that the store shows, and the sessions in the output
    Fast,
    /// Every message of every session. Slower; finds also changes that left no trace in directories
    Full,
}

/// When the output has colours.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Color {
    /// If the output is a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists the stores on this machine, and how each was found
    Stores,
    /// Lists sessions, newest first
    #[command(after_help = LS_HELP)]
    Ls(Ls),
    /// Prints a session as a transcript
    Show(Show),
    /// Prints the structure of a session: messages, parts, sizes and nested subagents
    Tree(Session),
    /// Prints one record as stored: the bytes of a file, or a row of a database
    ///
    /// In a database of opencode 2.x, the record of a message, part or item is the whole row that holds
    /// it. The record of a session in a database is a JSON object of its columns.
    Raw(Raw),
    /// Prints a session as `opencode export` does
    Export(Export),
    /// Follows a store and prints each change
    #[command(after_help = WATCH_HELP)]
    Watch(Watch),
    /// Prints the end of a session and follows it as it grows
    #[command(after_help = TAIL_HELP)]
    Tail(Tail),
    /// Shows the output of `ls`, `tree` and `show`, and totals, on a built-in example store
    Demo(Demo),
    /// Shows or removes the cached indexes
    Cache {
        /// The action
        #[command(subcommand)]
        action: Cache,
    },
    /// Prints a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// The actions of `cache`.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Cache {
    /// Prints the directory of the cached indexes
    Path,
    /// Removes all cached indexes; with --store, only those of this store and of stores below it
    Clear,
    /// Lists all cached indexes; with --store, only those of this store and of stores below it
    Stats,
}

/// The options of `ls`.
#[derive(Debug, clap::Args, Default)]
pub(crate) struct Ls {
    /// Only sessions of this project: its id, the start of its id, or its directory. A path of Windows
    /// can have `/` or `\`, and the drive in either case
    #[arg(long, value_name = "PROJECT")]
    pub(crate) project: Option<String>,
    /// Only top-level sessions. Their tokens and costs include those of their subagents
    #[arg(long)]
    pub(crate) roots: bool,
    /// Only archived sessions
    #[arg(long, conflicts_with = "no_archived")]
    pub(crate) archived: bool,
    /// Leave out archived sessions. Without this option they are listed with the others
    #[arg(long)]
    pub(crate) no_archived: bool,
    /// Only sessions updated since then: an age (`7d`, `12h`, `2 weeks`), a date or a time
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<String>,
    /// List only the newest N sessions of those that match
    #[arg(short = 'n', value_name = "N")]
    pub(crate) limit: Option<usize>,
}

/// The options of `show`.
#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    #[command(flatten)]
    pub(crate) session: Session,
    /// Print tool outputs in full length
    #[arg(long)]
    pub(crate) full: bool,
    /// Print only what the model would read next: the messages since the last compaction (the summary that
    /// replaced older messages), without outputs that opencode has removed from it
    #[arg(long)]
    pub(crate) context: bool,
}

/// The options of `demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Demo {
    /// Print the transcript in full length
    #[arg(long)]
    pub(crate) full: bool,
}

/// The options of `watch`.
#[derive(Debug, clap::Args)]
pub(crate) struct Watch {
    /// Only events of this session: an id, a prefix of an id, or `latest`, which is the newest session
    /// when the command starts. Without it, events of all sessions
    pub(crate) session: Option<String>,
    /// Continue after an event of an earlier run: the `cursor` of that event, from --json. If the changes
    /// since then are not known any more, the output says so; with --json, it then starts with the
    /// present state. `fresh` always starts with the present state
    #[arg(long, value_name = "CURSOR")]
    pub(crate) since: Option<Since>,
    #[command(flatten)]
    pub(crate) feed: Feed,
    /// Leave out events of parts
    #[arg(long)]
    pub(crate) no_parts: bool,
    /// Print statistics as JSON on standard error at the end
    #[arg(long)]
    pub(crate) stats: bool,
}

/// The options of `tail`.
#[derive(Debug, clap::Args)]
pub(crate) struct Tail {
    #[command(flatten)]
    pub(crate) session: Session,
    /// First print the last N messages of the session
    #[arg(short = 'n', value_name = "N", default_value_t = 10)]
    pub(crate) initial_messages: usize,
    /// Print tool outputs in full length
    #[arg(long)]
    pub(crate) full: bool,
    #[command(flatten)]
    pub(crate) feed: Feed,
}

/// Where the stream of events starts: after a cursor, or with the whole state.
#[derive(Debug, Clone)]
pub(crate) struct Since(pub(crate) Option<StoreCursor>);

impl Since {
    /// The value that requests the whole state. It is also the cursor of events from which a stream
    /// cannot continue.
    pub(crate) const FRESH: &str = "fresh";
}

impl FromStr for Since {
    type Err = scrollback::Error;

    fn from_str(text: &str) -> Result<Self, scrollback::Error> {
        if text == Self::FRESH {
            return Ok(Self(None));
        }
        text.parse().map(|cursor| Self(Some(cursor)))
    }
}

/// The option that selects a feed.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Feed {
    /// How to detect changes. The records themselves are always read from the store
    #[arg(long, value_enum, default_value_t = FeedName::Best, value_name = "FEED")]
    pub(crate) feed: FeedName,
}

/// The feeds: what reports that a file changed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum FeedName {
    /// The best available feed, with a fallback if it fails
    Best,
    /// A watchman server
    Watchman,
    /// Linux inotify
    Inotify,
    /// The file notifications of the operating system, for systems without inotify
    Notify,
    /// Check the files at regular intervals
    Poll,
}

impl From<Feed> for FeedChoice {
    fn from(Feed { feed }: Feed) -> Self {
        match feed {
            FeedName::Best => Self::Best,
            FeedName::Watchman => Self::Only(FeedKind::Watchman),
            FeedName::Inotify => Self::Only(FeedKind::Inotify),
            FeedName::Notify => Self::Only(FeedKind::Notify),
            FeedName::Poll => Self::Only(FeedKind::Poll),
        }
    }
}

/// The options of `export`.
#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    #[command(flatten)]
    pub(crate) session: Session,
    /// The format of the export
    #[arg(long, value_enum, default_value_t = Format::V1, value_name = "SHAPE")]
    pub(crate) format: Format,
}

/// The format of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// The format of opencode 1.x, which `opencode import` accepts
    V1,
    /// The format of opencode 2.x, for sessions in the tables of 2.x
    V2,
}

/// The session argument of a command.
#[derive(Debug, clap::Args)]
pub(crate) struct Session {
    #[arg(help = SESSION_HELP, default_value = DEFAULT_SESSION)]
    pub(crate) session: String,
}

/// The options of `raw`.
#[derive(Debug, clap::Args)]
pub(crate) struct Raw {
    /// The full id of a session, message, part, project, tool output or item (what opencode 2.x records
    /// between messages, such as a change of the model); `latest`; or `diff:SESSION`, `todo:SESSION` or
    /// `share:SESSION`
    pub(crate) id: String,
}

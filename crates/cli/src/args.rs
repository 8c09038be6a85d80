//! The command line.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use scrollback::{FeedChoice, FeedKind, StoreCursor};

const EXAMPLES: &str = "\
Examples:
  scrollback demo                        see it on a real store that is compiled in
  scrollback ls --roots --since 7d       what was worked on this week
  scrollback show                        read the newest session
  scrollback tree latest~1               what the one before it is made of
  scrollback tail                        read on as the model writes
  scrollback watch --json                what happens, an event a line
  scrollback export > out.json           as `opencode export` prints it
  scrollback --store /backup/opencode ls

Common options stand before or after the command; a command's help lists those that it has.

Exit codes: 0 done, 1 nothing found, 2 bad use, 3 a store cannot be read";

const WATCH_HELP: &str = "\
Examples:
  scrollback watch                       a line for each event, from now on
  scrollback watch latest                of the newest session alone
  scrollback watch --json > events       all there is, then each event, as JSON
  scrollback watch --json --since \"$(tail -n 1 events | jq -r .cursor)\" >> events

Ends with exit code 0 on Ctrl-C, SIGTERM, and when nobody reads its output. A store that is not
there yet is waited for.";

const TAIL_HELP: &str = "\
Examples:
  scrollback tail                        the newest session
  scrollback tail -n 0                   only what is new
  scrollback tail ses_4f1 --feed poll    where the system tells nothing, as over a network

Ends with exit code 0 on Ctrl-C, SIGTERM, and when nobody reads its output.";

const SESSION_HELP: &str = "An id, the start of one (with or without `ses_`), or `latest` (`last`, \
                       `recent`; `latest~2` is the third newest). The latest are those that no \
                       other session started";

/// The session that is meant where none is named.
const DEFAULT_SESSION: &str = "latest";

/// Reads what coding agents leave on disk, and never writes to it.
#[derive(Debug, Parser)]
#[command(name = "scrollback", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What several commands take, before or after the command; `command_line` says which ones do.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Common options")]
pub(crate) struct Global {
    /// A store: opencode's data directory, its storage/ directory, or a .db file; may be repeated
    /// [default: where opencode keeps it]
    #[arg(long, value_name = "PATH")]
    pub(crate) store: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// List what is wrong with the store, a line each, on standard error
    #[arg(long)]
    pub(crate) issues: bool,
    /// When to use colours; NO_COLOR is honoured
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(crate) color: Color,
    /// Read records up to this size, in bytes [default: 67108864]
    #[arg(long, value_name = "BYTES")]
    pub(crate) max_size: Option<u64>,
    /// Neither use nor keep an index between runs
    #[arg(long)]
    pub(crate) no_cache: bool,
    /// How thoroughly to compare the index with the store
    #[arg(long, value_enum, default_value_t = Verify::Fast, value_name = "HOW")]
    pub(crate) verify: Verify,
    /// Map large files into memory. Only for a store that nobody writes to: a copy, an archive
    #[arg(long)]
    pub(crate) mmap: bool,
}

/// How thoroughly to compare the index with the store.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Verify {
    /// Sessions that were written lately, and what is shown
    Fast,
    /// Every message
    Full,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists the stores that were found, and by which rule
    Stores,
    /// Lists sessions, newest first
    Ls(Ls),
    /// Prints a session as a transcript
    Show(Show),
    /// Prints what a session is made of, with sizes; subagents are nested
    Tree(Session),
    /// Prints one record as it is stored: the bytes of a file, or a row of a database
    ///
    /// In databases of 2.x that is the whole row that a message, a part or an item is made from. The
    /// record of a session in a database is put together from its columns.
    Raw(Raw),
    /// Prints a session as `opencode export` does
    Export(Export),
    /// Prints what happens in a store, as it happens
    #[command(after_help = WATCH_HELP)]
    Watch(Watch),
    /// Prints the end of a session, and what is added to it as it is written
    #[command(after_help = TAIL_HELP)]
    Tail(Tail),
    /// Shows sessions, a tree, a transcript and totals of a small store that is compiled in
    Demo(Demo),
    /// Shows or removes the indexes that are kept between runs
    Cache {
        /// What to do
        #[command(subcommand)]
        action: Cache,
    },
    /// Prints completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// What `cache` does.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Cache {
    /// Prints the directory that they are kept in
    Path,
    /// Removes them all, or with --store those of a store and of what is in it
    Clear,
    /// Lists them with the stores they are of, or with --store those of a store
    Stats,
}

/// What `ls` takes.
#[derive(Debug, clap::Args, Default)]
pub(crate) struct Ls {
    /// Only sessions of this project: its id, the start of it, or a directory
    #[arg(long, value_name = "P")]
    pub(crate) project: Option<String>,
    /// Only sessions that no other session started
    #[arg(long)]
    pub(crate) roots: bool,
    /// Only archived sessions
    #[arg(long, conflicts_with = "no_archived")]
    pub(crate) archived: bool,
    /// No archived sessions
    #[arg(long)]
    pub(crate) no_archived: bool,
    /// Only sessions updated since: an age (`7d`, `12h`, `2 weeks`), a date or a time
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<String>,
    /// At most this many
    #[arg(short = 'n', value_name = "N")]
    pub(crate) limit: Option<usize>,
}

/// What `show` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    #[command(flatten)]
    pub(crate) session: Session,
    /// Print whole outputs
    #[arg(long)]
    pub(crate) full: bool,
    /// Print what the model still sees: from the last compaction on, without pruned outputs
    #[arg(long)]
    pub(crate) context: bool,
}

/// What `demo` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Demo {
    /// Print the whole transcript
    #[arg(long)]
    pub(crate) full: bool,
}

/// What `watch` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Watch {
    /// Only this session, with all of its parts; the other commands say how to name it
    pub(crate) session: Option<String>,
    /// Go on behind the event that had this cursor. If that cannot be done without a gap, say so, and
    /// with --json begin with all there is; `fresh` asks for that
    #[arg(long, value_name = "CURSOR")]
    pub(crate) since: Option<Since>,
    #[command(flatten)]
    pub(crate) feed: Feed,
    /// Only projects, sessions and messages
    #[arg(long)]
    pub(crate) no_parts: bool,
    /// At the end, print on standard error what was done, as JSON
    #[arg(long)]
    pub(crate) stats: bool,
}

/// What `tail` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Tail {
    #[command(flatten)]
    pub(crate) session: Session,
    /// Begin with this many messages
    #[arg(short = 'n', value_name = "N", default_value_t = 10)]
    pub(crate) initial_messages: usize,
    /// Print whole outputs
    #[arg(long)]
    pub(crate) full: bool,
    #[command(flatten)]
    pub(crate) feed: Feed,
}

/// From where events are wanted: behind a cursor, or all there is.
#[derive(Debug, Clone)]
pub(crate) struct Since(pub(crate) Option<StoreCursor>);

impl Since {
    /// What stands for a cursor where only the start can be gone on from.
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

/// Who says that something was written.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Feed {
    /// Who says that something was written; what it was is always read from the store
    #[arg(long, value_enum, default_value_t = FeedName::Best, value_name = "FEED")]
    pub(crate) feed: FeedName,
}

/// Who says that something was written.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum FeedName {
    /// The best there is, and the next one where it cannot go on
    Best,
    /// A watchman server
    Watchman,
    /// The watches of Linux
    Inotify,
    /// The watches of any system
    Notify,
    /// Looking again and again
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

/// What `export` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    #[command(flatten)]
    pub(crate) session: Session,
    /// In which shape
    #[arg(long, value_enum, default_value_t = Format::V1, value_name = "SHAPE")]
    pub(crate) format: Format,
}

/// The shape of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// That of opencode 1.x, which its `import` takes
    V1,
    /// That of opencode 2.x, for sessions that it has in its tables
    V2,
}

/// The session that a command is about.
#[derive(Debug, clap::Args)]
pub(crate) struct Session {
    #[arg(help = SESSION_HELP, default_value = DEFAULT_SESSION)]
    pub(crate) session: String,
}

/// What `raw` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Raw {
    /// The whole id of a session, message, part, item, project or tool output; `latest`; or
    /// `diff:SESSION`, `todo:SESSION`, `share:SESSION`
    pub(crate) id: String,
}

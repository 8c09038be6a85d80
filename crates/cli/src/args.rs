//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

const EXAMPLES: &str = "\
Examples:
  scrollback demo                        see it on a real store that is compiled in
  scrollback ls --roots --since 7d       what was worked on this week
  scrollback show latest                 read the newest session
  scrollback tree latest~1               what the one before it is made of
  scrollback export latest > out.json    as `opencode export` prints it
  scrollback --store /backup/opencode ls

Exit codes: 0 done, 1 nothing found, 2 bad use, 3 a store cannot be read";

const SESSION: &str = "An id, the start of one (with or without `ses_`), or `latest` (`last`, \
                       `recent`; `latest~2` is the third newest). The latest are those that no \
                       other session started";

/// Reads what coding agents leave on disk, and never writes to it.
#[derive(Debug, Parser)]
#[command(name = "scrollback", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// A store: opencode's data directory, its storage/ directory, or a .db file; may be repeated
    /// [default: where opencode keeps it]
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) store: Vec<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// List what is wrong with the store, a line each, on standard error
    #[arg(long, global = true)]
    pub(crate) issues: bool,
    /// When to use colours; NO_COLOR is honoured
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(crate) color: Color,
    /// Read records up to this size, in bytes [default: 67108864]
    #[arg(long, global = true, value_name = "BYTES")]
    pub(crate) max_size: Option<u64>,
    /// Neither use nor keep an index between runs
    #[arg(long, global = true)]
    pub(crate) no_cache: bool,
    /// How thoroughly to compare the index with the store
    #[arg(long, global = true, value_enum, default_value_t = Verify::Fast, value_name = "HOW")]
    pub(crate) verify: Verify,
    /// Map large files into memory. Only for a store that nobody writes to: a copy, an archive
    #[arg(long, global = true)]
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
    /// Shows sessions, a tree and totals of a small real store that is compiled in
    Demo,
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
    /// Removes them all
    Clear,
    /// Lists them with the stores they are of
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
    pub(crate) most: Option<usize>,
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
    #[arg(help = SESSION)]
    pub(crate) session: String,
}

/// What `raw` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Raw {
    /// The whole id of a session, message, part, item, project or tool output; `latest`; or
    /// `diff:SESSION`, `todo:SESSION`, `share:SESSION`
    pub(crate) id: String,
}

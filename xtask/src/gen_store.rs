//! `cargo xtask gen-store`: writes a seeded synthetic opencode store with its exact totals.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use scrollback_fixtures::synth::{Events, Spec, write_database, write_database_v2, write_store};

#[derive(clap::Args)]
/// The arguments of `cargo xtask gen-store`.
pub(crate) struct Args {
    /// The size: S is 100 sessions, 4,000 messages, 16,000 parts, 28 MB; M is ten times as much
    #[arg(long, value_enum, ignore_case = true)]
    size: Size,
    /// The seed: the same seed gives the same bytes
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The storage format: files below `DIR/storage`, or rows of `DIR/opencode.db` as 1.18 or 2.0
    /// stores them. Every format holds the same store
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
    /// Fill the event log of the database too, which doubles its size
    #[arg(long)]
    events: bool,
    /// The data directory to write, with `DIR/expected.json`; it must be empty or new
    dir: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Size {
    S,
    M,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Json,
    Sqlite,
    V2,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let spec = match args.size {
        Size::S => Spec::small(args.seed),
        Size::M => Spec::medium(args.seed),
    };
    let begun = Instant::now();
    let written = match (args.format, args.events) {
        (Format::Json, false) => write_store(&args.dir, &spec),
        (Format::Json, true) => {
            bail!("`--events` needs `--format sqlite`: a store of files has no event log")
        }
        (Format::Sqlite, false) => write_database(&args.dir, &spec, Events::Empty),
        (Format::Sqlite, true) => write_database(&args.dir, &spec, Events::Full),
        (Format::V2, false) => write_database_v2(&args.dir, &spec),
        (Format::V2, true) => {
            bail!("`--events` needs `--format sqlite`: opencode 2 keeps no event log")
        }
    };
    let expected =
        written.with_context(|| format!("cannot generate a store in {}", args.dir.display()))?;
    let counts = &expected.counts;
    println!(
        "{}: {} sessions, {} messages, {} parts, {:.1} MB in {} files, {:.1} s",
        args.dir.display(),
        counts.sessions,
        counts.messages,
        counts.parts,
        counts.bytes as f64 / 1e6,
        counts.files,
        begun.elapsed().as_secs_f64(),
    );
    Ok(())
}

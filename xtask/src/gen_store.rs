//! `cargo xtask gen-store`: writes a seeded synthetic opencode store with its true totals.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context as _;
use clap::ValueEnum;
use scrollback_fixtures::synth::{Spec, write_store};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// S: 100 sessions, 4,000 messages, 16,000 parts, 28 MB; M: ten times that
    #[arg(long, value_enum, ignore_case = true)]
    size: Size,
    /// Same seed, same bytes
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The data directory to write: `DIR/storage/…` and `DIR/expected.json`; must be empty or new
    dir: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Size {
    S,
    M,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let spec = match args.size {
        Size::S => Spec::small(args.seed),
        Size::M => Spec::medium(args.seed),
    };
    let begun = Instant::now();
    let expected = write_store(&args.dir, &spec)
        .with_context(|| format!("generate a store in {}", args.dir.display()))?;
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

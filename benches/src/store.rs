//! The generated stores that tasks run on. They are generated once, in cargo's target directory.

#![expect(clippy::disallowed_methods, reason = "it writes a generated store")]

use std::env;
use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use scrollback_fixtures::synth::{
    Events, Expected, Spec, write_database, write_database_v2, write_store,
};

/// The mtime of every generated file. It is long past, so all reads are settled whatever the
/// machine's clock says.
const STORE_MTIME: Duration = Duration::from_secs(1_500_000_000);

/// The size of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// 100 sessions, 4,000 messages, 16,000 parts, 28 MB.
    S,
    /// Ten times as much.
    M,
}

/// The storage format of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreFormat {
    /// A tree of JSON files.
    Files,
    /// An SQLite database of opencode 1.18.
    Database,
    /// An SQLite database of opencode 2.0.
    DatabaseV2,
}

/// A generated store.
#[derive(Debug, Clone)]
pub struct Store {
    /// The size.
    pub size: Size,
    /// The storage format.
    pub format: StoreFormat,
    /// The seed of the generator.
    pub seed: u64,
    /// The directory `storage/`. In a database store it holds only diffs.
    pub storage: PathBuf,
    /// The file `opencode.db`, if the store is a database.
    pub database: PathBuf,
    /// The totals of the store.
    pub expected: Expected,
}

impl Store {
    /// Opens the store of this size, format and seed, and generates it if it does not exist.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn open(size: Size, form: StoreFormat, seed: u64) -> Result<Self> {
        let (name, spec) = match size {
            Size::S => ("S", Spec::small(seed)),
            Size::M => ("M", Spec::medium(seed)),
        };
        let suffix = match form {
            StoreFormat::Files => "",
            StoreFormat::Database => "-sqlite",
            StoreFormat::DatabaseV2 => "-v2",
        };
        let dir = stores_dir()?.join(format!("{name}-{seed}{suffix}"));
        // Several processes may need the store at once: the first generates it, the others wait.
        fs::create_dir_all(stores_dir()?)?;
        let lock = File::options().append(true).create(true).open(dir.with_extension("lock"))?;
        lock.lock().context("cannot wait for the store")?;
        let expected = match Expected::load(&dir) {
            Ok(expected) if matches_spec(&expected, form, &spec) => expected,
            _ => generate(&dir, form, &spec)
                .with_context(|| format!("cannot generate a store in {}", dir.display()))?,
        };
        let [storage, database] = ["storage", "opencode.db"].map(|name| dir.join(name));
        Ok(Self { size, format: form, seed, storage, database, expected })
    }
}

impl Store {
    /// Returns the id of a message of the typical session.
    ///
    /// # Errors
    /// If the session has no message.
    pub fn some_message(&self) -> Result<String> {
        let dir = self.storage.join("message").join(&self.expected.typical_session);
        let names: Vec<String> = fs::read_dir(&dir)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<Result<_>>()?;
        let least = names.iter().filter_map(|name| name.strip_suffix(".json")).min();
        Ok(least.with_context(|| format!("{} has no message", dir.display()))?.to_owned())
    }
}

fn matches_spec(expected: &Expected, form: StoreFormat, spec: &Spec) -> bool {
    expected.seed == spec.seed
        && expected.counts.sessions == spec.sessions as u64
        && (form == StoreFormat::DatabaseV2
            || expected.counts.messages == spec.messages as u64
                && expected.counts.parts == spec.parts as u64)
}

/// Generates a store in a temporary directory and renames it, so a store with the final name is
/// complete.
fn generate(dir: &Path, form: StoreFormat, spec: &Spec) -> Result<Expected> {
    let unfinished = dir.with_extension("unfinished");
    for old in [dir, &unfinished] {
        if old.exists() {
            fs::remove_dir_all(old)?;
        }
    }
    let expected = match form {
        StoreFormat::Files => write_store(&unfinished, spec)?,
        StoreFormat::Database => write_database(&unfinished, spec, Events::Empty)?,
        StoreFormat::DatabaseV2 => write_database_v2(&unfinished, spec)?,
    };
    set_old_mtimes(&unfinished)?;
    fs::rename(&unfinished, dir)?;
    Ok(expected)
}

fn set_old_mtimes(path: &Path) -> Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            set_old_mtimes(&entry?.path())?;
        }
    } else {
        let times = FileTimes::new().set_modified(UNIX_EPOCH + STORE_MTIME);
        File::options().write(true).open(path)?.set_times(times)?;
    }
    Ok(())
}

/// Returns the directory of the stores, next to the programs that cargo built.
fn stores_dir() -> Result<PathBuf> {
    Ok(program_dir()?.join("perf-stores"))
}

/// Returns the directory of the programs that cargo built.
pub(crate) fn program_dir() -> Result<PathBuf> {
    let program = env::current_exe()?;
    // The path is `target/release/perf`, or `target/release/deps/tree-0123456789abcdef`.
    let home = program.ancestors().skip(1).find(|dir| !dir.ends_with("deps"));
    Ok(home.context("the program has no parent directory")?.to_owned())
}

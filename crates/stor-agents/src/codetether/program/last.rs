//! Finds the last session of a workspace: by the index, or else in all files.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use memchr::memmem::Finder;

use super::error::Error;
use super::files::SessionsDir;
use super::index::WorkspaceIndex;
use super::load::{TailLoad, tail, tail_as_stored};
use super::parse::SessionHeader;
use crate::engine::Fields;
use crate::version::Version;

/// The last session of a workspace.
#[derive(Debug, Clone, PartialEq)]
pub struct LastSession {
    /// The session.
    pub loaded: TailLoad,
    /// The index that the program would write: with the session that it found without the index.
    pub repaired_index: Option<WorkspaceIndex>,
}

/// Returns the last session of all.
///
/// # Errors
/// As of [`last_for_directory_tail`].
pub fn last(sessions: &Path, version: Version) -> Result<LastSession, Error> {
    last_for_directory(sessions, None, version)
}

/// Returns the last session of a workspace, with all messages.
///
/// # Errors
/// As of [`last_for_directory_tail`].
pub fn last_for_directory(
    sessions: &Path,
    workspace: Option<&Path>,
    version: Version,
) -> Result<LastSession, Error> {
    last_for_directory_tail(sessions, workspace, usize::MAX, version)
}

/// Returns the last session of a workspace, or of all, with the last `window` messages and the last
/// `window` tool uses.
///
/// The session in the index wins, also if another one is newer, if it can be parsed and still belongs
/// to the workspace. Otherwise the files are examined, the newest first. With several files, only those
/// count that contain the workspace's canonical path. A session that was found so keeps the pages of
/// its file, which may not fit its messages. Files of the same time are examined in the order of the
/// directory.
///
/// # Errors
/// [`Error::NoSessions`] if none matches. If the first match cannot be parsed, although it is JSON with
/// sound metadata, its [`Error::Parse`].
pub fn last_for_directory_tail(
    sessions: &Path,
    workspace: Option<&Path>,
    window: usize,
    version: Version,
) -> Result<LastSession, Error> {
    let Some(dir) = SessionsDir::open(sessions)? else { return Err(Error::NoSessions) };
    let workspace = workspace.map(canonical);
    let Some(workspace) = workspace else {
        let loaded = scan(&dir, None, window, version)?;
        return Ok(LastSession { loaded, repaired_index: None });
    };
    let mut index = WorkspaceIndex::read(&dir);
    if let Some(loaded) = load_indexed(&dir, &index, &workspace, window, version) {
        return Ok(LastSession { loaded, repaired_index: None });
    }
    let loaded = scan(&dir, Some(&workspace), window, version)?;
    index.set(&workspace, &loaded.session.id);
    Ok(LastSession { loaded, repaired_index: Some(index) })
}

/// Loads the session that the index names, if it belongs to the workspace.
fn load_indexed(
    dir: &SessionsDir,
    index: &WorkspaceIndex,
    workspace: &Path,
    window: usize,
    version: Version,
) -> Option<TailLoad> {
    let name = format!("{}.json", index.get(workspace)?);
    let loaded = tail(dir, &name, window, version).ok()?;
    let stored = loaded.session.metadata.directory.as_deref()?;
    (canonical(stored) == workspace).then_some(loaded)
}

/// Loads the newest session whose header matches, with the pages of its file.
fn scan(
    dir: &SessionsDir,
    workspace: Option<&Path>,
    window: usize,
    version: Version,
) -> Result<TailLoad, Error> {
    let names = dir.json_names()?.into_iter().map(|name| (dir.stamp(&name).mtime, name));
    let mut candidates: Vec<_> = names.collect();
    candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.0)); // stable: ties keep the order of the directory
    let search = workspace.map(|it| Search::new(dir, it, candidates.len() > 1, version));
    let mut rest = &candidates[..];
    loop {
        let found = match &search {
            Some(search) => search.first(rest.len(), &|at| rest[at].1.as_str()),
            None => (!rest.is_empty()).then_some(0),
        };
        let Some(found) = found else { return Err(Error::NoSessions) };
        let name = &rest[found].1;
        match tail_as_stored(dir, name, window, version) {
            Ok(loaded) => return Ok(loaded),
            // The program reads the header by itself, and skips a file without one.
            Err(error) if has_header(dir, name) => return Err(error),
            Err(_) => rest = &rest[found + 1..],
        }
    }
}

fn has_header(dir: &SessionsDir, name: &str) -> bool {
    dir.read(name).is_ok_and(|bytes| serde_json::from_slice::<SessionHeader>(&bytes).is_ok())
}

/// The number of bytes at the start of a file that usually hold the metadata. The program writes it
/// before the messages.
const START: usize = 16 << 10;

/// The largest file that the newer program examines, in bytes.
const MAX_EXAMINED: usize = 64 << 20;

/// The largest number of threads; more do not read faster.
const MAX_THREADS: usize = 8;

/// The search for a session of a workspace.
struct Search<'s> {
    dir: &'s SessionsDir,
    workspace: &'s Path,
    /// Finds the path of the workspace as JSON text. `None` if the text need not be there.
    finder: Option<Finder<'static>>,
    version: Version,
}

impl<'s> Search<'s> {
    fn new(dir: &'s SessionsDir, workspace: &'s Path, has_many: bool, version: Version) -> Self {
        let finder = has_many.then(|| {
            let json = serde_json::Value::from(&*workspace.to_string_lossy()).to_string();
            let text = json.get(1..json.len() - 1).unwrap_or_default();
            Finder::new(text.as_bytes()).into_owned()
        });
        Self { dir, workspace, finder, version }
    }

    /// Returns the first of `count` files that matches. Several threads examine the files in order,
    /// and stop behind the first match.
    fn first<'n>(&self, count: usize, name: &(dyn Fn(usize) -> &'n str + Sync)) -> Option<usize> {
        let (next, found) = (AtomicUsize::new(0), AtomicUsize::new(usize::MAX));
        let examine = || {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if at >= count || at > found.load(Ordering::Relaxed) {
                    return;
                }
                if self.matches(name(at)).unwrap_or(false) {
                    found.fetch_min(at, Ordering::Relaxed);
                }
            }
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        match threads.min(MAX_THREADS).min(count) {
            0 | 1 => examine(),
            threads => std::thread::scope(|scope| {
                (1..threads).for_each(|_| drop(scope.spawn(examine)));
                examine();
            }),
        }
        let found = found.into_inner();
        (found < count).then_some(found)
    }

    /// Checks whether a file names the workspace as its directory. Whether all of the file is JSON is
    /// not checked.
    fn matches(&self, name: &str) -> io::Result<bool> {
        let (start, is_whole) = self.dir.read_start(name, START)?;
        match directory_in(&start) {
            Some(directory) if !self.is_workspace(directory.as_deref()) => return Ok(false),
            Some(_) if is_whole => return Ok(self.has_text(&start)),
            Some(_) => return Ok(self.has_text(&self.dir.read(name)?)),
            None => {}
        }
        // The metadata comes later, or it is damaged.
        let whole = self.dir.read(name)?;
        let directory = self.has_text(&whole).then(|| directory_in(&whole)).flatten();
        Ok(directory.is_some_and(|directory| self.is_workspace(directory.as_deref())))
    }

    fn has_text(&self, bytes: &[u8]) -> bool {
        let Some(finder) = &self.finder else { return true };
        let is_examined = self.version == Version::Seed || bytes.len() <= MAX_EXAMINED;
        is_examined && finder.find(bytes).is_some()
    }

    fn is_workspace(&self, directory: Option<&Path>) -> bool {
        directory.is_some_and(|it| it == self.workspace || canonical(it) == self.workspace)
    }
}

/// Returns the directory in the metadata, if the start of a file has all of the metadata.
fn directory_in(start: &[u8]) -> Option<Option<PathBuf>> {
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&start[..error.valid_up_to()]).unwrap_or_default(),
    };
    let metadata = Fields::parse_start(text).object("metadata")?;
    Some(metadata.text("directory").map(|directory| PathBuf::from(directory.into_owned())))
}

/// Returns the canonical path, or the path itself if it does not exist.
pub(super) fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

//! A directory of files whose ages the test sets, a clock that the test moves, and a directory that
//! runs a hook before a read, or between the read and the stat after it.

use std::cell::{Cell, RefCell};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use scrollback_core_err::IssueKind;
use scrollback_core_id::{Clock, Stamp, UnixNanos};
use scrollback_stor_mmap::{
    Dir, Directory, FileKind, ListBuffer, MapPolicy, MappedFile, PortableDir, ReadContext,
    ReadOptions,
};
use tempfile::TempDir;

/// 2026-11-18, as in the corpora.
pub(crate) const NOW: UnixNanos = UnixNanos(1_795_000_000_000_000_000);
pub(crate) const OLD_AGE: Duration = Duration::from_secs(60);
pub(crate) const YOUNG_AGE: Duration = Duration::from_millis(30);

/// Declares the same tests for both implementations of `Directory`.
macro_rules! for_both_directories {
    ($($test:ident),+ $(,)?) => {
        mod native {
            $(#[test] fn $test() { super::$test::<scrollback_stor_mmap::Dir>(); })+
        }
        mod portable {
            $(#[test] fn $test() { super::$test::<scrollback_stor_mmap::PortableDir>(); })+
        }
    };
}
pub(crate) use for_both_directories;

pub(crate) trait Root: Directory {
    fn root(path: &Path) -> Self;
}

impl Root for Dir {
    fn root(path: &Path) -> Self {
        Self::open(path).unwrap()
    }
}

impl Root for PortableDir {
    fn root(path: &Path) -> Self {
        Self::open(path).unwrap()
    }
}

/// A store that the test writes as opencode does.
pub(crate) struct Store(TempDir);

impl Store {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn dir<D: Root>(&self) -> D {
        D::root(self.0.path())
    }

    /// Writes a file in place, then cuts it. The file's last change is `age` before [`NOW`].
    pub(crate) fn write_file(&self, name: &str, bytes: &[u8], age: Duration) {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(self.path(name))
            .unwrap();
        file.write_all(bytes).unwrap();
        file.set_len(bytes.len() as u64).unwrap();
        file.set_modified(UNIX_EPOCH + nanos(NOW.saturating_sub(age))).unwrap();
    }

    pub(crate) fn mkdir(&self, name: &str) {
        fs::create_dir(self.path(name)).unwrap();
    }
}

pub(crate) fn nanos(time: UnixNanos) -> Duration {
    Duration::from_nanos(u64::try_from(time.0).unwrap())
}

/// Opens a file as `MappedFile` does, in a context that begins at [`NOW`].
pub(crate) fn open<D: Directory>(
    dir: &D,
    name: &[u8],
    discipline: scrollback_core_id::Discipline,
    policy: &MapPolicy,
) -> Result<MappedFile, IssueKind> {
    let clock = TestClock::new();
    let context = ReadContext::begin(&clock, ReadOptions::default());
    MappedFile::open(dir, name, discipline, policy, &context, &mut is_whole_object)
}

/// Checks whether bytes parse in the language of these tests: one pair of braces around other bytes.
pub(crate) fn is_whole_object(bytes: &[u8]) -> bool {
    match bytes {
        [b'{', inner @ .., b'}'] => !inner.iter().any(|byte| matches!(byte, b'{' | b'}' | 0)),
        _ => false,
    }
}

type Hook<'a> = Box<dyn FnMut(usize) + Send + 'a>;

/// A clock that starts at [`NOW`]. A pause moves it forward and calls a hook.
pub(crate) struct TestClock<'a> {
    now: AtomicI64,
    pauses: Mutex<Vec<Duration>>,
    on_pause: Mutex<Hook<'a>>,
}

impl<'a> TestClock<'a> {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// Returns a clock that calls `on_pause` with the number of each pause, from 1 on.
    pub(crate) fn with(on_pause: impl FnMut(usize) + Send + 'a) -> Self {
        Self {
            now: AtomicI64::new(NOW.0),
            pauses: Mutex::default(),
            on_pause: Mutex::new(Box::new(on_pause)),
        }
    }

    pub(crate) fn pauses(&self) -> Vec<Duration> {
        self.pauses.lock().unwrap().clone()
    }
}

impl Clock for TestClock<'_> {
    fn now(&self) -> UnixNanos {
        UnixNanos(self.now.load(Ordering::Relaxed))
    }

    fn pause(&self, time: Duration) {
        self.now.fetch_add(i64::try_from(time.as_nanos()).unwrap(), Ordering::Relaxed);
        let count = {
            let mut pauses = self.pauses.lock().unwrap();
            pauses.push(time);
            pauses.len()
        };
        (self.on_pause.lock().unwrap())(count);
    }
}

/// A directory that runs a hook right before or after each read.
pub(crate) struct ScriptedDirectory<'a, D> {
    inner: D,
    reads: Cell<usize>,
    before: RefCell<Hook<'a>>,
    after: RefCell<Hook<'a>>,
}

impl<'a, D> ScriptedDirectory<'a, D> {
    /// Returns a directory that calls `after` with the number of each read, from 1 on.
    pub(crate) fn after(inner: D, after: impl FnMut(usize) + Send + 'a) -> Self {
        let (before, after) =
            (RefCell::new(Box::new(|_| {}) as _), RefCell::new(Box::new(after) as _));
        Self { inner, reads: Cell::new(0), before, after }
    }

    /// Returns a directory that calls `before` with the number of each read, from 1 on.
    pub(crate) fn before(inner: D, before: impl FnMut(usize) + Send + 'a) -> Self {
        Self { before: RefCell::new(Box::new(before)), ..Self::after(inner, |_| {}) }
    }

    pub(crate) fn reads(&self) -> usize {
        self.reads.get()
    }
}

impl<D: Directory> Directory for ScriptedDirectory<'_, D> {
    fn open_dir(&self, name: &[u8]) -> Result<Self, IssueKind> {
        self.inner.open_dir(name).map(|inner| Self::after(inner, |_| {}))
    }

    fn open_file(&self, name: &[u8]) -> Result<File, IssueKind> {
        self.inner.open_file(name)
    }

    fn list(
        &self,
        buffer: &mut ListBuffer,
        visitor: impl FnMut(&[u8], FileKind),
    ) -> Result<(), IssueKind> {
        self.inner.list(buffer, visitor)
    }

    fn stat(&self, name: &[u8]) -> Result<(FileKind, Stamp), IssueKind> {
        self.inner.stat(name)
    }

    fn stamp(&self) -> Result<Stamp, IssueKind> {
        self.inner.stamp()
    }

    fn stat_open(&self, file: &File) -> io::Result<(FileKind, Stamp)> {
        self.inner.stat_open(file)
    }

    fn read_at(&self, file: &File, offset: u64, into: &mut Vec<u8>) -> io::Result<usize> {
        self.reads.set(self.reads() + 1);
        (self.before.borrow_mut())(self.reads());
        let read = self.inner.read_at(file, offset, into);
        (self.after.borrow_mut())(self.reads());
        read
    }
}

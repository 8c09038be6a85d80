//! Tests that no command writes to a store: they compare the store before and after, run without write
//! permission, and check the system calls with strace.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use scrollback_fixtures::{Corpus, CorpusPaths, corpus};
use tempfile::TempDir;

use crate::support::{scrollback, skip, step_session};

/// The kinds of stores: files, a database, a database with a large write-ahead log, files beside a
/// database, and a database of 2.x.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StoreKind {
    Files,
    Database,
    Log,
    Both,
    V2,
}

const ALL: [StoreKind; 5] =
    [StoreKind::Files, StoreKind::Database, StoreKind::Log, StoreKind::Both, StoreKind::V2];

fn copy(stored: StoreKind, dir: &Path) -> CorpusPaths {
    let copy_corpus = |which| corpus(which).copy_to(dir).unwrap();
    match stored {
        StoreKind::Files => copy_corpus(Corpus::OpencodeJson),
        StoreKind::Database => copy_corpus(Corpus::OpencodeMigrated),
        StoreKind::Log => copy_corpus(Corpus::OpencodeRawWal),
        StoreKind::V2 => copy_corpus(Corpus::OpencodeV2Upgraded),
        StoreKind::Both => {
            copy_corpus(Corpus::OpencodeMigrated);
            copy_corpus(Corpus::OpencodeJson)
        }
    }
}

/// The path, mode, modification time and bytes of every file and directory below a directory.
type TreeState = BTreeMap<PathBuf, (u32, SystemTime, Option<Vec<u8>>)>;

fn tree_state(root: &Path) -> TreeState {
    let mut all = TreeState::new();
    let mut dirs = vec![root.to_owned()];
    while let Some(dir) = dirs.pop() {
        let about = std::fs::symlink_metadata(&dir).unwrap();
        all.insert(dir.clone(), (about.mode(), about.modified().unwrap(), None));
        for entry in std::fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            let about = std::fs::symlink_metadata(&path).unwrap();
            if about.is_dir() {
                dirs.push(path);
            } else {
                let bytes = std::fs::read(&path).unwrap();
                all.insert(path, (about.mode(), about.modified().unwrap(), Some(bytes)));
            }
        }
    }
    all
}

/// Returns every command that reads a store and ends, in all its forms.
fn commands(stored: StoreKind) -> Vec<Vec<String>> {
    let args = |words: &[&str]| words.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>();
    if stored == StoreKind::V2 {
        let id = crate::v2::session_id(Corpus::OpencodeV2Upgraded, "parent");
        return vec![
            args(&["stores"]),
            args(&["ls", "--json", "--issues"]),
            args(&["show", "--context", "--full", &id]),
            args(&["tree", &id]),
            args(&["raw", &id]),
            args(&["raw", "msg_2003881fd001MVmYYLaw9V74Jq"]),
            args(&["raw", "prt_20038821b001oArIB5k7v00002"]),
            args(&["export", &id]),
            args(&["export", "--format", "v2", &id]),
        ];
    }
    let id = step_session("subagents");
    vec![
        args(&["stores"]),
        args(&["ls", "--json", "--issues"]),
        args(&["ls", "--roots", "--project", "global"]),
        args(&["show", &id]),
        args(&["show", "--context", "--full", "latest"]),
        args(&["tree", &id]),
        args(&["raw", &id]),
        args(&["raw", "prt_1fb652962001OHLuhfSH9GOJ89"]),
        args(&["raw", &format!("share:{}", step_session("shared"))]),
        args(&["export", &id]),
        args(&["export", &id, "--mmap"]),
    ]
}

fn run(mut command: Command, args: &[String]) {
    let output = command.args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    assert!(!output.stdout.is_empty(), "{args:?}");
}

fn command_for(store: &Path) -> Command {
    let mut command = scrollback();
    command.arg("--store").arg(store);
    command
}

#[test]
fn a_store_is_the_same_after_every_command() {
    // Without `StoreKind::Log`: for a log without its side file, SQLite itself creates that file.
    for stored in [StoreKind::Files, StoreKind::Database, StoreKind::Both, StoreKind::V2] {
        let dir = tempfile::tempdir().unwrap();
        let store = copy(stored, dir.path());
        let before = tree_state(dir.path());
        let is_one_file = matches!(stored, StoreKind::Database | StoreKind::V2);
        assert!(before.len() > if is_one_file { 1 } else { 800 });
        for args in commands(stored) {
            run(command_for(&store.data_dir), &args);
            assert!(tree_state(dir.path()) == before, "{args:?} changed the store");
        }
    }
}

#[test]
fn a_log_without_its_side_file_is_read_and_reported() {
    let dir = tempfile::tempdir().unwrap();
    let store = copy(StoreKind::Log, dir.path());
    let before = tree_state(dir.path());
    let stores = command_for(&store.data_dir).arg("stores").output().unwrap();
    let output = String::from_utf8_lossy(&stores.stdout);
    assert!(output.contains("59 sessions") && output.contains("leaves a -shm"), "{output}");
    let mut after = tree_state(dir.path());
    after.remove(&dir.path().join("opencode.db-shm")).unwrap();
    let bytes = |all: TreeState| -> Vec<_> {
        all.into_iter().map(|(path, about)| (path, about.2)).collect()
    };
    assert_eq!(bytes(after), bytes(before), "no other file changed");
}

/// A read-only copy of the corpus, and the binary, which runs as a user who owns neither.
struct Unprivileged {
    dir: TempDir,
    binary: PathBuf,
    store: PathBuf,
}

impl Unprivileged {
    const NOBODY: u32 = 65534;

    /// Creates the copy; `None` if the test cannot change its user.
    fn new(stored: StoreKind) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            skip("commands as an unprivileged user", "only root can change the user");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let store = copy(stored, dir.path()).data_dir;
        let binary = dir.path().join("scrollback-under-test");
        std::fs::copy(env!("CARGO_BIN_EXE_scrollback"), &binary).unwrap();
        make_read_only(dir.path());
        let this = Self { dir, binary, store };
        let may_run = this.command().arg("--version").output();
        if !may_run.is_ok_and(|output| output.status.success()) {
            skip("commands as an unprivileged user", "the user may not run the binary here");
            return None;
        }
        Some(this)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.env("TZ", "UTC").env("HOME", "/nonexistent").env_remove("XDG_DATA_HOME");
        command.uid(Self::NOBODY).gid(Self::NOBODY).arg("--store").arg(&self.store);
        command
    }
}

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Makes files and directories readable for everybody and writable for nobody.
fn make_read_only(path: &Path) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            make_read_only(&entry.unwrap().path());
        }
        chmod(path, 0o555);
    } else {
        chmod(path, std::fs::metadata(path).unwrap().mode() & 0o111 | 0o444);
    }
}

#[test]
fn a_store_that_may_not_be_written_is_read() {
    for stored in ALL {
        let Some(unprivileged) = Unprivileged::new(stored) else { return };
        for args in commands(stored) {
            run(unprivileged.command(), &args);
        }
        let names = std::fs::read_dir(&unprivileged.store).unwrap();
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
        assert!(!names.map(name).any(|name| name == "opencode.db-shm"), "{stored:?}");
    }
}

#[test]
fn an_unreadable_file_is_an_issue_and_the_rest_is_printed() {
    let Some(unprivileged) = Unprivileged::new(StoreKind::Files) else { return };
    let storage = unprivileged.dir.path().join("storage");
    let session = step_session("rust");
    let part = first_file(&storage.join("part").join(first_message(&storage, &session)));
    chmod(&part, 0);
    let shown = unprivileged.command().args(["show", &session, "--issues"]).output().unwrap();
    let (out, err) =
        [&shown.stdout, &shown.stderr].map(|text| String::from_utf8_lossy(text)).into();
    assert!(shown.status.success() && out.contains("Rust greeting"), "{err}");
    let named = part.strip_prefix(&storage).unwrap().to_str().unwrap();
    assert!(err.contains(named) && err.contains("cannot open"), "{err}");

    chmod(&storage, 0);
    let listed = unprivileged.command().arg("ls").output().unwrap();
    assert_eq!(listed.status.code(), Some(3), "{}", String::from_utf8_lossy(&listed.stderr));
    chmod(&storage, 0o755); // so that it can be removed
}

fn first_file(dir: &Path) -> PathBuf {
    let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|it| it.unwrap().path()).collect();
    files.sort();
    files.remove(0)
}

fn first_message(storage: &Path, session: &str) -> String {
    let file = first_file(&storage.join("message").join(session));
    file.file_stem().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn a_read_only_mount_is_read() {
    for stored in ALL {
        read_from_a_read_only_mount(stored);
    }
}

fn read_from_a_read_only_mount(stored: StoreKind) {
    let dir = tempfile::tempdir().unwrap();
    let store = copy(stored, dir.path());
    let script =
        r#"mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && ! touch "$1/x" 2>/dev/null"#;
    let mounted = |then: &str| {
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", &format!("{script} || exit 77; shift; {then}"), "sh"]);
        command.arg(&store.data_dir);
        command
    };
    let tried = mounted("exit 0").output();
    if !tried.is_ok_and(|output| output.status.success()) {
        return skip("commands on a read-only mount", "no mounts can be made here");
    }
    for args in commands(stored) {
        let mut command = mounted(r#"exec "$@""#);
        command.arg(env!("CARGO_BIN_EXE_scrollback")).arg("--store").arg(&store.data_dir);
        run(command, &args);
    }
}

#[test]
fn no_call_writes_into_the_store() {
    let works = Command::new("strace").args(["-o", "/dev/null", "true"]).output();
    if std::env::var_os("SCROLLBACK_BARE").is_some() || !works.is_ok_and(|it| it.status.success()) {
        return skip("commands under strace", "strace is not here or may not trace");
    }
    let stores = [StoreKind::Files, StoreKind::Database, StoreKind::Both, StoreKind::V2];
    let opened: Vec<usize> = stores.into_iter().map(count_opens).collect();
    assert!(opened[3] > 0, "no open in the store of 2.x");
    let opened: usize = opened.iter().sum();
    assert!(opened > 500, "strace saw {opened} opens in the stores");
}

/// Counts the files that are opened below a store. Asserts that none is opened for writing and that no
/// other call changes the store.
fn count_opens(stored: StoreKind) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let store = copy(stored, &dir.path().join("data"));
    let inside = store.data_dir.to_str().unwrap().to_owned();
    let log = dir.path().join("log");
    let mut opened = 0;
    for args in commands(stored) {
        let mut command = Command::new("strace");
        // -y prints the path of each descriptor, so that the log shows an openat below an open directory.
        command.args(["-f", "-y", "-e", "trace=%file,%desc", "-o"]).arg(&log);
        command.arg(env!("CARGO_BIN_EXE_scrollback")).arg("--store").arg(&store.data_dir);
        command.env("TZ", "UTC").env("HOME", "/nonexistent").env_remove("XDG_DATA_HOME");
        run(command, &args);
        for line in std::fs::read_to_string(&log).unwrap().lines().filter(|it| it.contains(&inside))
        {
            let call =
                line.split_whitespace().nth(1).unwrap_or_default().split('(').next().unwrap();
            let writes = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_TMPFILE", "PROT_WRITE"];
            let is_shared_write = line.contains("PROT_WRITE") && !line.contains("MAP_SHARED");
            assert!(
                is_shared_write || !writes.iter().any(|flag| line.contains(flag)),
                "{args:?}: {line}"
            );
            let changes = [
                "write",
                "pwrite64",
                "writev",
                "ftruncate",
                "truncate",
                "fallocate",
                "unlink",
                "unlinkat",
                "rename",
                "renameat",
                "renameat2",
                "mkdir",
                "mkdirat",
                "rmdir",
                "link",
                "linkat",
                "symlink",
                "symlinkat",
                "chmod",
                "fchmod",
                "fchmodat",
                "chown",
                "fchown",
                "utimensat",
                "flock",
                "setxattr",
                "fsetxattr",
                "mknod",
                "mknodat",
            ];
            // The printed text may contain the path of the store, so check only the first argument.
            let to = if call.contains("write") { line.split(", \"").next().unwrap() } else { line };
            assert!(!(changes.contains(&call) && to.contains(&inside)), "{args:?}: {line}");
            opened += usize::from(call == "openat");
        }
    }
    opened
}

//! Stores in which a directory or file cannot be opened for a while: its sessions stay in lists, and
//! `watch` reports no removal. Source: hostile cases 01 and 02.

use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, SystemTime};

use rusqlite::Connection;
use scrollback_fixtures::write_tree;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{RunOutput, corpus_paths, run_on, scrollback, skip, step_session};

/// The time limit of a step.
const DEADLINE: Duration = Duration::from_secs(30);

/// A user without the rights of root, for whom permissions count.
const NOBODY: u32 = 65534;

/// A store that permissions can make unreadable for the process under test.
struct GuardedStore {
    dir: TempDir,
    binary: PathBuf,
}

impl GuardedStore {
    /// Makes a store; `None` if the test cannot take rights away from the process.
    fn new() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        write_tree(
            &dir.path().join("data/storage"),
            r#"
            //- session/p/ses_1.json
            {"id":"ses_1","title":"first","time":{"created":1,"updated":1}}
            //- session/q/ses_2.json
            {"id":"ses_2","title":"second","time":{"created":2,"updated":2}}
            //- message/ses_1/msg_1.json
            {"id":"msg_1","sessionID":"ses_1","role":"user","time":{"created":1}}
            //- message/ses_2/msg_2.json
            {"id":"msg_2","sessionID":"ses_2","role":"user","time":{"created":2}}
            //- part/msg_1/prt_1.json
            {"id":"prt_1","messageID":"msg_1","type":"text","text":"a part"}
            "#,
        )
        .unwrap();
        let binary = dir.path().join("scrollback-under-test");
        fs::copy(env!("CARGO_BIN_EXE_scrollback"), &binary).unwrap();
        fs::create_dir(dir.path().join("cache")).unwrap();
        chmod(dir.path(), 0o755);
        chmod(&dir.path().join("cache"), 0o777);
        let this = Self { dir, binary };
        if !this.command().arg("--version").output().is_ok_and(|ran| ran.status.success()) {
            skip("stores that cannot be read", "an unprivileged user may not run the binary here");
            return None;
        }
        Some(this)
    }

    fn storage(&self) -> PathBuf {
        self.dir.path().join("data/storage")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.env_clear().env("HOME", "/nonexistent").env("TZ", "UTC");
        command.env("XDG_CACHE_HOME", self.dir.path().join("cache"));
        if rustix::process::geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command.arg("--store").arg(self.dir.path().join("data"));
        command
    }

    fn run(&self, args: &[&str]) -> RunOutput {
        self.command().args(args).output().unwrap().into()
    }

    /// Returns the ids and the numbers of messages that `ls` lists.
    fn listed(&self, args: &[&str]) -> Vec<(String, u64)> {
        let listed = self.run(&[&["ls", "--json"], args].concat()).json();
        let session =
            |it: &Value| (it["id"].as_str().unwrap().to_owned(), it["messages"].as_u64().unwrap());
        listed.as_array().unwrap().iter().map(session).collect()
    }
}

/// No project directory can be read, so a session's record may be in each of them.
#[test]
fn sessions_stay_while_no_project_can_be_read() {
    let Some(store) = GuardedStore::new() else { return };
    let titles = || {
        let listed = store.run(&["ls", "--json"]).json();
        let title = |session: &Value| session["title"].as_str().unwrap_or("none").to_owned();
        listed.as_array().unwrap().iter().map(title).collect::<Vec<_>>()
    };
    assert_eq!(titles(), ["second", "first"]);
    let projects = ["p", "q"].map(|name| store.storage().join("session").join(name));
    projects.iter().for_each(|project| chmod(project, 0));
    let unread = titles();
    projects.iter().for_each(|project| chmod(project, 0o755));
    assert_eq!(unread, ["second", "first"]);
    assert_eq!(titles(), ["second", "first"]);
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A process of `watch`, with the lines of both of its outputs.
struct WatchProcess {
    child: Child,
    lines: Receiver<String>,
}

impl WatchProcess {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let outputs: [Box<dyn Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        let (send, lines) = mpsc::channel();
        for output in outputs {
            let send = send.clone();
            thread::spawn(move || {
                let mut lines = BufReader::new(output).lines().map_while(Result::ok);
                let _ = lines.try_for_each(|line| send.send(line));
            });
        }
        Self { child, lines }
    }

    /// Returns all lines up to the first that contains `text`.
    fn lines_until(&self, text: &str) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            match self.lines.recv_timeout(DEADLINE) {
                Ok(line) => all.push(line),
                Err(error) => panic!("no line with {text:?}: {error}; {all:#?}"),
            }
            if all.last().is_some_and(|line| line.contains(text)) {
                return all;
            }
        }
    }
}

impl Drop for WatchProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn watch_reports_an_issue_and_no_removal_of_what_cannot_be_read() {
    for denied in ["message", "session", "part", "session/p", "message/ses_1", "part/msg_1"] {
        let Some(store) = GuardedStore::new() else { return };
        let directory = store.storage().join(denied);
        let mut command = store.command();
        command.args(["--no-cache", "watch", "--json", "--issues"]);
        let watch = WatchProcess::start(command);
        watch.lines_until("prt_1");
        chmod(&directory, 0);
        let mut lines = watch.lines_until("Permission denied");
        assert!(lines.last().unwrap().contains(denied), "{lines:#?}");
        chmod(&directory, 0o755);
        // A new message shows that the process has read the store again.
        let record = r#"{"id":"msg_3","sessionID":"ses_1","role":"user","time":{"created":3}}"#;
        fs::write(store.storage().join("message/ses_1/msg_3.json"), record).unwrap();
        lines.extend(watch.lines_until(r#""messageID":"msg_3""#));
        let is_wrong = |line: &&String| {
            line.contains(r#""what":"removed""#)
                || line.contains(r#""what":"created""#) && !line.contains("msg_3")
        };
        let wrong: Vec<&String> = lines.iter().filter(is_wrong).collect();
        assert!(wrong.is_empty(), "{denied}: {wrong:#?}");
    }
}

#[test]
fn lists_keep_what_cannot_be_read() {
    let both = [("ses_2".to_owned(), 1), ("ses_1".to_owned(), 1)];
    for denied in ["message", "session", "session/p", "message/ses_1"] {
        let Some(store) = GuardedStore::new() else { return };
        assert_eq!(store.listed(&[]), both);
        let directory = store.storage().join(denied);
        chmod(&directory, 0);
        assert_eq!(store.listed(&[]), both, "{denied}");
        let said = store.run(&["ls", "--issues"]).stderr;
        assert_eq!(said.lines().count(), 1, "{denied}: {said}");
        assert!(said.contains(denied) && said.contains("Permission denied"), "{said}");
        chmod(&directory, 0o755);
        assert_eq!(store.listed(&["--issues"]), both, "{denied}");
        assert_eq!(store.run(&["ls", "--issues"]).stderr, "", "{denied}");
    }
}

/// A database has an older copy of a session than the files. While the files cannot be read, the older
/// copy does not replace what is known.
#[test]
fn a_copy_does_not_replace_a_session_that_cannot_be_read() {
    for denied in ["message", "session", "message/ses_1"] {
        let Some(store) = GuardedStore::new() else { return };
        let database = Connection::open(store.dir.path().join("data/opencode.db")).unwrap();
        database.execute_batch(OLDER_COPY).unwrap();
        drop(database);
        let second = r#"{"id":"msg_3","sessionID":"ses_1","role":"user","time":{"created":9}}"#;
        fs::write(store.storage().join("message/ses_1/msg_3.json"), second).unwrap();
        // A choice among copies is kept only if their sets of messages were quiet for a while.
        let set = File::open(store.storage().join("message/ses_1")).unwrap();
        set.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
        let listed = || {
            let mut listed = store.listed(&[]);
            listed.sort();
            listed
        };
        let both = [("ses_1".to_owned(), 2), ("ses_2".to_owned(), 1)];
        assert_eq!(listed(), both);
        let mut command = store.command();
        command.args(["--no-cache", "watch", "--json", "--issues"]);
        let watch = WatchProcess::start(command);
        watch.lines_until("prt_1");

        let directory = store.storage().join(denied);
        chmod(&directory, 0);
        assert_eq!(listed(), both, "{denied}");
        let mut lines = watch.lines_until("Permission denied");
        chmod(&directory, 0o755);
        assert_eq!(listed(), both, "{denied}");
        fs::write(store.storage().join("message/ses_1/msg_4.json"), second.replace("_3", "_4"))
            .unwrap();
        lines.extend(watch.lines_until(r#""messageID":"msg_4""#));
        let removed = lines.iter().find(|line| line.contains(r#""what":"removed""#));
        assert_eq!(removed, None, "{denied}");
    }
}

/// The tables that a copy of `ses_1` with its first message needs.
const OLDER_COPY: &str = r#"
    CREATE TABLE session (id text PRIMARY KEY, project_id text NOT NULL, parent_id text,
        slug text NOT NULL, directory text NOT NULL, title text NOT NULL, version text NOT NULL,
        time_created integer NOT NULL, time_updated integer NOT NULL);
    CREATE TABLE message (id text PRIMARY KEY, session_id text NOT NULL,
        time_created integer NOT NULL, time_updated integer NOT NULL, data text NOT NULL);
    CREATE TABLE part (id text PRIMARY KEY, message_id text NOT NULL, session_id text NOT NULL,
        time_created integer NOT NULL, time_updated integer NOT NULL, data text NOT NULL);
    INSERT INTO session VALUES ('ses_1', 'p', NULL, 's', '/d', 'older', '1.2.0', 1, 1);
    INSERT INTO message VALUES ('msg_1', 'ses_1', 1, 1, '{"role":"user","time":{"created":1}}');
"#;

#[test]
fn sessions_are_listed_from_their_messages_if_records_cannot_be_read() {
    for (denied, mode) in
        [("session", 0o755), ("session/p", 0o755), ("session/p/ses_1.json", 0o644)]
    {
        let Some(store) = GuardedStore::new() else { return };
        chmod(&store.storage().join(denied), 0);
        let mut listed = store.listed(&["--no-cache"]);
        listed.sort();
        assert_eq!(listed, [("ses_1".to_owned(), 1), ("ses_2".to_owned(), 1)], "{denied}");
        let shown = store.run(&["--no-cache", "show", "ses_1", "--issues"]);
        assert!(shown.code == 0 && shown.stdout.contains("a part"), "{}", shown.stderr);
        assert!(!shown.stderr.contains("not there"), "{}", shown.stderr);
        chmod(&store.storage().join(denied), mode);
    }
}

#[test]
fn a_session_that_is_gone_is_not_listed_while_another_project_cannot_be_read() {
    let Some(store) = GuardedStore::new() else { return };
    assert_eq!(store.listed(&[]).len(), 2);
    chmod(&store.storage().join("session/p"), 0);
    fs::remove_file(store.storage().join("session/q/ses_2.json")).unwrap();
    fs::remove_dir_all(store.storage().join("message/ses_2")).unwrap();
    assert_eq!(store.listed(&[]), [("ses_1".to_owned(), 1)]);
    chmod(&store.storage().join("session/p"), 0o755);
}

/// A record that is torn and whose time is in the future is one that is being written.
#[test]
fn a_session_whose_record_is_torn_stays_the_latest() {
    let session = step_session("rust");
    let dir = tempfile::tempdir().unwrap();
    let store = corpus_paths().copy_to(&dir.path().join("data")).unwrap();
    let list = |args: &[&str]| run_on(&store.data_dir, args);
    let newest = || {
        let listed = list(&["--no-cache", "ls", "--json", "--roots", "-n", "1"]).json();
        listed[0]["id"].as_str().unwrap().to_owned()
    };
    let latest = newest();
    assert_ne!(latest, session);
    let record = find_record(&store.storage.join("session"), &latest);
    let whole = fs::read(&record).unwrap();
    let cache = dir.path().join("cache");
    let cached = |args: &[&str]| -> RunOutput {
        let mut command = scrollback();
        command.env("XDG_CACHE_HOME", &cache).arg("--store").arg(&store.data_dir).args(args);
        command.output().unwrap().into()
    };
    assert_eq!(cached(&["ls"]).code, 0);
    fs::write(&record, &whole[..150]).unwrap();
    let file = File::options().write(true).open(&record).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(3600)).unwrap();

    let kept = cached(&["ls", "--json", "--roots", "-n", "1", "--issues"]);
    assert!(kept.stderr.contains("still being written"), "{}", kept.stderr);
    assert_eq!(kept.json()[0]["title"], "Crash text");
    assert_eq!(newest(), latest);
    let untitled = list(&["--no-cache", "ls", "--json", "--roots", "-n", "1"]).json();
    assert_eq!((&untitled[0]["title"], &untitled[0]["damaged"]), (&"".into(), &true.into()));
    for cache in [&["--no-cache"][..], &[]] {
        for name in ["latest", &latest[..14]] {
            let shown = cached(&[cache, &["tree", name]].concat());
            assert!(shown.code == 0 && shown.stdout.contains(&latest), "{}", shown.stdout);
        }
        let title = if cache.is_empty() { "Crash text (" } else { "(" };
        for command in ["show", "tree"] {
            let shown = cached(&[cache, &[command, &latest]].concat()).stdout;
            assert!(shown.starts_with(&format!("{title}record unreadable)")), "{shown}");
        }
    }
    assert_eq!(cached(&["tree", &latest, "--json"]).json()["title"], "Crash text");
}

fn find_record(sessions: &Path, id: &str) -> PathBuf {
    let projects = fs::read_dir(sessions).unwrap().map(|project| project.unwrap().path());
    projects.map(|project| project.join(format!("{id}.json"))).find(|path| path.exists()).unwrap()
}

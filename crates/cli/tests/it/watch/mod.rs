//! Tests of `watch` and `tail`: the binary follows a store that the test writes to.

mod event_lines;
mod events;
mod resume;
mod slow_server;
mod state;
mod stores;
mod tail;

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use scrollback_fixtures::writer;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{RunOutput, scrollback};

/// The time limit of a step.
const DEADLINE: Duration = Duration::from_secs(20);

/// A data directory that the test writes to, and a cache directory.
pub(crate) struct TestStore {
    dir: TempDir,
}

impl TestStore {
    /// Creates an empty directory.
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub(crate) fn storage(&self) -> PathBuf {
        self.data().join("storage")
    }

    pub(crate) fn write(&self, path: &str, record: &Value) {
        let text = serde_json::to_string_pretty(record).unwrap();
        writer::write(&self.storage().join(path), text.as_bytes()).unwrap();
    }

    pub(crate) fn session(&self, id: &str, title: &str) {
        let record = json!({
            "id": id, "projectID": "p", "title": title, "time": {"created": 1, "updated": 2},
        });
        self.write(&format!("session/p/{id}.json"), &record);
    }

    pub(crate) fn message(&self, session: &str, id: &str, more: Value) {
        let mut record = json!({"id": id, "sessionID": session, "time": {"created": 1}});
        merge(&mut record, more);
        self.write(&format!("message/{session}/{id}.json"), &record);
    }

    fn part(&self, message: &str, id: &str, more: Value) {
        let mut record = json!({"id": id, "sessionID": "ses_1", "messageID": message});
        merge(&mut record, more);
        self.write(&format!("part/{message}/{id}.json"), &record);
    }

    pub(crate) fn text(&self, message: &str, id: &str, text: &str) {
        self.part(message, id, json!({"type": "text", "text": text}));
    }

    /// Runs the binary on the directory, without the cache.
    fn run(&self, args: &[&str]) -> RunOutput {
        let mut command = scrollback();
        command.arg("--no-cache").arg("--store").arg(self.data()).args(args);
        command.output().unwrap().into()
    }

    pub(crate) fn follow(&self, args: &[&str]) -> FollowProcess {
        FollowProcess::start(&self.data(), &self.dir.path().join("cache"), args)
    }
}

fn merge(record: &mut Value, more: Value) {
    let Value::Object(more) = more else { panic!("{more}") };
    record.as_object_mut().unwrap().extend(more);
}

/// A process of the binary that follows a store.
pub(crate) struct FollowProcess {
    child: Child,
    lines: Receiver<String>,
    reader: Option<JoinHandle<()>>,
    stderr: Option<BufReader<ChildStderr>>,
}

impl FollowProcess {
    pub(crate) fn start(store: &Path, cache: &Path, args: &[&str]) -> Self {
        let mut command = scrollback();
        command.env("XDG_CACHE_HOME", cache).arg("--store").arg(store).args(args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (send, lines) = mpsc::channel();
        let reader = thread::spawn(move || {
            let _ = stdout.lines().try_for_each(|line| send.send(line.unwrap()));
        });
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, lines, reader: Some(reader), stderr: Some(stderr) }
    }

    /// Waits for the message that the process prints after its start.
    fn wait_until_started(mut self) -> Self {
        let mut line = String::new();
        self.stderr.as_mut().unwrap().read_line(&mut line).unwrap();
        assert!(line.contains("following") || line.contains("waiting"), "{line}");
        self
    }

    /// Returns the next line, if one arrives within this time.
    fn next_line_within(&self, time: Duration) -> Option<String> {
        match self.lines.recv_timeout(time) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => panic!("the process ended"),
        }
    }

    fn next_line(&self) -> String {
        self.next_line_within(DEADLINE).unwrap_or_else(|| panic!("no line arrived"))
    }

    fn next_event(&self) -> Value {
        let line = self.next_line();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// Returns all lines up to the first that matches.
    fn lines_until(&self, is_it: impl Fn(&str) -> bool) -> Vec<String> {
        let (start, mut all) = (Instant::now(), Vec::new());
        while start.elapsed() < DEADLINE {
            if let Some(line) = self.next_line_within(Duration::from_millis(100)) {
                all.push(line);
                if is_it(&all[all.len() - 1]) {
                    return all;
                }
            }
        }
        panic!("{all:#?}");
    }

    /// Returns all events up to the first that matches.
    pub(crate) fn events_until(&self, is_it: impl Fn(&Value) -> bool) -> Vec<Value> {
        let event = |line: &str| serde_json::from_str::<Value>(line).unwrap();
        self.lines_until(|line| is_it(&event(line))).iter().map(|line| event(line)).collect()
    }

    /// Closes the reading end of standard error.
    fn close_stderr(&mut self) {
        self.stderr = None;
    }

    fn send_signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end of the process. Returns its exit code, `None` after a signal, and its standard
    /// error.
    fn wait_for_exit(mut self) -> (Option<i32>, String) {
        let start = Instant::now();
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None if start.elapsed() > DEADLINE => panic!("the process does not end"),
                None => thread::sleep(Duration::from_millis(5)),
            }
        };
        let mut text = String::new();
        if let Some(stderr) = &mut self.stderr {
            stderr.read_to_string(&mut text).unwrap();
        }
        (status.code(), text)
    }

    /// Ends the process by a signal, and asserts exit code 0. Returns its standard error.
    pub(crate) fn stop(self, signal: Signal) -> String {
        self.send_signal(signal);
        let (code, stderr) = self.wait_for_exit();
        assert_eq!(code, Some(0), "{stderr}");
        stderr
    }
}

impl Drop for FollowProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
    }
}

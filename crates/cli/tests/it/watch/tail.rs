//! Tests of `tail`.

use std::io::Read;
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::{DEADLINE, TestStore};
use crate::support::scrollback;

/// A process of the binary. Its output is read by bytes, because a row may be unfinished.
struct TailProcess {
    child: Child,
    output: Receiver<Vec<u8>>,
    received: String,
}

impl TailProcess {
    fn start(world: &TestStore, args: &[&str]) -> Self {
        let mut command = scrollback();
        command.env("XDG_CACHE_HOME", world.dir.path().join("cache"));
        command.arg("--store").arg(world.data()).arg("tail").args(args);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let (send, output) = mpsc::channel();
        thread::spawn(move || {
            let mut bytes = [0; 1024];
            while let Ok(count @ 1..) = stdout.read(&mut bytes) {
                if send.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, output, received: String::new() }
    }

    /// Reads until the output ends with this text.
    fn read_until(&mut self, end: &str) {
        while !self.received.ends_with(end) {
            let bytes = self.output.recv_timeout(DEADLINE);
            let bytes =
                bytes.unwrap_or_else(|error| panic!("{error}: {end:?} in {}", self.received));
            self.received.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    fn read_until_contains(&mut self, text: &str) {
        while !self.received.contains(text) {
            let bytes = self.output.recv_timeout(DEADLINE);
            let bytes =
                bytes.unwrap_or_else(|error| panic!("{error}: {text:?} in {}", self.received));
            self.received.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    /// Ends the process, and returns its whole output.
    fn stop(mut self) -> String {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        let rest: Vec<u8> = self.output.iter().flatten().collect();
        self.received.clone() + std::str::from_utf8(&rest).unwrap()
    }
}

#[test]
fn the_default_session_is_the_newest() {
    let world = TestStore::new();
    world.session("ses_1", "one");
    world.message("ses_1", "msg_1", json!({"role": "user"}));
    world.text("msg_1", "prt_1", "hello");
    let mut tail = TailProcess::start(&world, &[]);
    tail.read_until("hello\n");
    tail.stop();
}

/// The transcript is larger than a pipe buffer, and the test does not read it.
#[test]
fn tail_ends_on_a_signal_before_the_transcript_is_printed() {
    let world = TestStore::new();
    world.session("ses_1", "one");
    world.message("ses_1", "msg_1", json!({"role": "user"}));
    for part in 0..8 {
        world.text("msg_1", &format!("prt_{part}"), &"word words\n".repeat(1000));
    }
    for signal in [Signal::TERM, Signal::INT] {
        let mut command = scrollback();
        command.args(["--no-cache", "--store"]).arg(world.data()).args(["tail", "ses_1", "--full"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_exact(&mut [0; 16]).unwrap();
        thread::sleep(Duration::from_millis(500));
        kill_process(Pid::from_child(&child), signal).unwrap();
        let start = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if start.elapsed() > DEADLINE {
                child.kill().unwrap();
                panic!("the process does not end after {signal:?}");
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for TailProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Creates a session with an unfinished answer.
fn test_store() -> TestStore {
    let world = TestStore::new();
    world.session("ses_1", "A title");
    world.message("ses_1", "msg_1", json!({"role": "user"}));
    world.text("msg_1", "prt_1", "please");
    world.message("ses_1", "msg_2", json!({"role": "assistant", "modelID": "m"}));
    world.text("msg_2", "prt_2", "I wi");
    world
}

fn tool_part(state: serde_json::Value) -> serde_json::Value {
    json!({"type": "tool", "tool": "bash", "state": state})
}

#[test]
fn text_grows_in_its_row() {
    let world = test_store();
    let mut tail = TailProcess::start(&world, &["latest"]);
    tail.read_until("  I wi");
    assert!(tail.received.starts_with("A title\nses_1"), "{}", tail.received);
    for (text, end) in [
        ("I will do ", "  I will do"),
        ("I will do that.\n\nNow", "  I will do that.\n\n  Now"),
        ("I will do that.\n\nNow  \n", "Now"),
        ("I will do that.\n\nNow.", "  Now."),
    ] {
        world.text("msg_2", "prt_2", text);
        tail.read_until(end);
    }
    // A call is printed when it runs, and again when it completes.
    world.part("msg_2", "prt_3", tool_part(json!({"status": "pending", "input": {}})));
    world.part(
        "msg_2",
        "prt_3",
        tool_part(json!({"status": "running", "input": {"command": "ls"}})),
    );
    tail.read_until("\n  … running bash ls\n");
    let done = json!({"status": "completed", "input": {"command": "ls"}, "output": "a.txt",
        "time": {"start": 1, "end": 5}});
    world.part("msg_2", "prt_3", tool_part(done));
    tail.read_until("\n  ✓ bash ls (4 ms)\n    a.txt\n");
    // A changed text is printed again as a whole, with a mark.
    world.text("msg_2", "prt_2", "I did that.");
    tail.read_until("\n  (rewritten)\n  I did that.");
    let over = json!({"role": "assistant", "modelID": "m", "cost": 0.5, "finish": "stop",
        "time": {"created": 1, "completed": 3001}});
    world.message("ses_1", "msg_2", over);
    tail.read_until("I did that.\n  (3.0 s)  $0.50\n");
    world.message("ses_1", "msg_3", json!({"role": "user", "time": {"created": 9}}));
    world.text("msg_3", "prt_4", "thanks");
    tail.read_until("\n  thanks");
    let all = tail.stop();
    // The first read may find the new records settled or provisional, depending on the time.
    let all = all.replace("\n  (being written)\n", "\n").replace("  (being written)", "");
    insta::assert_snapshot!(all);
}

#[test]
fn the_option_n_limits_the_earlier_messages() {
    let world = test_store();
    let over =
        json!({"role": "assistant", "finish": "stop", "time": {"created": 1, "completed": 2}});
    world.message("ses_1", "msg_2", over);
    for (limit, first_end) in [("0", "$0.00\n"), ("1", "I wi\n"), ("2", "I wi\n")] {
        let mut tail = TailProcess::start(&world, &["ses_1", "-n", limit]);
        tail.read_until(first_end);
        world.message("ses_1", "msg_3", json!({"role": "user", "time": {"created": 9}}));
        world.text("msg_3", "prt_4", &format!("mark {limit}"));
        tail.read_until(&format!("mark {limit}"));
        let all = tail.stop();
        let is_printed = ["please", "I wi"].map(|text| all.contains(text));
        assert_eq!(is_printed, [limit == "2", limit != "0"], "{limit}: {all}");
        std::fs::remove_dir_all(world.storage().join("part/msg_3")).unwrap();
        std::fs::remove_file(world.storage().join("message/ses_1/msg_3.json")).unwrap();
    }
}

#[test]
fn earlier_messages_are_printed_as_show_prints_them() {
    let step = crate::support::step_session("fix");
    let shown = crate::support::run_on_corpus(&["show", &step]).stdout;
    let store = scrollback_fixtures::corpus(scrollback_fixtures::Corpus::OpencodeJson).data_dir;
    let cache = tempfile::tempdir().unwrap();
    let following =
        super::FollowProcess::start(&store, cache.path(), &["tail", &step, "-n", "999"]);
    let lines: Vec<String> = shown.lines().map(|_| following.next_line()).collect();
    assert_eq!(lines.join("\n") + "\n", shown);
    following.stop(Signal::TERM);
}

/// An item is printed when 2.x adds it, once, and items of other sessions are not.
#[test]
fn items_of_2x_are_printed_between_messages() {
    let world = TestStore::new();
    std::fs::create_dir_all(world.data()).unwrap();
    let db = rusqlite::Connection::open(world.data().join("opencode.db")).unwrap();
    db.execute_batch("PRAGMA journal_mode=WAL; PRAGMA foreign_keys=OFF").unwrap();
    db.execute_batch(crate::v2::hostile::SCHEMA).unwrap();
    for id in ["ses_1", "ses_2"] {
        let insert = "INSERT INTO session_v2 (id, project_id, slug, directory, title, version,
            time_created, time_updated) VALUES (?1, 'p', 's', '/w', 'A title', '2.0', 1, 2)";
        db.execute(insert, [id]).unwrap();
    }
    let put = |session: &str, seq: u32, kind: &str, data: serde_json::Value| {
        let insert = "INSERT INTO session_message (id, session_id, type, seq, time_created,
            time_updated, data) VALUES (?1, ?2, ?3, ?4, ?4, ?4, ?5)";
        let id = format!("msg_{session}_{seq}");
        db.execute(insert, (id, session, kind, seq, data.to_string())).unwrap();
        let update = "UPDATE session_v2 SET time_updated = time_updated + 1 WHERE id = ?1";
        db.execute(update, [session]).unwrap();
    };
    put("ses_1", 1, "user", json!({"text": "please", "time": {"created": 1}}));
    put("ses_1", 2, "agent-switched", json!({"agent": "plan", "time": {"created": 2}}));
    let mut tail = TailProcess::start(&world, &["ses_1"]);
    tail.read_until_contains("agent plan");
    put("ses_2", 1, "agent-switched", json!({"agent": "other", "time": {"created": 3}}));
    put("ses_1", 3, "agent-switched", json!({"agent": "build", "time": {"created": 3}}));
    tail.read_until_contains("agent build");
    put("ses_1", 4, "user", json!({"text": "thanks", "time": {"created": 4}}));
    tail.read_until_contains("thanks");
    put("ses_1", 5, "idle", json!({"outcome": "succeeded", "time": {"created": 5}}));
    tail.read_until_contains("idle, succeeded");
    let all = tail.stop();
    for (text, count) in
        [("agent plan", 1), ("agent build", 1), ("idle, succeeded", 1), ("other", 0)]
    {
        assert_eq!(all.matches(text).count(), count, "{text}: {all}");
    }
}

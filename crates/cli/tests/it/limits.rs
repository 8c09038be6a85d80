//! Pipes in place of files, few file descriptors, and signals during the start: every command ends, and
//! with a documented exit code. Sources: hostile cases 05, 11 and 12.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use scrollback_fixtures::{Corpus, corpus};

use crate::support::{corpus_paths, scrollback, skip};

/// The time limit of a step. Nothing in these tests takes a second.
const DEADLINE: Duration = Duration::from_secs(30);

/// Runs a command to its end. Returns its exit code and its standard error.
fn exit_of(command: &mut Command) -> (Option<i32>, String) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > DEADLINE {
            child.kill().unwrap();
            panic!("{command:?} does not end");
        }
        thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

fn on(store: &Path, args: &[&str]) -> Command {
    let mut command = scrollback();
    command.arg("--no-cache").arg("--store").arg(store).args(args);
    command
}

fn make_pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn a_pipe_for_a_database_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("opencode.db");
    make_pipe(&database);
    for store in [dir.path(), &database] {
        for args in [&["ls"][..], &["stores"], &["tail"]] {
            let (code, stderr) = exit_of(&mut on(store, args));
            assert_eq!(code, Some(3), "{args:?}: {stderr}");
            assert!(stderr.contains("opencode.db: not a file"), "{args:?}: {stderr}");
        }
    }
}

/// What is at the place of a database may be replaced by one, as a missing database may appear.
#[test]
fn watch_waits_for_a_database_in_place_of_something_else() {
    for feed in ["best", "poll"] {
        for is_pipe in [true, false] {
            let dir = tempfile::tempdir().unwrap();
            let store = dir.path().join("data");
            fs::create_dir(&store).unwrap();
            let database = store.join("opencode.db");
            if is_pipe {
                make_pipe(&database)
            } else {
                fs::create_dir(&database).unwrap()
            }
            let place = if is_pipe && feed == "poll" { &database } else { &store };
            let mut command = on(place, &["watch", "--json", "--feed", feed]);
            let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            let mut problem = String::new();
            BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut problem).unwrap();
            assert!(problem.contains("opencode.db: not a file"), "{feed} {is_pipe}: {problem}");

            let copy = corpus(Corpus::OpencodeSqlite).copy_to(&dir.path().join("copy")).unwrap();
            if is_pipe { fs::remove_file(&database) } else { fs::remove_dir(&database) }.unwrap();
            fs::rename(copy.database, &database).unwrap();
            let mut line = String::new();
            BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
            assert!(line.starts_with('{'), "{feed} {is_pipe}: {line}");
            kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
            assert_eq!(child.wait().unwrap().code(), Some(0), "{feed} {is_pipe}");
        }
    }
}

#[test]
fn a_pipe_beside_a_database_is_refused() {
    for (suffix, linked) in [("-wal", false), ("-shm", false), ("-journal", false), ("-wal", true)]
    {
        let dir = tempfile::tempdir().unwrap();
        let store = corpus(Corpus::OpencodeSqlite).copy_to(dir.path()).unwrap();
        let name = format!("{}{suffix}", store.database.display());
        let _ = fs::remove_file(&name);
        if linked {
            make_pipe(&dir.path().join("pipe"));
            std::os::unix::fs::symlink(dir.path().join("pipe"), &name).unwrap();
        } else {
            make_pipe(Path::new(&name));
        }
        for args in [&["ls"][..], &["watch", "--json"], &["tail"]] {
            let (code, stderr) = exit_of(&mut on(&store.database, args));
            assert_eq!(code, Some(3), "{suffix} {args:?}: {stderr}");
            assert!(stderr.contains("is not a regular file"), "{suffix} {args:?}: {stderr}");
        }
    }
}

#[test]
fn files_are_followed_beside_a_pipe_for_a_database() {
    let dir = tempfile::tempdir().unwrap();
    let store = corpus_paths().copy_to(dir.path()).unwrap();
    make_pipe(&store.data_dir.join("opencode.db"));
    make_pipe(&store.storage.join("message/ses_pipe"));
    make_pipe(&store.storage.join("session/project"));
    let (code, stderr) = exit_of(&mut on(&store.data_dir, &["ls"]));
    assert!(code == Some(3) && stderr.contains("opencode.db: not a file"), "{stderr}");
    assert_eq!(first_line_of(&mut on(&store.data_dir, &["watch", "--json"])).unwrap().1, Some(0));
}

/// Starts a command and ends it with SIGTERM after its first line of output. Returns the line and the
/// exit code; only the exit code as an error if the command ends without a line.
fn first_line_of(command: &mut Command) -> Result<(String, Option<i32>), Option<i32>> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    if line.is_empty() {
        return Err(child.wait().unwrap().code());
    }
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let rest = thread::spawn(move || output.lines().count());
    let code = child.wait().unwrap().code();
    rest.join().unwrap();
    Ok((line, code))
}

#[test]
fn few_file_descriptors_are_an_error_and_no_panic() {
    let stores = [corpus_paths().data_dir, corpus(Corpus::OpencodeSqlite).data_dir];
    let (mut refused, mut followed) = (0, 0);
    for (limit, store) in
        (4..40).step_by(2).flat_map(|limit| stores.iter().map(move |it| (limit, it)))
    {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -n {limit} && exec \"$@\""), "sh"]);
        command.arg(env!("CARGO_BIN_EXE_scrollback")).args(["--no-cache", "--store"]).arg(store);
        command.args(["watch", "--json"]).env("HOME", "/nonexistent");
        match first_line_of(&mut command) {
            Err(code) => {
                // 127: the limit is too low for the loader of the program.
                assert!(matches!(code, Some(3 | 127)), "{limit} {store:?}: {code:?}");
                refused += 1;
            }
            Ok((_, code)) => {
                assert_eq!(code, Some(0), "{limit} {store:?}");
                followed += 1;
            }
        }
    }
    assert!(refused > 2 && followed > 2, "{refused} {followed}");
}

/// Returns a command of the binary with this much address space, in KiB.
fn with_memory(limit: u64) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -c 0; ulimit -v {limit} && exec \"$@\""), "sh"]);
    command.arg(env!("CARGO_BIN_EXE_scrollback")).env("HOME", "/nonexistent");
    command
}

#[test]
fn little_memory_is_an_error_and_no_panic() {
    let store = corpus(Corpus::OpencodeSqlite).data_dir;
    let starts = |limit: &u64| exit_of(with_memory(*limit).arg("--version")).0 == Some(0);
    let least = (8 << 10..1 << 20).step_by(1 << 10).find(starts).unwrap();
    for args in [&["ls"][..], &["watch", "--json"]] {
        let mut command = with_memory(least + (2 << 10));
        let (code, stderr) =
            exit_of(command.args(["--no-cache", "--store"]).arg(&store).args(args));
        assert_eq!(code, Some(3), "{args:?}: {stderr}");
        assert!(stderr.contains("out of memory"), "{args:?}: {stderr}");
    }
}

/// Checks by the system's own account whether a process handles SIGTERM.
fn handles_sigterm(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    caught.is_some_and(|mask| mask & (1 << (Signal::TERM.as_raw() - 1)) != 0)
}

#[test]
fn a_signal_during_the_start_ends_with_success() {
    if !Path::new("/proc/self/status").exists() {
        return skip("signals during the start", "no /proc");
    }
    let store = corpus_paths().data_dir;
    for args in [&["watch", "--json"][..], &["watch"], &["tail", "latest"]] {
        for signal in [Signal::TERM, Signal::INT] {
            let mut command = on(&store, args);
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            let start = Instant::now();
            while !handles_sigterm(child.id()) {
                assert!(start.elapsed() < DEADLINE, "{args:?}: no handler");
                thread::yield_now();
            }
            kill_process(Pid::from_child(&child), signal).unwrap();
            assert_eq!(child.wait().unwrap().code(), Some(0), "{args:?} {signal:?}");
        }
    }
}

//! A watchman server that starts slowly. The server is real; only its answers are delayed.

#[path = "../../../../watch/tests/it/gate.rs"]
mod gate;
#[path = "../../../../watch/tests/it/server.rs"]
#[expect(
    dead_code,
    clippy::print_stdout,
    reason = "the file belongs to the tests of another crate"
)]
mod server;

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use self::gate::Gate;
use self::server::Server;
use super::TestStore;
use crate::support::scrollback;

#[test]
fn a_slow_start_is_reported_and_waited_for() {
    if !Server::is_installed() {
        return;
    }
    let world = TestStore::new();
    world.session("ses_1", "one");
    for command in [&["watch", "--json"][..], &["tail", "latest"]] {
        let server = Server::start();
        let gate = Gate::new(server.socket());
        let mut child = scrollback()
            .env("WATCHMAN_SOCK", gate.socket())
            .args(["--no-cache", "--store"])
            .arg(world.data())
            .args(command)
            .args(["--feed", "watchman"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut note = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut note).unwrap();
        assert_eq!(note, "the feed watchman is still starting\n");
        // Nothing is printed before the server answers, so the first bytes prove that it was used.
        gate.opener()();
        child.stdout.as_mut().unwrap().read_exact(&mut [0; 3]).unwrap();
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}

//! A delay in front of a watchman server.

use std::io;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use tempfile::TempDir;

/// A socket in front of a server. Connections are accepted at once, and are passed on once the gate
/// is open.
pub(crate) struct Gate {
    socket: PathBuf,
    state: Arc<(Mutex<GateState>, Condvar)>,
    _dir: TempDir,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum GateState {
    Shut,
    Open,
    Ended,
}

impl Gate {
    pub(crate) fn new(server_socket: &Path) -> Self {
        let dir = TempDir::new().unwrap();
        let socket = dir.path().join("sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let state = Arc::new((Mutex::new(GateState::Shut), Condvar::new()));
        let (server_socket, gate_state) = (server_socket.to_owned(), Arc::clone(&state));
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                if *gate_state.0.lock().unwrap() == GateState::Ended {
                    return;
                }
                let (server_socket, state) = (server_socket.clone(), Arc::clone(&gate_state));
                thread::spawn(move || {
                    let shut = |state: &mut GateState| *state == GateState::Shut;
                    let now = state.1.wait_while(state.0.lock().unwrap(), shut).unwrap();
                    if *now == GateState::Open {
                        drop(now);
                        pass_on(&connection, &server_socket);
                    }
                });
            }
        });
        Self { socket, state, _dir: dir }
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Returns a function that opens the gate.
    pub(crate) fn opener(&self) -> impl Fn() + Send + Sync + 'static {
        let state = Arc::clone(&self.state);
        move || set_state(&state, GateState::Open)
    }
}

fn set_state(state: &(Mutex<GateState>, Condvar), new: GateState) {
    *state.0.lock().unwrap() = new;
    state.1.notify_all();
}

impl Drop for Gate {
    fn drop(&mut self) {
        set_state(&self.state, GateState::Ended);
        let _ = UnixStream::connect(&self.socket); // ends the thread that accepts
    }
}

/// Copies both directions until one side ends.
fn pass_on(connection: &UnixStream, server_socket: &Path) {
    let server = UnixStream::connect(server_socket).unwrap();
    let copy = |mut from: &UnixStream, mut to: &UnixStream| {
        let _ = io::copy(&mut from, &mut to);
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    };
    thread::scope(|scope| {
        scope.spawn(|| copy(connection, &server));
        copy(&server, connection);
    });
}

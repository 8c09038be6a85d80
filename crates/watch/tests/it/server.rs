//! A watchman server of the test's own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A server that ends with the test.
pub(crate) struct Server {
    dir: std::sync::Arc<TempDir>,
    socket: PathBuf,
    child: Child,
}

impl Server {
    /// Whether there is a watchman to start. The gate installs one.
    pub(crate) fn is_installed() -> bool {
        let is_there = Command::new("watchman").arg("--version").output().is_ok();
        if !is_there {
            println!("not tested: watchman is not installed (`apt-get install watchman`)");
        }
        is_there
    }

    pub(crate) fn start() -> Self {
        Self::start_in(TempDir::new().unwrap().into())
    }

    fn start_in(dir: std::sync::Arc<TempDir>) -> Self {
        let socket = dir.path().join("sock");
        let file_path = |name: &str| dir.path().join(name);
        let child = Command::new("watchman")
            .args(["--foreground", "--no-save-state"])
            .args([format!("--sockname={}", socket.display())])
            .args([format!("--statefile={}", file_path("state").display())])
            .args([format!("--pidfile={}", file_path("pid").display())])
            .args([format!("--logfile={}", file_path("log").display())])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let start = Instant::now();
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            assert!(start.elapsed() < Duration::from_secs(20), "the server does not begin");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { dir, socket, child }
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let _ = std::fs::remove_file(&self.socket);
    }

    /// Stops it as it is: it is there and answers nobody.
    pub(crate) fn hang(&self) {
        self.send("-STOP");
    }

    pub(crate) fn resume(&self) {
        self.send("-CONT");
    }

    fn send(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Another server in the place of one that was killed.
    pub(crate) fn restart(&self) -> Self {
        Self::start_in(self.dir.clone())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may be gone
        let _ = self.child.wait();
    }
}

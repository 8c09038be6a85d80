//! A watchman server for a test.

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
    /// Checks whether watchman is installed. The gate installs it.
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
            assert!(start.elapsed() < Duration::from_secs(20), "the server does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { dir, socket, child }
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Makes the server watch a directory.
    pub(crate) fn watch(&self, dir: &Path) {
        let mut watch = Command::new("watchman");
        watch.arg(format!("--sockname={}", self.socket.display())).args(["--no-spawn", "watch"]);
        assert!(watch.arg(dir).stdout(Stdio::null()).status().unwrap().success());
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let _ = std::fs::remove_file(&self.socket);
    }

    /// Suspends the server: it accepts connections and does not answer.
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

    /// Starts a new server in the place of a killed server.
    pub(crate) fn restart(&self) -> Self {
        Self::start_in(self.dir.clone())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill(); // the server may have ended
        let _ = self.child.wait();
    }
}

//! The writer process: it prints "ready", writes until its input ends, and prints its counts.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde::de::DeserializeOwned;

/// A writer process. Dropping it closes its input, which ends it.
pub(crate) struct Writer {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Writer {
    /// Starts a writer, and waits until it is ready.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut out = BufReader::new(child.stdout.take().context("no output of the writer")?);
        let mut line = String::new();
        out.read_line(&mut line)?;
        if line.trim() != "ready" {
            bail!("the writer printed {line:?} instead of \"ready\"");
        }
        Ok(Self { child, out })
    }

    /// Ends the writer and returns its counts.
    pub(crate) fn stop<T: DeserializeOwned>(&mut self) -> Result<T> {
        drop(self.child.stdin.take());
        let mut tally = String::new();
        self.out.read_to_string(&mut tally)?;
        if !self.child.wait()?.success() {
            bail!("the writer failed");
        }
        Ok(serde_json::from_str(&tally)?)
    }
}

//! Contestants that are programs: each run is a process, from its start to its end.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tempfile::TempDir;

use crate::{Checksum, Contestant, Outcome};

/// A program as a contestant. Every run must print the same output.
#[derive(Debug)]
pub struct Program {
    name: &'static str,
    command: Command,
    expected_output: Option<Vec<u8>>,
    remark: Option<&'static str>,
    _scratch: Option<TempDir>,
}

impl Program {
    /// Returns a contestant that runs a command, and fails if the command fails.
    pub fn new(name: &'static str, mut command: Command) -> Self {
        command.stdin(Stdio::null()).stderr(Stdio::inherit());
        Self { name, command, expected_output: None, remark: None, _scratch: None }
    }

    /// Keeps a temporary directory as long as the contestant.
    #[must_use]
    pub fn with_scratch(self, scratch: TempDir) -> Self {
        Self { _scratch: Some(scratch), ..self }
    }

    /// Adds a remark for the report.
    #[must_use]
    pub fn with_remark(self, remark: &'static str) -> Self {
        Self { remark: Some(remark), ..self }
    }

    /// Runs the program and returns its output.
    ///
    /// # Errors
    /// If the program fails, prints nothing, or prints something else than in the first run.
    pub fn output(&mut self) -> Result<&[u8]> {
        let output = self.command.output().with_context(|| format!("{:?}", self.command))?;
        if !output.status.success() || output.stdout.is_empty() {
            bail!(
                "{:?} ends with {} and {} bytes",
                self.command,
                output.status,
                output.stdout.len()
            );
        }
        let first = self.expected_output.get_or_insert_with(|| output.stdout.clone());
        if *first != output.stdout {
            bail!("{:?} printed another output than in the first run", self.command);
        }
        Ok(first)
    }
}

impl Contestant for Program {
    fn name(&self) -> &'static str {
        self.name
    }

    /// The programs of a task print different outputs, so each is compared only with its own first
    /// run.
    fn run(&mut self) -> Result<Outcome> {
        self.output()?;
        Ok(Checksum(vec![("processes", 1)]).into())
    }

    fn proof(&mut self) -> Result<Value> {
        self.output()?;
        Ok(Value::Null)
    }

    fn remark(&mut self) -> Result<Option<String>> {
        Ok(self.remark.map(str::to_owned))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Program {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Program::new("sh", command)
    }

    #[test]
    fn runs_must_print_equal_output() {
        let mut same = shell("echo 7");
        assert_eq!(same.output().unwrap(), b"7\n");
        assert!(same.run().is_ok());
        let mut other = shell("echo $$");
        assert!(other.run().is_ok());
        assert!(other.run().is_err(), "each process prints its own id");
        assert!(shell("echo 7; exit 1").run().is_err());
        assert!(shell(":").run().is_err());
    }
}

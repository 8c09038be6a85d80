//! Contestants that are programs: each run is a process, from its start to its end.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tempfile::TempDir;

use crate::{Checksum, Contestant, Outcome};

/// Runs a program again and again. What it prints must be the same each time.
#[derive(Debug)]
pub struct Program {
    name: &'static str,
    command: Command,
    expected_output: Option<Vec<u8>>,
    remark: Option<&'static str>,
    _scratch: Option<TempDir>,
}

impl Program {
    /// A contestant that runs this command, and fails where the command does.
    pub fn new(name: &'static str, mut command: Command) -> Self {
        command.stdin(Stdio::null()).stderr(Stdio::inherit());
        Self { name, command, expected_output: None, remark: None, _scratch: None }
    }

    /// The same with a directory that is there as long as it is.
    #[must_use]
    pub fn with_scratch(self, scratch: TempDir) -> Self {
        Self { _scratch: Some(scratch), ..self }
    }

    /// The same with something to be said of it.
    #[must_use]
    pub fn with_remark(self, remark: &'static str) -> Self {
        Self { remark: Some(remark), ..self }
    }

    /// Runs it and returns what it prints.
    ///
    /// # Errors
    /// If it fails, prints nothing, or something else than the first time.
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
            bail!("{:?} prints something else than before", self.command);
        }
        Ok(first)
    }
}

impl Contestant for Program {
    fn name(&self) -> &'static str {
        self.name
    }

    /// The programs of a task print different things: each is compared with itself.
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
        assert!(other.run().is_err(), "each process has a number of its own");
        assert!(shell("echo 7; exit 1").run().is_err());
        assert!(shell(":").run().is_err());
    }
}

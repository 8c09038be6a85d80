//! The contestants of a task: each does the whole task, and proves its result.

use std::fmt;

use anyhow::Result;
use serde_json::Value;

/// A program that does a task.
pub trait Contestant {
    /// Returns the name in tables: `library`, `floor`, `naive`.
    fn name(&self) -> &'static str;

    /// Does the task once. Only this call is timed, not the use of its result.
    ///
    /// # Errors
    /// If the task cannot be done; nothing is measured then.
    fn run(&mut self) -> Result<Outcome>;

    /// Does the task once more and returns the complete result as JSON. This call is not timed. It
    /// proves that contestants differ in how they work and not in what they deliver.
    ///
    /// # Errors
    /// The errors of [`Contestant::run`].
    fn proof(&mut self) -> Result<Value>;

    /// Returns a line about the result that is neither a time nor a peak of memory. Not timed.
    ///
    /// # Errors
    /// The errors of [`Contestant::run`].
    fn remark(&mut self) -> Result<Option<String>> {
        Ok(None)
    }
}

/// The result of a run, before its checksum is computed.
pub struct Outcome(Box<dyn FnOnce() -> Checksum>);

impl Outcome {
    /// Wraps a result whose checksum is computed later, outside the timed call.
    pub fn deferred(sums: impl FnOnce() -> Checksum + 'static) -> Self {
        Self(Box::new(sums))
    }

    /// Computes the checksum, and drops the result.
    pub fn checksum(self) -> Checksum {
        self.0()
    }
}

impl<T: Into<Checksum>> From<T> for Outcome {
    fn from(sums: T) -> Self {
        let sums = sums.into();
        Self::deferred(|| sums)
    }
}

/// The contestants of one task.
pub type Contestants = Vec<Box<dyn Contestant>>;

/// Named sums over the result of a run: cheap to compute, and equal for all contestants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checksum(pub Vec<(&'static str, i64)>);

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, sum)) in self.0.iter().enumerate() {
            write!(f, "{}{name} {sum}", if at == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

/// The sums over the typed fields of one session. Every contestant walks its whole tree to compute
/// them.
#[derive(Debug, Clone, Copy, Default)]
#[expect(missing_docs, reason = "the other names are clear")]
pub struct TreeSums {
    pub messages: u64,
    pub parts: u64,
    /// Bytes of all records.
    pub bytes: u64,
    /// Sum of the times of the session and its messages, in Unix milliseconds.
    pub created: i64,
    /// Tokens of assistant messages and steps.
    pub tokens: i64,
    /// Tool calls that have a time.
    pub calls: u64,
    /// The total duration of these calls, in milliseconds.
    pub call_ms: i64,
    /// Texts and outputs that are not empty.
    pub texts: u64,
    /// Files in patches.
    pub files: u64,
}

impl TreeSums {
    /// Counts a text or an output.
    pub fn add_text(&mut self, is_empty: bool) {
        self.texts += u64::from(!is_empty);
    }

    /// Counts a tool call.
    pub fn add_call(&mut self, start: Option<i64>, end: Option<i64>) {
        self.calls += 1;
        if let (Some(start), Some(end)) = (start, end) {
            self.call_ms += end - start;
        }
    }
}

impl From<TreeSums> for Checksum {
    fn from(sums: TreeSums) -> Self {
        let TreeSums {
            messages,
            parts,
            bytes,
            created,
            tokens,
            calls,
            call_ms: spent,
            texts,
            files,
        } = sums;
        Self(vec![
            ("messages", messages.cast_signed()),
            ("parts", parts.cast_signed()),
            ("bytes", bytes.cast_signed()),
            ("created", created),
            ("tokens", tokens),
            ("calls", calls.cast_signed()),
            ("spent", spent),
            ("texts", texts.cast_signed()),
            ("files", files.cast_signed()),
        ])
    }
}

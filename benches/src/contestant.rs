//! What runs against what: a contestant does the whole of a task, and shows that it did.

use std::fmt;

use anyhow::Result;
use serde_json::Value;

/// One program for a task.
pub trait Contestant {
    /// Its name in tables: `library`, `floor`, `naive`.
    fn name(&self) -> &'static str;

    /// Does the task once. This is what is timed; what is then asked of the result is not.
    ///
    /// # Errors
    /// Where the task cannot be done; nothing is measured then.
    fn run(&mut self) -> Result<Outcome>;

    /// Does the task once more and gives all of its result as JSON. Not timed: it shows that
    /// contestants differ in how they work and not in what they deliver.
    ///
    /// # Errors
    /// As [`Contestant::run`].
    fn proof(&mut self) -> Result<Value>;

    /// What else is to be said of its result, besides time and peak memory. Not timed.
    ///
    /// # Errors
    /// As [`Contestant::run`].
    fn remark(&mut self) -> Result<Option<String>> {
        Ok(None)
    }
}

/// What a run came to.
pub struct Outcome(Box<dyn FnOnce() -> Checksum>);

impl Outcome {
    /// A result that its sums are made from afterwards, as a user would who has it in hand.
    pub fn deferred(sums: impl FnOnce() -> Checksum + 'static) -> Self {
        Self(Box::new(sums))
    }

    /// The sums of the result, which goes with them.
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

/// Those who do one task.
pub type Contestants = Vec<Box<dyn Contestant>>;

/// What a run found, as named sums: cheap to make, and equal for all contestants.
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

/// The sums over one session, typed fields only: every contestant walks its whole tree for them.
#[derive(Debug, Clone, Copy, Default)]
#[expect(missing_docs, reason = "the names say it; what they count is said where it is not plain")]
pub struct TreeSums {
    pub messages: u64,
    pub parts: u64,
    /// Of all records.
    pub bytes: u64,
    /// Times of the session and its messages, in Unix milliseconds.
    pub created: i64,
    /// Of assistant messages and steps.
    pub tokens: i64,
    /// Tool calls that have a time.
    pub calls: u64,
    /// How long they took, in milliseconds.
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

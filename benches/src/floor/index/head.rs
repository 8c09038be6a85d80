//! Parses the fields of records that the index keeps, and skips the rest.

use anyhow::Result;

use super::super::text::Text;
use super::scan::Scan;
use crate::facts::TokenFacts;

/// The indexed fields of a session's record.
#[derive(Debug, Default)]
pub(super) struct SessionHead<'a> {
    pub(super) parent: Option<Text<'a>>,
    pub(super) directory: Option<Text<'a>>,
    pub(super) title: Option<Text<'a>>,
    pub(super) version: Option<Text<'a>>,
    pub(super) time: Times,
}

/// The indexed fields of a message's record, of both roles.
#[derive(Debug, Default)]
pub(in super::super) struct MessageHead<'a> {
    pub(in super::super) role: Option<Text<'a>>,
    pub(in super::super) time: Times,
    pub(in super::super) parent: Option<Text<'a>>,
    pub(in super::super) agent: Option<Text<'a>>,
    pub(in super::super) mode: Option<Text<'a>>,
    pub(in super::super) provider: Option<Text<'a>>,
    pub(in super::super) model: Option<Text<'a>>,
    /// The model that the user requested, and its provider.
    pub(in super::super) requested: [Option<Text<'a>>; 2],
    pub(in super::super) cost: Option<f64>,
    pub(in super::super) tokens: Option<TokenFacts>,
    pub(in super::super) finish: Option<Text<'a>>,
    /// The name of the error.
    pub(in super::super) error: Option<Text<'a>>,
    /// Whether an assistant message is a summary. In user messages the field is an object of diffs,
    /// which is ignored.
    pub(in super::super) summary: bool,
}

/// Times in Unix milliseconds.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Times {
    pub(super) created: Option<i64>,
    pub(super) updated: Option<i64>,
    pub(super) completed: Option<i64>,
    pub(super) archived: Option<i64>,
}

impl<'a> SessionHead<'a> {
    /// Parses a record.
    ///
    /// # Errors
    /// If the bytes are not a session record.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut head = Self::default();
        Scan::record(bytes, |scan, key| {
            match key {
                "parentID" => head.parent = scan.text()?,
                "directory" => head.directory = scan.text()?,
                "title" => head.title = scan.text()?,
                "version" => head.version = scan.text()?,
                "time" => head.time = times(scan)?,
                _ => scan.skip()?,
            }
            Ok(())
        })?;
        Ok(head)
    }
}

impl<'a> MessageHead<'a> {
    /// Parses a record.
    ///
    /// # Errors
    /// If the bytes are not a message record.
    pub(in super::super) fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut head = Self::default();
        Scan::record(bytes, |scan, key| {
            match key {
                "role" => head.role = scan.text()?,
                "time" => head.time = times(scan)?,
                "parentID" => head.parent = scan.text()?,
                "agent" => head.agent = scan.text()?,
                "mode" => head.mode = scan.text()?,
                "providerID" => head.provider = scan.text()?,
                "modelID" => head.model = scan.text()?,
                "model" => scan.object(|scan, key| {
                    match key {
                        "modelID" => head.requested[0] = scan.text()?,
                        "providerID" => head.requested[1] = scan.text()?,
                        _ => scan.skip()?,
                    }
                    Ok(())
                })?,
                "cost" => head.cost = scan.float()?,
                "tokens" => head.tokens = Some(tokens(scan)?),
                "finish" => head.finish = scan.text()?,
                "error" => scan.object(|scan, key| {
                    match key {
                        "name" => head.error = scan.text()?,
                        _ => scan.skip()?,
                    }
                    Ok(())
                })?,
                "summary" => head.summary = scan.is_true()?,
                _ => scan.skip()?,
            }
            Ok(())
        })?;
        Ok(head)
    }
}

impl<'a> MessageHead<'a> {
    /// Parses a row of 2.x, whose type is a column; `None` if the row is not a message.
    ///
    /// # Errors
    /// If the data is not a record.
    pub(in super::super) fn read_v2(kind: &[u8], bytes: &'a [u8]) -> Result<Option<Self>> {
        let is_answer = match kind {
            b"assistant" | b"shell" | b"compaction" => true,
            b"user" | b"synthetic" | b"system" | b"skill" => false,
            _ => return Ok(None),
        };
        let role = Some(Text(if is_answer { "assistant" } else { "user" }.into()));
        let summary = kind == b"compaction";
        let agent = summary.then(|| Text("compaction".into()));
        let mut head = Self { role, summary, agent, ..Self::default() };
        Scan::record(bytes, |scan, key| {
            match key {
                "time" => head.time = times(scan)?,
                "agent" => head.agent = scan.text()?,
                "model" => scan.object(|scan, key| {
                    match key {
                        "id" => head.model = scan.text()?,
                        "providerID" => head.provider = scan.text()?,
                        _ => scan.skip()?,
                    }
                    Ok(())
                })?,
                "cost" => head.cost = scan.float()?,
                "tokens" => head.tokens = Some(tokens(scan)?),
                "finish" => head.finish = scan.text()?,
                "error" => scan.object(|scan, key| {
                    match key {
                        "type" => {
                            let kind = scan.text()?;
                            let name = kind.as_ref().map_or("", |kind| &kind.0);
                            head.error = Some(Text(super::super::error_name(name).into()));
                        }
                        _ => scan.skip()?,
                    }
                    Ok(())
                })?,
                _ => scan.skip()?,
            }
            Ok(())
        })?;
        Ok(Some(head))
    }
}

fn times(scan: &mut Scan<'_>) -> Result<Times> {
    let mut times = Times::default();
    scan.object(|scan, key| {
        match key {
            "created" => times.created = scan.integer()?,
            "updated" => times.updated = scan.integer()?,
            "completed" => times.completed = scan.integer()?,
            "archived" => times.archived = scan.integer()?,
            _ => scan.skip()?,
        }
        Ok(())
    })?;
    Ok(times)
}

fn tokens(scan: &mut Scan<'_>) -> Result<TokenFacts> {
    let mut tokens = TokenFacts::default();
    let [input, output, reasoning, read, write] = &mut tokens;
    scan.object(|scan, key| {
        match key {
            "input" => *input = scan.integer()?.unwrap_or(0),
            "output" => *output = scan.integer()?.unwrap_or(0),
            "reasoning" => *reasoning = scan.integer()?.unwrap_or(0),
            "cache" => scan.object(|scan, key| {
                match key {
                    "read" => *read = scan.integer()?.unwrap_or(0),
                    "write" => *write = scan.integer()?.unwrap_or(0),
                    _ => scan.skip()?,
                }
                Ok(())
            })?,
            _ => scan.skip()?,
        }
        Ok(())
    })?;
    Ok(tokens)
}

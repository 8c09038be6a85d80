//! The naive contestant that loads one session with its messages and parts as `Value`s.

#![expect(clippy::disallowed_methods, reason = "a naive program reads files with std")]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::{Contestant, Outcome, TreeSums};

/// A contestant that loads one session.
#[derive(Debug)]
pub struct NaiveTree {
    storage: PathBuf,
    session: String,
}

struct Tree {
    session: Value,
    messages: Vec<(Value, Vec<Value>)>,
    bytes: u64,
}

impl NaiveTree {
    /// Returns a contestant that loads `session` from the store at `storage`.
    pub fn new(storage: impl Into<PathBuf>, session: impl Into<String>) -> Self {
        Self { storage: storage.into(), session: session.into() }
    }

    fn load(&self) -> Result<Tree> {
        let mut bytes = 0;
        let mut session = None;
        for project in fs::read_dir(self.storage.join("session"))? {
            let path = project?.path().join(format!("{}.json", self.session));
            match fs::read(&path) {
                Ok(text) => session = Some(parse(&text, &mut bytes)?),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        let session = session.context("the store does not have this session")?;

        let mut messages = Vec::new();
        for path in list(&self.storage.join("message").join(&self.session))? {
            let message = parse(&fs::read(&path)?, &mut bytes)?;
            let dir = self.storage.join("part").join(path.file_stem().unwrap_or_default());
            let mut parts = Vec::new();
            for path in list(&dir)? {
                parts.push(parse(&fs::read(&path)?, &mut bytes)?);
            }
            parts.sort_by(|a, b| a["id"].as_str().cmp(&b["id"].as_str()));
            messages.push((message, parts));
        }
        messages.sort_by(|(a, _), (b, _)| {
            let created = |message: &Value| message["time"]["created"].as_i64();
            created(a).cmp(&created(b)).then_with(|| a["id"].as_str().cmp(&b["id"].as_str()))
        });
        Ok(Tree { session, messages, bytes })
    }
}

fn list(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(paths),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            paths.push(path);
        }
    }
    Ok(paths)
}

fn parse(text: &[u8], bytes: &mut u64) -> Result<Value> {
    *bytes += text.len() as u64;
    Ok(serde_json::from_slice(text)?)
}

impl Contestant for NaiveTree {
    fn name(&self) -> &'static str {
        "naive"
    }

    fn run(&mut self) -> Result<Outcome> {
        Ok(self.load()?.sums().into())
    }

    fn proof(&mut self) -> Result<Value> {
        let Tree { session, messages, .. } = self.load()?;
        let messages: Vec<Value> = messages
            .into_iter()
            .map(|(info, parts)| json!({ "info": info, "parts": parts }))
            .collect();
        Ok(json!({ "info": session, "messages": messages }))
    }
}

impl Tree {
    fn sums(&self) -> TreeSums {
        let mut sums = TreeSums { bytes: self.bytes, ..TreeSums::default() };
        sums.created += number(&self.session["time"]["created"]);
        for (message, parts) in &self.messages {
            sums.messages += 1;
            sums.created += number(&message["time"]["created"]);
            sums.tokens += tokens(&message["tokens"]);
            parts.iter().for_each(|part| add_part(&mut sums, part));
        }
        sums
    }
}

fn add_part(sums: &mut TreeSums, part: &Value) {
    sums.parts += 1;
    match part["type"].as_str() {
        Some("text" | "reasoning") => sums.add_text(is_empty(&part["text"])),
        Some("tool") => {
            let state = &part["state"];
            if let Some(time) = state.get("time") {
                sums.add_call(time["start"].as_i64(), time["end"].as_i64());
            }
            if let Some(output) = state.get("output") {
                sums.add_text(is_empty(output));
            }
        }
        Some("step-finish") => sums.tokens += tokens(&part["tokens"]),
        Some("patch") => sums.files += part["files"].as_array().map_or(0, Vec::len) as u64,
        _ => {}
    }
}

fn tokens(tokens: &Value) -> i64 {
    let cache = &tokens["cache"];
    [&tokens["input"], &tokens["output"], &tokens["reasoning"], &cache["read"], &cache["write"]]
        .into_iter()
        .map(number)
        .sum()
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or(0)
}

fn is_empty(text: &Value) -> bool {
    text.as_str().is_none_or(str::is_empty)
}

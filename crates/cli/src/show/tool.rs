//! Prints one tool call: its status, name, input and duration, and the start of its output.

use std::io::{self, Write};

use scrollback_core_type::{LazyStr, RawJson, ToolPart, ToolState, ToolStatus};
use serde_json::Value;

use super::options::Options;
use super::text::Block;
use super::{file, output};
use crate::table::truncate;
use crate::{sanitize, units};

/// How many lines of an output are printed without `--full`. A diff has twice as many.
const MAX_LINES: usize = 10;
/// How many columns of an input are printed.
const MAX_COLUMNS: usize = 100;

pub(super) fn print(
    out: &mut dyn Write,
    call: &ToolPart<'_>,
    pruned: bool,
    options: &Options,
) -> io::Result<()> {
    let styles = &options.styles;
    let (dim, tool) = (styles.dim, styles.tool);
    let name = call.tool.as_ref().map(LazyStr::get).unwrap_or_default();
    let state = call.state.as_ref();
    let failure = state.and_then(ToolState::command_failure);
    let status = state.map_or(ToolStatus::Unknown, ToolState::status);
    let (glyph, style) = match status {
        ToolStatus::Completed if failure.is_none() => ("✓", styles.added),
        ToolStatus::Completed | ToolStatus::Error => ("✗", styles.error),
        ToolStatus::Running => ("… running", styles.warn),
        ToolStatus::Pending => ("… pending", styles.warn),
        ToolStatus::Unknown => ("?", styles.warn),
    };
    let input =
        state.and_then(ToolState::input).map(|input| summary(&name, input)).unwrap_or_default();
    let room = options.width.unwrap_or(usize::MAX).saturating_sub(name.len() + 16);
    let input = truncate(&sanitize::line(&input), room.clamp(20, MAX_COLUMNS));
    write!(out, "  {style}{glyph}{style:#} {tool}{}{tool:#}", sanitize::line(&name))?;
    if !input.is_empty() {
        write!(out, " {input}")?;
    }
    if let Some(failure) = failure {
        let style = styles.error;
        write!(out, " {style}({}){style:#}", sanitize::line(&failure.to_string()))?;
    }
    if let Some(took) =
        state.and_then(ToolState::time).and_then(|time| time.end?.checked_sub(time.start?))
    {
        write!(out, " {dim}({}){dim:#}", units::duration(took))?;
    }
    if let Some(session) = state.and_then(ToolState::subagent) {
        write!(out, " {dim}→ {}{dim:#}", sanitize::line(session.as_str()))?;
    }
    writeln!(out)?;
    let max_lines = Some(MAX_LINES);
    let body = Block { indent: "    ", style: dim, max_lines, options };
    match state {
        Some(ToolState::Completed(_)) if pruned => {
            writeln!(out, "    {dim}(output pruned from what the model sees){dim:#}")
        }
        Some(ToolState::Completed(done)) => {
            if state.is_some_and(ToolState::is_pruned) {
                writeln!(out, "    {dim}(pruned from what the model sees){dim:#}")?;
            }
            match done.metadata.as_ref().and_then(|metadata| metadata.field::<String>("diff")) {
                Some(diff) if !diff.is_empty() => print_diff(out, &diff, &body)?,
                _ => body.print(out, &output::of_completed(done))?,
            }
            for attached in done.attachments.iter().flatten() {
                let line = file::describe(attached);
                let line = truncate(&sanitize::line(&line), options.max_columns());
                writeln!(out, "    {dim}attached {line}{dim:#}")?;
            }
            match done.extra.get("attachments") {
                Some(odd) => body.print(out, &format!("attached {}", output::text_of(odd))),
                None => Ok(()),
            }
        }
        Some(ToolState::Error(failed)) => {
            Block { style: styles.error, ..body }.print(out, &output::of_error(failed))?;
            body.print(out, &output::of_contents(&failed.extra, true))
        }
        Some(ToolState::Unknown(unknown)) => body.print(out, unknown.raw.get()),
        _ => Ok(()),
    }
}

/// Summarizes the input of a call in one line: the main fields of a known tool, otherwise the whole
/// input as JSON.
pub(super) fn summary(tool: &str, input: &RawJson<'_>) -> String {
    let known: &[&str] = match tool {
        "bash" => &["command"],
        "read" | "write" | "edit" | "multiedit" | "patch" => &["filePath"],
        "glob" | "grep" => &["pattern", "path"],
        "list" => &["path"],
        "webfetch" => &["url"],
        "websearch" | "codesearch" => &["query"],
        "task" => &["description"],
        "skill" => &["name"],
        "todowrite" => return todos(input),
        _ => &[],
    };
    let words: Vec<String> = known.iter().filter_map(|field| input.field(field)).collect();
    if !words.is_empty() {
        return words.join("  ");
    }
    match input.deserialize::<Value>() {
        Ok(Value::Object(fields)) if fields.is_empty() => String::new(),
        Ok(value) => value.to_string(),
        Err(_) => input.get().to_owned(),
    }
}

fn todos(input: &RawJson<'_>) -> String {
    let todos: Vec<Value> = input.field("todos").unwrap_or_default();
    let done = todos.iter().filter(|todo| todo["status"] == "completed").count();
    format!("{done} of {} done", todos.len())
}

/// Prints a unified diff in colours, without its header lines.
fn print_diff(out: &mut dyn Write, diff: &str, body: &Block<'_>) -> io::Result<()> {
    let styles = &body.options.styles;
    let is_header = |line: &&str| {
        ["Index: ", "====", "--- ", "+++ "].iter().any(|start| line.starts_with(start))
    };
    let style = |line: &str| match line.as_bytes().first() {
        Some(b'+') => styles.added,
        Some(b'-') => styles.removed,
        _ => styles.dim,
    };
    let body = Block { max_lines: Some(2 * MAX_LINES), ..*body };
    body.print_lines(out, diff.lines().skip_while(is_header), style)
}

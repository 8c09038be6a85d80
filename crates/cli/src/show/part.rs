//! Prints one part of a message.

use std::io::{self, Write};

use scrollback_core_type::{LazyStr, Part};
use scrollback_flow::PartHydrated;
use scrollback_stor_mmap::{MappedSpan, Settled};

use super::options::Options;
use super::text::Block;
use super::{file, output, tool};
use crate::table::truncate;
use crate::{sanitize, units};

/// Checks whether a record is provisional: a write may have been under way during the read. A record
/// that is only young is whole.
pub(super) fn is_being_written(span: &MappedSpan) -> bool {
    span.settled() == Settled::Provisional
}

pub(super) fn print(
    out: &mut dyn Write,
    part: &PartHydrated<'_>,
    pruned: bool,
    options: &Options,
) -> io::Result<()> {
    let styles = &options.styles;
    let dim = styles.dim;
    if !options.is_live && part.node.span.as_ref().is_some_and(is_being_written) {
        writeln!(out, "  {dim}(being written){dim:#}")?;
    }
    let block = |indent, style| Block { indent, style, max_lines: None, options };
    let get = |text: &Option<LazyStr<'_>>| {
        text.as_ref().map(|it| it.get().into_owned()).unwrap_or_default()
    };
    let line = |text: &str| truncate(&sanitize::line(text), options.max_columns());
    match &part.part {
        Some(Part::Text(text)) => {
            // The agent program wrote this text in the name of the user: print less of it.
            let is_secondary = text.synthetic == Some(true) || text.ignored == Some(true);
            let style = if is_secondary { dim } else { anstyle::Style::new() };
            let max_lines = is_secondary.then_some(6);
            Block { max_lines, ..block("  ", style) }.print(out, &get(&text.text))
        }
        Some(Part::Reasoning(reasoning)) => block("  │ ", dim).print(out, &get(&reasoning.text)),
        Some(Part::Tool(call)) => tool::print(out, call, pruned, options),
        Some(Part::File(attached)) => {
            writeln!(out, "  {dim}file{dim:#} {}", line(&file::describe(attached)))
        }
        Some(Part::Patch(patch)) => {
            let files = patch.files.iter().flatten().map(|file| file.get().into_owned());
            let files = files.collect::<Vec<_>>().join(", ");
            if files.is_empty() {
                return Ok(());
            }
            writeln!(out, "  {dim}changed {}{dim:#}", line(&files))
        }
        Some(Part::Agent(agent)) => {
            writeln!(out, "  {dim}agent{dim:#} @{}", line(&get(&agent.name)))
        }
        Some(Part::Subtask(task)) => {
            let description = get(&task.description);
            writeln!(
                out,
                "  {dim}subtask for{dim:#} @{}: {}",
                line(&get(&task.agent)),
                line(&description)
            )?;
            Block { max_lines: Some(6), ..block("    ", dim) }.print(out, &get(&task.prompt))
        }
        Some(Part::Retry(retry)) => {
            let reason = retry.error.as_ref().map(output::message_of);
            let odd_reason = || retry.extra.get("error").map(output::error_text);
            let reason = reason.or_else(odd_reason).unwrap_or_default();
            let attempt = retry.attempt.unwrap_or(0);
            writeln!(
                out,
                "  {}attempt {attempt} failed: {}{:#}",
                styles.warn,
                line(&reason),
                styles.warn
            )
        }
        Some(Part::StepStart(_) | Part::StepFinish(_) | Part::Snapshot(_)) => Ok(()), // counted in the totals
        Some(Part::Compaction(_)) => Ok(()), // `message::print` prints its outcome
        Some(Part::Unknown(unknown)) => {
            let size = units::bytes(unknown.raw.get().len() as u64);
            let kind = get(&unknown.kind);
            writeln!(
                out,
                "  {dim}part of an unknown kind {:?}, {size}{dim:#}",
                sanitize::line(&kind)
            )
        }
        None => {
            let style = styles.error;
            writeln!(
                out,
                "  {style}(unusable part {}){style:#}",
                sanitize::line(part.node.key.part.as_str())
            )
        }
    }
}

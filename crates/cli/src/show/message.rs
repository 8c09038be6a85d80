//! Prints one message: a header line, its parts, and a footer with its result.

use std::io::{self, Write};

use scrollback_core_type::{AssistantMessage, Cost, LazyStr, Message, Part};
use scrollback_flow::{MessageHydrated, PartHydrated, SessionHydratedTree};

use super::options::{Options, divider};
use super::part::is_being_written;
use super::{compaction, output, part, speaker, style, text};
use crate::{sanitize, units};

/// Prints a message. `parts` gives its parts, each with whether its output was pruned. `cut` is a
/// dividing line, and the number of parts before it.
pub(super) fn print<'t, 'a: 't>(
    out: &mut dyn Write,
    tree: &SessionHydratedTree<'a>,
    message: &MessageHydrated<'a>,
    parts: impl Iterator<Item = (&'t PartHydrated<'a>, bool)>,
    cut: Option<(usize, String)>,
    options: &Options,
) -> io::Result<()> {
    print_header(out, message, options)?;
    for (at, (part, pruned)) in parts.enumerate() {
        if let Some((_, text)) = cut.as_ref().filter(|(before, _)| *before == at) {
            divider(out, text, options)?;
        }
        match part.part {
            Some(Part::Compaction(_)) => {
                divider(
                    out,
                    compaction::compaction_outcome(tree, &message.node.key.message),
                    options,
                )?;
            }
            _ => part::print(out, part, pruned, options)?,
        }
    }
    print_footer(out, message, options)
}

/// Prints the header line: the speaker, agent, model, time, duration, cost and marks.
pub(super) fn print_header(
    out: &mut dyn Write,
    message: &MessageHydrated<'_>,
    options: &Options,
) -> io::Result<()> {
    let mut details = match &message.message {
        Some(Message::User(user)) => {
            let model = user.model.as_ref().and_then(|model| model.model_id.as_ref());
            collect_texts([user.agent.as_ref(), model])
        }
        Some(Message::Assistant(answer)) => agent_and_model(answer),
        _ => Vec::new(),
    };
    if let Some(created) = message.message.as_ref().and_then(Message::created) {
        details.push(units::time(created));
    }
    if let Some(Message::Assistant(answer)) = &message.message
        && !options.is_live
    {
        details.push(duration_text(answer));
        details.extend(cost(message));
    }
    if message.is_copy() {
        details.push("(copied)".to_owned());
    }
    if !options.is_live && message.node.span.as_ref().is_some_and(is_being_written) {
        details.push("(being written)".to_owned());
    }
    let speaker = speaker(message);
    let (style, dim) = (style(&speaker, &options.styles), options.styles.dim);
    let (speaker, details) = (sanitize::line(&speaker), details.join("  "));
    writeln!(out, "\n{style}{speaker}{style:#} {dim}{}{dim:#}", sanitize::line(&details))
}

/// Prints the footer of an answer: its error, and why it stopped if that is unusual. A live transcript
/// prints the duration and cost here, because they are not known earlier.
pub(super) fn print_footer(
    out: &mut dyn Write,
    message: &MessageHydrated<'_>,
    options: &Options,
) -> io::Result<()> {
    if let Some(Message::Assistant(answer)) = &message.message {
        let is_over = answer.time.as_ref().is_some_and(|time| time.completed.is_some());
        if options.is_live && is_over {
            let (dim, took) = (options.styles.dim, duration_text(answer));
            let cost = cost(message).map(|cost| format!("  {cost}")).unwrap_or_default();
            writeln!(out, "  {dim}{took}{cost}{dim:#}")?;
        }
        let odd_error = || answer.extra.get("error").map(output::error_text);
        if let Some(error) = answer.error.as_ref().map(output::of_answer).or_else(odd_error) {
            print_error(out, &error, options)?;
        }
        if let Some(finish) = answer.finish.as_ref().map(LazyStr::get)
            && !matches!(&*finish, "stop" | "tool-calls")
        {
            let warn = options.styles.warn;
            writeln!(out, "  {warn}stopped: {}{warn:#}", sanitize::line(&finish))?;
        }
    }
    Ok(())
}

fn collect_texts<const N: usize>(texts: [Option<&LazyStr<'_>>; N]) -> Vec<String> {
    texts.into_iter().flatten().map(|text| text.get().into_owned()).collect()
}

fn agent_and_model(answer: &AssistantMessage<'_>) -> Vec<String> {
    collect_texts([answer.agent.as_ref().or(answer.mode.as_ref()), answer.model_id.as_ref()])
}

/// Formats the duration of an answer in parentheses, or "unfinished".
fn duration_text(answer: &AssistantMessage<'_>) -> String {
    let time = answer.time.as_ref().and_then(|time| Some((time.created?, time.completed?)));
    let took = time.map(|(created, completed)| completed.saturating_sub(created));
    took.map_or_else(|| "unfinished".to_owned(), |took| format!("({})", units::duration(took)))
}

/// Formats the cost of an answer; `None` if it is 0. A copied message costs nothing: its source has the
/// cost.
fn cost(message: &MessageHydrated<'_>) -> Option<String> {
    let cost = message.usage().cost;
    (cost != Cost::ZERO).then(|| units::cost(cost))
}

fn print_error(out: &mut dyn Write, error: &str, options: &Options) -> io::Result<()> {
    let style = options.styles.error;
    text::Block { indent: "  ", style, max_lines: Some(12), options }.print(out, error)
}

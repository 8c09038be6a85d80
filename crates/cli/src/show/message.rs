//! One message: who speaks, when, with what, and what came of it.

use std::io::{self, Write};

use scrollback_core_type::{AssistantMessage, LazyStr, Message, MessageError};
use scrollback_flow::{MessageHydrated, PartHydrated};

use super::{Options, is_being_written, part, text};
use crate::{safe, units};

pub(super) fn print<'t, 'a: 't>(
    out: &mut dyn Write,
    message: &MessageHydrated<'a>,
    parts: impl Iterator<Item = (&'t PartHydrated<'a>, bool)>,
    options: &Options,
) -> io::Result<()> {
    let styles = &options.styles;
    let (role, style, mut details) = match &message.message {
        Some(Message::User(user)) => {
            let model = user.model.as_ref().and_then(|model| model.model_id.as_ref());
            ("user".to_owned(), styles.user, named([user.agent.as_ref(), model]))
        }
        Some(Message::Assistant(answer)) => {
            ("assistant".to_owned(), styles.assistant, about(answer))
        }
        Some(Message::Unknown(unknown)) => {
            let role = unknown.role.as_ref().map(|role| role.get().into_owned());
            (role.unwrap_or_else(|| "(no role)".into()), styles.warn, Vec::new())
        }
        None => ("(unusable message record)".to_owned(), styles.error, Vec::new()),
    };
    if let Some(created) = message.message.as_ref().and_then(Message::created) {
        details.push(units::time(created));
    }
    if let Some(Message::Assistant(answer)) = &message.message {
        details.extend(cost(answer));
    }
    if message.node.span.as_ref().is_some_and(is_being_written) {
        details.push("(being written)".to_owned());
    }
    let dim = styles.dim;
    let details = details.join("  ");
    writeln!(out, "\n{style}{}{style:#} {dim}{}{dim:#}", safe::line(&role), safe::line(&details))?;
    for (part, pruned) in parts {
        part::print(out, part, pruned, options)?;
    }
    if let Some(Message::Assistant(answer)) = &message.message {
        if let Some(error) = &answer.error {
            print_error(out, error, options)?;
        }
        if let Some(finish) = answer.finish.as_ref().map(LazyStr::get)
            && !matches!(&*finish, "stop" | "tool-calls")
        {
            writeln!(out, "  {}stopped: {}{:#}", styles.warn, safe::line(&finish), styles.warn)?;
        }
    }
    Ok(())
}

fn named<const N: usize>(texts: [Option<&LazyStr<'_>>; N]) -> Vec<String> {
    texts.into_iter().flatten().map(|text| text.get().into_owned()).collect()
}

fn about(answer: &AssistantMessage<'_>) -> Vec<String> {
    named([answer.agent.as_ref().or(answer.mode.as_ref()), answer.model_id.as_ref()])
}

fn cost(answer: &AssistantMessage<'_>) -> Vec<String> {
    let mut details = Vec::new();
    let time = answer.time.as_ref();
    match time.map(|time| (time.created, time.completed)) {
        Some((Some(created), Some(completed))) => {
            details.push(units::duration(completed.saturating_sub(created)));
        }
        _ => details.push("unfinished".to_owned()),
    }
    if let Some(cost) = answer.cost.filter(|cost| cost.0 > 0.0) {
        details.push(units::cost(cost.0));
    }
    details
}

fn print_error(out: &mut dyn Write, error: &MessageError<'_>, options: &Options) -> io::Result<()> {
    let style = options.styles.error;
    let name = error.name.as_ref().map(LazyStr::get).unwrap_or_default();
    let message = error.data.as_ref().and_then(|data| data.message.as_ref()).map(LazyStr::get);
    let said = format!("{name}: {}", message.unwrap_or_default());
    let body = text::Block { indent: "  ", style, most: Some(12), options };
    body.print(out, said.trim_end_matches(": "))
}

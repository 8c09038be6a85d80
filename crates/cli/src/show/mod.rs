//! Prints a session as a transcript: a header, the messages with their parts, and the items between
//! them.

mod compaction;
mod file;
mod header;
mod item;
mod live;
mod message;
mod options;
mod order;
mod output;
mod part;
mod part_summary;
mod speaker;
mod text;
mod tool;

use std::io::{self, Write};
use std::ops::Range;

use scrollback_flow::{Context, ContextMessage, PartHydrated, SessionHydratedTree, TimelineEntry};

pub(crate) use self::header::{describe_provenance, has_record};
pub(crate) use self::item::describe_item;
pub(crate) use self::live::{LiveTranscript, hydrated_part};
pub(crate) use self::options::Options;
pub(crate) use self::order::{message_ids, questions_first};
pub(crate) use self::part_summary::{part_summary, status_name};
pub(crate) use self::speaker::{row_kind, speaker, style};

use self::options::divider;
use crate::units;

/// Prints a whole session.
pub(crate) fn transcript(
    out: &mut dyn Write,
    tree: &SessionHydratedTree<'_>,
    options: &Options,
) -> io::Result<()> {
    header::print(out, tree, options)?;
    messages(out, tree, 0..tree.messages.len(), options)
}

/// Prints a range of the messages of a session, and the items between them.
fn messages(
    out: &mut dyn Write,
    tree: &SessionHydratedTree<'_>,
    range: Range<usize>,
    options: &Options,
) -> io::Result<()> {
    let revert = tree.session.as_ref().and_then(|session| session.revert.as_ref());
    let reverted_from = revert.and_then(|revert| revert.message_id.as_ref());
    let reverted_part = revert.and_then(|revert| revert.part_id.as_ref());
    let mut at = 0; // how many messages came before the entry
    for entry in order::timeline(tree) {
        let message = match entry {
            TimelineEntry::Message(message) => message,
            TimelineEntry::Item(item) => {
                if range.start <= at && at <= range.end {
                    item::print(out, item, options)?;
                }
                continue;
            }
        };
        at += 1;
        if !range.contains(&(at - 1)) {
            continue;
        }
        let is_boundary = Some(&message.node.key.message) == reverted_from;
        // A revert can keep the first parts of a message.
        let is_kept = |part: &PartHydrated<'_>| Some(&part.node.key.part) != reverted_part;
        let kept = message.parts.iter().take_while(|part| is_kept(part)).count();
        let later = tree.messages.len() - at;
        let mut cut = None;
        if is_boundary && kept < message.parts.len() && reverted_part.is_some() {
            let parts = units::pluralize(message.parts.len() - kept, "part");
            let count = units::pluralize(later, "later message");
            cut = Some((kept, format!("reverted from here on ({parts} and {count})")));
        } else if is_boundary {
            let count = units::pluralize(later + 1, "message");
            divider(out, &format!("reverted from here on ({count})"), options)?;
        }
        let parts = message.parts.iter().map(|part| (part, false));
        message::print(out, tree, message, parts, cut, options)?;
    }
    Ok(())
}

/// Prints the present context of the model: the messages that it receives with the next prompt.
pub(crate) fn context(
    out: &mut dyn Write,
    tree: &SessionHydratedTree<'_>,
    context: &Context<'_, '_>,
    options: &Options,
) -> io::Result<()> {
    header::print(out, tree, options)?;
    if context.compacted > 0 {
        let count = units::pluralize(context.compacted, "earlier message");
        divider(out, &format!("{count} summarized below"), options)?;
    }
    let messages: Vec<&ContextMessage<'_, '_>> = context.messages.iter().collect();
    for message in questions_first(messages, |message| Some(message_ids(message.message))) {
        let parts = message.parts.iter().map(|part| (part.part, part.pruned));
        message::print(out, tree, message.message, parts, None, options)?;
    }
    let mut reverted = Vec::new();
    if context.reverted_parts > 0 {
        reverted.push(units::pluralize(context.reverted_parts, "part"));
    }
    if context.reverted > 0 {
        reverted.push(units::pluralize(context.reverted, "later message"));
    }
    if !reverted.is_empty() {
        divider(out, &format!("{} reverted", reverted.join(" and ")), options)?;
    }
    Ok(())
}

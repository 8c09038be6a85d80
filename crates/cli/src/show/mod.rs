//! A session as a transcript that people like to read.

mod compaction;
mod file;
mod header;
mod item;
mod message;
mod part;
mod speaker;
mod text;
mod tool;

use std::io::{self, Write};

use scrollback_flow::{Context, SessionHydratedTree, Timed};
use scrollback_stor_mmap::{MappedSpan, Settled};

pub(crate) use self::header::place;
pub(crate) use self::item::said;
pub(crate) use self::speaker::{kind, speaker, style};

use crate::style::Styles;
use crate::units;

/// Whether a write of it may have been under way when it was read. What is merely young is whole.
fn is_being_written(span: &MappedSpan) -> bool {
    span.settled() == Settled::Provisional
}

/// How a transcript is printed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// Whether to print whole outputs.
    pub(crate) full: bool,
    /// The columns to wrap at; none where lines are left as they are.
    pub(crate) width: Option<usize>,
    pub(crate) styles: Styles,
}

/// Prints all of a session.
pub(crate) fn transcript(
    out: &mut dyn Write,
    tree: &SessionHydratedTree<'_>,
    options: &Options,
) -> io::Result<()> {
    header::print(out, tree, options)?;
    let revert = tree.session.as_ref().and_then(|session| session.revert.as_ref());
    let reverted_from = revert.and_then(|revert| revert.message_id.as_ref());
    let mut left = tree.messages.len();
    for timed in tree.timeline() {
        let message = match timed {
            Timed::Message(message) => message,
            Timed::Item(item) => {
                item::print(out, item, options)?;
                continue;
            }
        };
        if Some(&message.node.key.message) == reverted_from {
            let what = units::many(left, "message");
            divider(out, &format!("reverted from here on ({what})"), options)?;
        }
        left -= 1;
        let shown = message.parts.iter().map(|part| (part, false));
        message::print(out, tree, message, shown, options)?;
    }
    Ok(())
}

/// Prints what the model still sees of a session.
pub(crate) fn context(
    out: &mut dyn Write,
    tree: &SessionHydratedTree<'_>,
    context: &Context<'_, '_>,
    options: &Options,
) -> io::Result<()> {
    header::print(out, tree, options)?;
    if context.compacted > 0 {
        let what = units::many(context.compacted, "earlier message");
        divider(out, &format!("{what} summed up below"), options)?;
    }
    for message in &context.messages {
        let shown = message.parts.iter().map(|part| (part.part, part.pruned));
        message::print(out, tree, message.message, shown, options)?;
    }
    if context.reverted > 0 {
        let what = units::many(context.reverted, "later message");
        divider(out, &format!("{what} reverted"), options)?;
    }
    Ok(())
}

/// A line across, with a text in it.
fn divider(out: &mut dyn Write, text: &str, options: &Options) -> io::Result<()> {
    let dim = options.styles.dim;
    writeln!(out, "\n{dim}──── {text} ────{dim:#}")
}

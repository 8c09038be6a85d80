//! Prints a transcript that grows as the agent writes. It prints only the changes, because printed rows
//! cannot be changed.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};

use anstyle::Style;
use scrollback_core_id::{ItemKey, MessageId, PartKey};
use scrollback_core_type::{LazyStr, Message, Parse, Part, TimelineItem, ToolState, ToolStatus};
use scrollback_flow::{
    ItemHydrated, ItemRefNode, MessageHydrated, MessageRefNode, PartHydrated, PartRefNode,
    SessionHydratedTree,
};

use super::options::{Options, divider};
use super::text::StreamedText;
use super::{header, item, message, messages, order, part};

/// A transcript that follows a session.
pub(crate) struct LiveTranscript {
    options: Options,
    /// The messages without their parts, each with the footer that was printed.
    messages: HashMap<MessageId, (MessageRefNode, Vec<u8>)>,
    parts: HashMap<PartKey, PrintedPart>,
    items: HashSet<ItemKey>,
    /// The message whose heading was printed last.
    current: Option<MessageId>,
    /// The text that may continue in the present row.
    open_text: Option<(PartKey, StreamedText)>,
}

/// The content of a part that was printed.
#[derive(PartialEq)]
enum PrintedPart {
    /// A text. White space at its end is left out, because the final version may not have it.
    Text(String),
    /// A tool call. It is printed again when its status changes.
    Call(ToolStatus),
    /// The printed text of a part of any other kind.
    Whole(Vec<u8>),
}

impl LiveTranscript {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            options,
            messages: HashMap::new(),
            parts: HashMap::new(),
            items: HashSet::new(),
            current: None,
            open_text: None,
        }
    }

    /// Prints the header and the last `max_messages` messages of a session. An unfinished answer at the end can
    /// continue later.
    pub(crate) fn print_recent(
        &mut self,
        out: &mut dyn Write,
        tree: &SessionHydratedTree<'_>,
        max_messages: usize,
    ) -> io::Result<()> {
        let is_unfinished = |message: &MessageHydrated<'_>| match &message.message {
            Some(Message::Assistant(answer)) => {
                answer.error.is_none()
                    && answer.time.as_ref().is_none_or(|time| time.completed.is_none())
            }
            _ => false,
        };
        let ordered = order::messages(tree);
        let last = ordered.last().copied();
        let unfinished = last.filter(|it| max_messages > 0 && is_unfinished(it));
        let count = ordered.len();
        let past = count - usize::from(unfinished.is_some());
        let options = Options { is_live: false, ..self.options };
        header::print(out, tree, &options)?;
        messages(out, tree, count.saturating_sub(max_messages).min(past)..past, &options)?;
        for message in &ordered[..past] {
            self.print(&mut io::sink(), message)?; // notes the message as printed
        }
        self.items.extend(tree.items.iter().map(|item| item.node.key.clone()));
        (self.current, self.open_text) = (None, None);
        unfinished.map_or(Ok(()), |message| self.print(out, message))
    }

    fn print(&mut self, out: &mut dyn Write, message: &MessageHydrated<'_>) -> io::Result<()> {
        self.message(out, message.node)?;
        message.parts.iter().try_for_each(|part| self.part(out, &message.node.key.message, part))
    }

    /// Prints the changes of a message record: a heading for a new message, and a new footer.
    pub(crate) fn message(&mut self, out: &mut dyn Write, node: &MessageRefNode) -> io::Result<()> {
        let id = &node.key.message;
        let mut end = Vec::new();
        message::print_footer(&mut end, &hydrated_message(node), &self.options)?;
        let known = self.messages.get(id).map(|(_, end)| end.clone());
        let node = MessageRefNode { parts: Vec::new(), ..node.clone() };
        self.messages.insert(id.clone(), (node, end.clone()));
        if known.is_none() {
            self.ensure_heading(out, id)?;
        }
        if !end.is_empty() && known.is_none_or(|known| known != end) {
            self.ensure_heading(out, id)?;
            self.end_row(out)?;
            out.write_all(&end)?;
        }
        Ok(())
    }

    /// Prints the changes of a part.
    pub(crate) fn part(
        &mut self,
        out: &mut dyn Write,
        message: &MessageId,
        part: &PartHydrated<'_>,
    ) -> io::Result<()> {
        let key = &part.node.key;
        let get = |text: &Option<LazyStr<'_>>| {
            text.as_ref().map(|it| it.get().into_owned()).unwrap_or_default()
        };
        match &part.part {
            Some(Part::Text(text))
                if text.synthetic != Some(true) && text.ignored != Some(true) =>
            {
                self.print_text(out, message, key, ("  ", Style::new()), &get(&text.text))
            }
            Some(Part::Reasoning(text)) => self.print_text(
                out,
                message,
                key,
                ("  │ ", self.options.styles.dim),
                &get(&text.text),
            ),
            _ => self.print_whole_part(out, message, part),
        }
    }

    /// Prints an item between messages, unless it was printed.
    pub(crate) fn item(&mut self, out: &mut dyn Write, node: &ItemRefNode) -> io::Result<()> {
        if !self.items.insert(node.key.clone()) {
            return Ok(());
        }
        self.end_row(out)?;
        self.current = None;
        let parsed =
            node.span.as_ref().and_then(|span| Some(TimelineItem::parse(span).ok()?.value));
        item::print(out, &ItemHydrated { node, item: parsed }, &self.options)
    }

    /// Prints a dividing line with a note, for example that a message was removed.
    pub(crate) fn note(&mut self, out: &mut dyn Write, text: &str) -> io::Result<()> {
        self.end_row(out)?;
        self.current = None;
        divider(out, text, &self.options)
    }

    /// Forgets a removed message. Returns whether it was known.
    pub(crate) fn remove_message(&mut self, id: &MessageId) -> bool {
        self.parts.retain(|key, _| key.message != *id);
        self.messages.remove(id).is_some()
    }

    fn print_text(
        &mut self,
        out: &mut dyn Write,
        message: &MessageId,
        key: &PartKey,
        (indent, style): (&'static str, Style),
        text: &str,
    ) -> io::Result<()> {
        let now = text.trim_end();
        let old = match self.parts.insert(key.clone(), PrintedPart::Text(now.to_owned())) {
            Some(PrintedPart::Text(old)) => old,
            _ => String::new(),
        };
        if now == old {
            return Ok(());
        }
        let added = now.strip_prefix(&*old);
        // Continue in the present row only if the text has grown and nothing was printed after it.
        if let (Some(added), Some((open, running))) = (added, &mut self.open_text)
            && open == key
        {
            return running.push(out, added);
        }
        self.ensure_heading(out, message)?;
        self.end_row(out)?;
        if added.is_none() {
            let dim = self.options.styles.dim;
            writeln!(out, "{indent}{dim}(rewritten){dim:#}")?;
        }
        let mut running = StreamedText::new(indent, style, &self.options);
        running.push(out, added.map_or(now, |added| added.trim_start_matches('\n')))?;
        self.open_text = Some((key.clone(), running));
        Ok(())
    }

    fn print_whole_part(
        &mut self,
        out: &mut dyn Write,
        message: &MessageId,
        part: &PartHydrated<'_>,
    ) -> io::Result<()> {
        let mut text = Vec::new();
        match &part.part {
            Some(Part::Compaction(_)) => {
                let line = "compaction: the messages before it are to be summarized";
                divider(&mut text, line, &self.options)?;
            }
            _ => part::print(&mut text, part, false, &self.options)?,
        }
        let status = match &part.part {
            Some(Part::Tool(call)) => Some(call.state.as_ref().map(ToolState::status)),
            _ => None,
        };
        let now = match status {
            Some(Some(ToolStatus::Pending)) => return Ok(()), // its input is not complete yet
            Some(status) => PrintedPart::Call(status.unwrap_or(ToolStatus::Unknown)),
            None => PrintedPart::Whole(text.clone()),
        };
        let key = &part.node.key;
        if text.is_empty() || self.parts.get(key) == Some(&now) {
            return Ok(());
        }
        self.parts.insert(key.clone(), now);
        self.ensure_heading(out, message)?;
        self.end_row(out)?;
        out.write_all(&text)
    }

    /// Ends the present row if a text is open in it.
    pub(crate) fn end_row(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.open_text.take().map_or(Ok(()), |(_, running)| running.end(out))
    }

    /// Prints the heading of a message unless it is the current one.
    fn ensure_heading(&mut self, out: &mut dyn Write, id: &MessageId) -> io::Result<()> {
        if self.current.as_ref() == Some(id) {
            return Ok(());
        }
        self.end_row(out)?;
        self.current = Some(id.clone());
        let Some((node, _)) = self.messages.get(id) else { return Ok(()) };
        message::print_header(out, &hydrated_message(node), &self.options)
    }
}

/// Parses the record of a message.
fn hydrated_message(node: &MessageRefNode) -> MessageHydrated<'_> {
    let message = node.span.as_ref().and_then(|span| Some(Message::parse(span).ok()?.value));
    MessageHydrated { node, message, parts: Vec::new() }
}

/// Parses the record of a part.
pub(crate) fn hydrated_part(node: &PartRefNode) -> PartHydrated<'_> {
    let part = node.span.as_ref().and_then(|span| Some(Part::parse(span).ok()?.value));
    PartHydrated { node, part }
}

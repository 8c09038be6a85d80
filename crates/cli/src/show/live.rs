//! A transcript that grows as the session is written: what was printed is not printed again.

use std::collections::HashMap;
use std::io::{self, Write};

use anstyle::Style;
use scrollback_core_id::{MessageId, PartKey};
use scrollback_core_type::{LazyStr, Message, Parse, Part, ToolState, ToolStatus};
use scrollback_flow::{
    MessageHydrated, MessageRefNode, PartHydrated, PartRefNode, SessionHydratedTree,
};

use super::options::{Options, divider};
use super::text::Running;
use super::{header, message, messages, part};

/// Prints a session as it is written.
pub(crate) struct LiveTranscript {
    options: Options,
    /// The messages, without their parts, and what was printed of how each ended.
    messages: HashMap<MessageId, (MessageRefNode, Vec<u8>)>,
    parts: HashMap<PartKey, Shown>,
    /// The message that what is printed now belongs to.
    current: Option<MessageId>,
    /// The text that may go on in the row where the output is.
    open: Option<(PartKey, Running)>,
}

/// What was printed of a part.
#[derive(PartialEq)]
enum Shown {
    /// A text, without the blanks at its end, which may be cut.
    Text(String),
    /// A call: it is printed again when it is further.
    Call(ToolStatus),
    /// All that there is of it.
    Whole(Vec<u8>),
}

impl LiveTranscript {
    pub(crate) fn new(options: Options) -> Self {
        Self { options, messages: HashMap::new(), parts: HashMap::new(), current: None, open: None }
    }

    /// Prints the last so many messages of a session. An answer that is unfinished can go on.
    pub(crate) fn begin(
        &mut self,
        out: &mut dyn Write,
        tree: &SessionHydratedTree<'_>,
        most: usize,
    ) -> io::Result<()> {
        let is_unfinished = |message: &MessageHydrated<'_>| match &message.message {
            Some(Message::Assistant(answer)) => {
                answer.error.is_none()
                    && answer.time.as_ref().is_none_or(|time| time.completed.is_none())
            }
            _ => false,
        };
        let unfinished = tree.messages.last().filter(|it| most > 0 && is_unfinished(it));
        let count = tree.messages.len();
        let past = count - usize::from(unfinished.is_some());
        let options = Options { is_live: false, ..self.options };
        header::print(out, tree, &options)?;
        messages(out, tree, count.saturating_sub(most).min(past)..past, &options)?;
        for message in &tree.messages[..past] {
            self.print(&mut io::sink(), message)?; // it is known
        }
        (self.current, self.open) = (None, None);
        unfinished.map_or(Ok(()), |message| self.print(out, message))
    }

    fn print(&mut self, out: &mut dyn Write, message: &MessageHydrated<'_>) -> io::Result<()> {
        self.message(out, message.node)?;
        message.parts.iter().try_for_each(|part| self.part(out, &message.node.key.message, part))
    }

    /// Prints what is new of a message's own record.
    pub(crate) fn message(&mut self, out: &mut dyn Write, node: &MessageRefNode) -> io::Result<()> {
        let id = &node.key.message;
        let mut end = Vec::new();
        message::end(&mut end, &hydrated(node), &self.options)?;
        let known = self.messages.get(id).map(|(_, end)| end.clone());
        let node = MessageRefNode { parts: Vec::new(), ..node.clone() };
        self.messages.insert(id.clone(), (node, end.clone()));
        if known.is_none() {
            self.enter(out, id)?;
        }
        if !end.is_empty() && known.is_none_or(|known| known != end) {
            self.enter(out, id)?;
            self.end(out)?;
            out.write_all(&end)?;
        }
        Ok(())
    }

    /// Prints what is new of a part.
    pub(crate) fn part(
        &mut self,
        out: &mut dyn Write,
        of: &MessageId,
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
                self.text(out, of, key, ("  ", Style::new()), &get(&text.text))
            }
            Some(Part::Reasoning(text)) => {
                self.text(out, of, key, ("  │ ", self.options.styles.dim), &get(&text.text))
            }
            _ => self.whole(out, of, part),
        }
    }

    /// Says that something is gone, or the like.
    pub(crate) fn note(&mut self, out: &mut dyn Write, text: &str) -> io::Result<()> {
        self.end(out)?;
        self.current = None;
        divider(out, text, &self.options)
    }

    /// Forgets a message that is gone; whether it was known.
    pub(crate) fn forget(&mut self, id: &MessageId) -> bool {
        self.parts.retain(|key, _| key.message != *id);
        self.messages.remove(id).is_some()
    }

    fn text(
        &mut self,
        out: &mut dyn Write,
        of: &MessageId,
        key: &PartKey,
        (indent, style): (&'static str, Style),
        text: &str,
    ) -> io::Result<()> {
        let now = text.trim_end();
        let old = match self.parts.insert(key.clone(), Shown::Text(now.to_owned())) {
            Some(Shown::Text(old)) => old,
            _ => String::new(),
        };
        if now == old {
            return Ok(());
        }
        let more = now.strip_prefix(&*old);
        if let (Some(more), Some((open, running))) = (more, &mut self.open)
            && open == key
        {
            return running.push(out, more);
        }
        self.enter(out, of)?;
        self.end(out)?;
        if more.is_none() {
            let dim = self.options.styles.dim;
            writeln!(out, "{indent}{dim}(rewritten){dim:#}")?;
        }
        let mut running = Running::new(indent, style, &self.options);
        running.push(out, more.map_or(now, |more| more.trim_start_matches('\n')))?;
        self.open = Some((key.clone(), running));
        Ok(())
    }

    fn whole(
        &mut self,
        out: &mut dyn Write,
        of: &MessageId,
        part: &PartHydrated<'_>,
    ) -> io::Result<()> {
        let mut text = Vec::new();
        match &part.part {
            Some(Part::Compaction(_)) => {
                let what = "compaction: what comes before is to be summed up";
                divider(&mut text, what, &self.options)?;
            }
            _ => part::print(&mut text, part, false, &self.options)?,
        }
        let status = match &part.part {
            Some(Part::Tool(call)) => Some(call.state.as_ref().map(ToolState::status)),
            _ => None,
        };
        let now = match status {
            Some(Some(ToolStatus::Pending)) => return Ok(()), // what it is about is still to come
            Some(status) => Shown::Call(status.unwrap_or(ToolStatus::Unknown)),
            None => Shown::Whole(text.clone()),
        };
        let key = &part.node.key;
        if text.is_empty() || self.parts.get(key) == Some(&now) {
            return Ok(());
        }
        self.parts.insert(key.clone(), now);
        self.enter(out, of)?;
        self.end(out)?;
        out.write_all(&text)
    }

    /// Ends the row of a text that is printed.
    pub(crate) fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.open.take().map_or(Ok(()), |(_, running)| running.end(out))
    }

    /// Makes sure that what comes next stands under its message.
    fn enter(&mut self, out: &mut dyn Write, id: &MessageId) -> io::Result<()> {
        if self.current.as_ref() == Some(id) {
            return Ok(());
        }
        self.end(out)?;
        self.current = Some(id.clone());
        let Some((node, _)) = self.messages.get(id) else { return Ok(()) };
        message::head(out, &hydrated(node), &self.options)
    }
}

fn hydrated(node: &MessageRefNode) -> MessageHydrated<'_> {
    let message = node.span.as_ref().and_then(|span| Some(Message::parse(span).ok()?.value));
    MessageHydrated { node, message, parts: Vec::new() }
}

/// A part, typed.
pub(crate) fn hydrated_part(node: &PartRefNode) -> PartHydrated<'_> {
    let part = node.span.as_ref().and_then(|span| Some(Part::parse(span).ok()?.value));
    PartHydrated { node, part }
}

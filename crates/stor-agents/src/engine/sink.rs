//! The sink: a dialect passes what a record says, and the sink makes messages, parts and items of it.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;
use std::path::Path;

use scrollback_core_err::{Issue, IssueKind, Place};

use super::draft::{Author, CallDraft, ItemDraft, MessageDraft, Origin, PartDraft, ResultDraft};
use super::ids::Slot;
use super::layout::MessageIds;
use super::queue::{Counters, Draft, Finished, OpenPoint, Queued};
use super::value::Json;

/// Takes what the records of a session say, in the order of the records, and makes messages, parts
/// and items of it.
///
/// One message is *current*: it takes the parts. A message is *open* while it is current, or while
/// a call in it waits for its result. [`Sink::result`] finds the call in any open message, so a
/// dialect needs no memory of its own. A call stops waiting when the model's next message begins
/// after a prompt of the user, or 64 messages later.
///
/// What a dialect passes must depend on the record alone, and on the open messages. Then a message
/// that is read by itself, from its record on, is the same as in a read of the whole session.
#[derive(Debug)]
pub struct Sink<'b> {
    ids: MessageIds,
    /// The path of the container, for issues.
    path: &'b Path,
    /// Whether all messages are copies of messages of another session.
    pub(crate) makes_copies: bool,
    record: CurrentRecord,
    counters: Counters,
    /// Messages and items that were not taken yet, in order.
    queue: VecDeque<Queued<'b>>,
    /// The items of the current record, which follow its messages.
    record_items: Vec<Queued<'b>>,
    /// The number of entries that were taken from the queue.
    taken: usize,
    /// The current message, counted from the first entry that ever was in the queue.
    current: Option<usize>,
    /// Finished messages that a record behind the start of a later message completed: where each
    /// begins, and the position of that record.
    interleaved: Vec<(OpenPoint, u64)>,
    /// How many messages the dialect has begun.
    begun: u64,
}

/// How many messages may begin while a call waits. So a call without a result does not keep the rest
/// of a session in memory.
const MAX_WAIT: u64 = 64;

/// The record that the dialect reads.
#[derive(Debug, Default)]
struct CurrentRecord {
    position: u64,
    origin: Origin,
    before: Counters,
    messages: u64,
    items: u64,
    has_issue: bool,
}

impl<'b> Sink<'b> {
    pub(crate) fn new(ids: MessageIds, path: &'b Path, counters: Counters) -> Self {
        Self {
            ids,
            path,
            makes_copies: false,
            record: CurrentRecord::default(),
            counters,
            queue: VecDeque::new(),
            record_items: Vec::new(),
            taken: 0,
            current: None,
            interleaved: Vec::new(),
            begun: 0,
        }
    }

    /// Begins a record. Two records at one position are two objects in one step file.
    pub(crate) fn begin_record(&mut self, position: u64, origin: Origin, is_first: bool) {
        let (messages, items) = match self.record.position == position && !is_first {
            true => (self.record.messages, self.record.items),
            false => (0, 0),
        };
        let before = if messages + items > 0 { self.record.before } else { self.counters };
        self.record = CurrentRecord { position, origin, before, messages, items, has_issue: false };
    }

    /// Ends a record, and returns whether it had an issue.
    pub(crate) fn end_record(&mut self) -> bool {
        let messages = self.counters.messages;
        let items = self.record_items.drain(..).map(|item| match self.ids {
            MessageIds::ByPosition => item,
            // After the messages so far, and before the next one.
            MessageIds::ByOrdinal => Queued { order: 2 * messages, ..item },
        });
        self.queue.extend(items);
        self.record.has_issue
    }

    /// Takes the next message or item in order, if it is finished.
    pub(crate) fn take_finished(&mut self) -> Option<Finished<'b>> {
        let front = self.queue.front()?;
        if front.waiting > 0 || self.current == Some(self.taken) {
            return None;
        }
        self.taken += 1;
        let Queued { slot, position, order, draft, before, last, .. } = self.queue.pop_front()?;
        if self.queue.front().is_some_and(|next| next.position <= last) && last > position {
            self.interleaved.push((OpenPoint { position, before }, last));
        }
        Some(Finished { slot, position, order, draft })
    }

    /// Returns where a later parse has to begin: at the oldest open message, or before it, so that no
    /// record from there on completes a message that begins earlier.
    pub(crate) fn open_point(&self) -> Option<OpenPoint> {
        let front = self.queue.front()?;
        let mut point = OpenPoint { position: front.position, before: front.before };
        // Later messages come last, so one pass finds also those that an earlier point reaches.
        for (begin, last) in self.interleaved.iter().rev() {
            if *last >= point.position && begin.position < point.position {
                point = *begin;
            }
        }
        Some(point)
    }

    /// Returns how many messages and items were begun.
    pub(crate) fn counters(&self) -> Counters {
        self.counters
    }

    /// Closes all messages, because there are no more records.
    pub(crate) fn close_all(&mut self) {
        self.current = None;
        self.queue.iter_mut().for_each(|queued| queued.waiting = 0);
    }

    /// Begins a message, which takes the following parts. It closes the message before, except for
    /// calls that wait. Each step of the model should be a message of its own.
    pub fn begin_message(&mut self, message: MessageDraft<'b>) {
        match message.author {
            Author::User => {
                self.queue.iter_mut().for_each(|queued| queued.is_after_prompt = true);
            }
            Author::Model => {
                for queued in self.queue.iter_mut().filter(|queued| queued.is_after_prompt) {
                    queued.waiting = 0;
                }
            }
            Author::Program(_) => {}
        }
        self.begun += 1;
        let is_given_up = |queued: &&mut Queued<'_>| self.begun - queued.begun > MAX_WAIT;
        self.queue.iter_mut().take_while(is_given_up).for_each(|queued| queued.waiting = 0);
        self.current = Some(self.taken + self.queue.len());
        self.push_message(message);
    }

    /// Returns the current message, to change it: the record counts as one of the message's.
    pub fn message(&mut self) -> Option<&mut MessageDraft<'b>> {
        let index = self.current?.checked_sub(self.taken)?;
        let position = self.record.position;
        self.queue.get_mut(index)?.touch(position)
    }

    /// Returns the newest message of the model that is open, for a record that completes it: its
    /// usage, its end.
    pub fn open_answer(&mut self) -> Option<&mut MessageDraft<'b>> {
        let current = self.current.and_then(|current| current.checked_sub(self.taken));
        let queued = self.queue.iter_mut().enumerate().rev();
        let mut open = queued
            .filter(|(index, queued)| queued.waiting > 0 || Some(*index) == current)
            .filter(|(_, queued)| queued.is_answer());
        let position = self.record.position;
        open.next()?.1.touch(position)
    }

    /// Checks whether the current message is of the model and none of its calls has a result, so
    /// that more output of the model belongs to the same step.
    pub fn is_in_step(&self) -> bool {
        let has_result =
            |part: &PartDraft<'_>| part.call.as_ref().is_some_and(|call| call.result.is_some());
        self.current_message().is_some_and(|message| {
            message.author == Author::Model && !message.parts.iter().any(has_result)
        })
    }

    /// Returns the current message, to read it.
    pub fn current_message(&self) -> Option<&MessageDraft<'b>> {
        let index = self.current?.checked_sub(self.taken)?;
        match &self.queue.get(index)?.draft {
            Draft::Message(message) => Some(message),
            _ => None,
        }
    }

    /// Adds a part to the current message. Without one, a message of the model begins.
    pub fn part(&mut self, part: PartDraft<'b>) {
        let part = PartDraft { origin: self.record.origin.clone(), ..part };
        if self.current.is_none() {
            self.begin_message(MessageDraft::new(Author::Model));
        }
        if let Some(message) = self.message() {
            message.parts.push(part);
        }
    }

    /// Adds a text, a string.
    pub fn text(&mut self, text: Json<'b>) {
        self.part(PartDraft::new("text").with("text", text));
    }

    /// Adds reasoning: its text, a string, and the provider's metadata, an object.
    pub fn reasoning(&mut self, text: Json<'b>, metadata: Option<Json<'b>>) {
        self.part(PartDraft::new("reasoning").with("text", text).with_some("metadata", metadata));
    }

    /// Adds a file: its media type and its address, both strings.
    pub fn file(&mut self, mime: Option<Json<'b>>, url: Json<'b>) {
        self.part(PartDraft::new("file").with_some("mime", mime).with("url", url));
    }

    /// Adds a part of a kind that the model does not have, with the original as it stands. The kind
    /// is a string.
    pub fn unknown_part(&mut self, kind: Json<'b>, original: Json<'b>) {
        self.part(PartDraft::of_kind(kind).with("original", original));
    }

    /// Adds a tool call: its id, the name of the tool, a string, and the input.
    pub fn call(&mut self, id: Cow<'b, str>, tool: Json<'b>, input: Json<'b>) {
        let call = CallDraft { id, tool, input: Some(input), result: None, result_origin: None };
        let part = PartDraft { call: Some(Box::new(call)), ..PartDraft::new("tool") };
        self.part(part);
        let index = self.current.and_then(|current| current.checked_sub(self.taken));
        if let Some(queued) = index.and_then(|index| self.queue.get_mut(index)) {
            queued.waiting += 1;
            queued.is_after_prompt = false;
        }
    }

    /// Adds the result of a call to the part of the call. A result whose call does not wait in any
    /// message becomes a message of its own.
    pub fn result(&mut self, call: Cow<'b, str>, result: ResultDraft<'b>) {
        let origin = self.record.origin.clone();
        for queued in self.queue.iter_mut().rev().filter(|queued| queued.waiting > 0) {
            let Draft::Message(message) = &mut queued.draft else { continue };
            let calls = message.parts.iter_mut().rev().filter_map(|part| part.call.as_mut());
            if let Some(found) = calls.into_iter().find(|it| it.id == call && it.result.is_none()) {
                (found.result, found.result_origin) = (Some(result), Some(origin));
                queued.waiting -= 1;
                queued.last = self.record.position;
                return;
            }
        }
        let tool = result.tool.clone().unwrap_or(Json::Name("unknown"));
        let call =
            CallDraft { id: call, tool, input: None, result: Some(result), result_origin: None };
        let part = PartDraft { call: Some(Box::new(call)), origin, ..PartDraft::new("tool") };
        let mut message = MessageDraft::new(Author::Model);
        message.parts.push(part);
        self.push_message(message);
    }

    /// Adds an item to the timeline: its kind, a string, its time in Unix milliseconds, and its
    /// fields.
    pub fn item(
        &mut self,
        kind: Json<'b>,
        created: Option<i64>,
        fields: Vec<(&'static str, Json<'b>)>,
    ) {
        let slot = self.slot(self.counters.items, self.record.items);
        self.counters.items += 1;
        self.record.items += 1;
        let origin = self.record.origin.clone();
        let draft = Draft::Item(Box::new(ItemDraft { kind, created, fields, origin }));
        let queued = self.queued(slot, draft);
        self.record_items.push(queued);
    }

    /// Adds a boundary of a compaction: a message of the program with a part `compaction` that has
    /// `fields`, and a message with the summary, a string, if the store has it here.
    pub fn boundary(
        &mut self,
        created: Option<i64>,
        fields: Vec<(&'static str, Json<'b>)>,
        summary: Option<Json<'b>>,
    ) {
        let author = Author::Program(Json::Name("compaction"));
        self.begin_message(MessageDraft { created, ..MessageDraft::new(author) });
        self.part(PartDraft { fields, ..PartDraft::new("compaction") });
        if let Some(summary) = summary {
            let message = MessageDraft::new(Author::Model);
            self.begin_message(MessageDraft { created, is_summary: true, ..message });
            self.text(summary);
        }
    }

    /// Adds an issue about the record. The record can still add messages and parts.
    pub fn issue(&mut self, kind: IssueKind) {
        self.issue_at(kind, self.record.origin.range.clone());
    }

    /// Adds an issue about a range of bytes of the record's file.
    pub(crate) fn issue_at(&mut self, kind: IssueKind, range: Range<u64>) {
        self.record.has_issue = true;
        let path = match &self.record.origin.file {
            Some(file) => self.path.join(&**file),
            None => self.path.to_owned(),
        };
        let place = Place::path(path).at_range(range);
        let queued = self.queued(Slot::default(), Draft::Issue(Box::new(Issue::new(place, kind))));
        self.record_items.push(queued);
    }

    fn push_message(&mut self, message: MessageDraft<'b>) {
        let slot = self.slot(self.counters.messages, self.record.messages);
        self.counters.messages += 1;
        self.record.messages += 1;
        let is_copy = self.makes_copies || message.is_copy;
        let message = MessageDraft { origin: self.record.origin.clone(), is_copy, ..message };
        let queued = self.queued(slot, Draft::Message(Box::new(message)));
        self.queue.push_back(queued);
    }

    fn slot(&self, before: u64, in_record: u64) -> Slot {
        match self.ids {
            MessageIds::ByPosition => Slot { at: self.record.position, sub: in_record },
            MessageIds::ByOrdinal => Slot { at: before, sub: 0 },
        }
    }

    fn queued(&self, slot: Slot, draft: Draft<'b>) -> Queued<'b> {
        let CurrentRecord { position, before, .. } = self.record;
        let (waiting, is_after_prompt) = (0, false);
        let order = match self.ids {
            MessageIds::ByPosition => position,
            MessageIds::ByOrdinal => 2 * slot.at + 1,
        };
        let (last, begun) = (position, self.begun);
        Queued { slot, position, order, before, last, waiting, is_after_prompt, begun, draft }
    }
}

//! Reads messages and parts: `message/<session>/<message>.json`, `part/<message>/<part>.json`.

use scrollback_core_err::Issue;
use scrollback_core_id::{MessageId, MessageKey, OrderKey, PartId, PartKey, SessionKey};
use scrollback_core_type::order_time;
use scrollback_stor_mmap::{Arena, Dir};
use scrollback_stor_path::layout::{MESSAGE, PART};
use scrollback_stor_path::opencode::circular_orders;

use crate::name_kind::NameKind;
use crate::names::list_ids;
use crate::transaction::{
    FetchedBytes, FileTransaction, IssueSink, open_optional_dir, record_place, with_owner,
};
use scrollback_source::Entry;

/// A message's record in the arena, and its order.
pub(crate) struct FetchedMessage {
    pub(crate) key: MessageKey,
    pub(crate) order: OrderKey,
    pub(crate) fetched: FetchedBytes,
}

impl FileTransaction<'_> {
    pub(crate) fn messages(
        &mut self,
        session: &SessionKey,
        note: &mut IssueSink<'_>,
    ) -> impl Iterator<Item = Entry> + use<> {
        let mut arena = Arena::new();
        let messages = self.read_messages(&mut arena, session, note);
        let arena = arena.freeze();
        let entry = move |message: FetchedMessage| {
            Entry::new(message.key, message.order, message.fetched.into_span(&arena))
        };
        messages.into_iter().map(entry)
    }

    /// Reads the messages of a session and sorts them.
    pub(crate) fn read_messages(
        &mut self,
        arena: &mut Arena,
        session: &SessionKey,
        note: &mut IssueSink<'_>,
    ) -> Vec<FetchedMessage> {
        let id = session.session.as_str();
        let Some(dir) = self.open_messages_dir(session, note) else { return Vec::new() };
        let ids = self.list_messages(&dir, session, note);
        let mut messages = Vec::with_capacity(ids.len());
        for message in ids {
            let key = MessageKey { session: session.session.clone(), message };
            match self.fetch(arena, &dir, key.message.as_bytes()) {
                Ok(fetched) => {
                    let order =
                        message_order(&key.message, fetched.bytes(arena), fetched.mtime_ms());
                    messages.push(FetchedMessage { key, order, fetched });
                }
                Err(kind) => {
                    let place = record_place(&[MESSAGE, id], key.message.as_str());
                    note(Some(key.into()), Issue::new(place, kind));
                }
            }
        }
        messages.sort_unstable_by(|a, b| (a.order, &a.key).cmp(&(b.order, &b.key)));
        messages
    }

    /// Lists the names of a session's messages, in no order, without reading the messages.
    pub(crate) fn list_message_names(
        &mut self,
        session: &SessionKey,
        note: &mut IssueSink<'_>,
    ) -> impl Iterator<Item = Entry> + use<> {
        let dir = self.open_messages_dir(session, note);
        let ids = dir.map(|dir| self.list_messages(&dir, session, note)).unwrap_or_default();
        let session = session.session.clone();
        let key = move |message| MessageKey { session: session.clone(), message };
        ids.into_iter().map(move |message| Entry::without_span(key(message), OrderKey::default()))
    }

    pub(crate) fn open_messages_dir(
        &mut self,
        session: &SessionKey,
        note: &mut IssueSink<'_>,
    ) -> Option<Dir> {
        let id = session.session.as_str();
        let all = self.top_directory(MESSAGE, note)?;
        let note = &mut with_owner(|| session.clone().into(), note);
        open_optional_dir(&all, id, || [MESSAGE, id].iter().collect(), note)
    }

    fn list_messages(
        &mut self,
        dir: &Dir,
        session: &SessionKey,
        note: &mut IssueSink<'_>,
    ) -> Vec<MessageId> {
        self.observe_listed_set(dir, session.clone());
        let path = || [MESSAGE, session.session.as_str()].iter().collect();
        let note = &mut with_owner(|| session.clone().into(), note);
        list_ids(dir, NameKind::Records, path, (&mut self.list_buffer, &self.context), note)
    }

    /// Lists the names of a message's parts, in order, without reading the parts.
    pub(crate) fn list_part_names(
        &mut self,
        owner: &MessageKey,
        note: &mut IssueSink<'_>,
    ) -> impl Iterator<Item = Entry> + use<> {
        let message = owner.message.clone();
        let all = self.top_directory(PART, note);
        let parts = match all.and_then(|all| open_parts_dir(&all, &message, note)) {
            Some(dir) => {
                self.observe_listed_set(&dir, owner.clone());
                self.list_parts(&dir, &message, note)
            }
            None => Vec::new(),
        };
        let key = move |part| PartKey { message: message.clone(), part };
        parts.into_iter().map(move |(order, part)| Entry::without_span(key(part), order))
    }

    /// Reads the parts of a message, in order.
    pub(crate) fn read_parts(
        &mut self,
        arena: &mut Arena,
        dir: &Dir,
        message: &MessageId,
        note: &mut IssueSink<'_>,
    ) -> Vec<(PartKey, OrderKey, FetchedBytes)> {
        let parts = self.list_parts(dir, message, note);
        let mut fetched_parts = Vec::with_capacity(parts.len());
        for (order, part) in parts {
            let key = PartKey { message: message.clone(), part };
            match self.fetch(arena, dir, key.part.as_bytes()) {
                Ok(fetched) => fetched_parts.push((key, order, fetched)),
                Err(kind) => {
                    let place = record_place(&[PART, message.as_str()], key.part.as_str());
                    note(Some(key.into()), Issue::new(place, kind));
                }
            }
        }
        fetched_parts
    }

    pub(crate) fn list_parts(
        &mut self,
        dir: &Dir,
        message: &MessageId,
        note: &mut IssueSink<'_>,
    ) -> Vec<(OrderKey, PartId)> {
        let path = || [PART, message.as_str()].iter().collect();
        let ids: Vec<PartId> =
            list_ids(dir, NameKind::Records, path, (&mut self.list_buffer, &self.context), note);
        let orders = circular_orders(ids.iter());
        let mut parts: Vec<_> = orders.into_iter().zip(ids).collect();
        parts.sort_unstable();
        parts
    }
}

/// Opens the directory of one message's parts. The directory is missing while a message has no parts.
pub(crate) fn open_parts_dir(
    all: &Dir,
    message: &MessageId,
    note: &mut IssueSink<'_>,
) -> Option<Dir> {
    let id = message.as_str();
    open_optional_dir(all, id, || [PART, id].iter().collect(), note)
}

/// Returns the order of a message: the time of its creation. If the record is too damaged to contain
/// a time, the time of its id counts, or else the time of its file.
pub(crate) fn message_order(id: &MessageId, bytes: &[u8], mtime_ms: i64) -> OrderKey {
    let created = order_time(bytes).created;
    OrderKey(created.or_else(|| id.time(mtime_ms)).unwrap_or(mtime_ms))
}

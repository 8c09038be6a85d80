//! Converts ids to positions, and back. An id may come from any program, so nothing here trusts one.

use scrollback_core_id::{
    EntityKey, ItemId, ItemKey, MessageId, MessageKey, OrderKey, PartId, PartKey, SessionId,
    SessionKey,
};

/// The place of a message or item in its session, as its id has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Slot {
    /// The position of the record, or the number of messages or items before.
    pub(crate) at: u64,
    /// The number among the messages or items of one record.
    pub(crate) sub: u64,
}

impl Slot {
    /// Formats a slot with a fixed width, so that texts sort as slots do.
    fn to_text(self) -> String {
        match self.sub {
            0 => format!("{:012x}", self.at),
            sub => format!("{:012x}.{sub:04x}", self.at),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (at, sub) = text.split_once('.').unwrap_or((text, "0"));
        let hex = |text| u64::from_str_radix(text, 16).ok();
        let slot = Self { at: hex(at)?, sub: hex(sub)? };
        (slot.to_text() == text).then_some(slot)
    }
}

/// Returns the key of a message. `None` if the session's id cannot be part of an id.
pub(crate) fn message_key(session: &SessionKey, slot: Slot) -> Option<MessageKey> {
    let message = MessageId::new(&format!("{}:{}", session.session, slot.to_text())).ok()?;
    Some(MessageKey { session: session.session.clone(), message })
}

/// Returns the key of a part: its index in its message.
pub(crate) fn part_key(message: &MessageKey, index: usize) -> Option<PartKey> {
    let part = PartId::new(&format!("{index:04x}")).ok()?;
    Some(PartKey { message: message.message.clone(), part })
}

/// Returns the key of an item; `side` is the kind of its side file.
pub(crate) fn item_key(session: &SessionKey, side: Option<&str>, slot: Slot) -> Option<ItemKey> {
    let text = slot.to_text();
    let text = side.map_or_else(|| text.clone(), |side| format!("{side}:{text}"));
    Some(ItemKey { session: session.session.clone(), item: ItemId::new(&text).ok()? })
}

/// Parses the session and the slot out of a message's id.
pub(crate) fn parse_message_id(message: &MessageId) -> Option<(SessionKey, Slot)> {
    let (session, slot) = message.as_str().rsplit_once(':')?;
    Some((SessionId::new(session).ok()?.into(), Slot::parse(slot)?))
}

/// Returns the slot of a message, if its id belongs to its session.
pub(crate) fn message_slot(key: &MessageKey) -> Option<Slot> {
    let (session, slot) = parse_message_id(&key.message)?;
    (session.session == key.session).then_some(slot)
}

/// Returns the slot of an item of the container itself; `None` for an item of a side file.
pub(crate) fn item_slot(key: &ItemKey) -> Option<Slot> {
    Slot::parse(key.item.as_str())
}

/// Returns the session of an entity.
pub(crate) fn owner(key: &EntityKey) -> Option<SessionKey> {
    match key {
        EntityKey::Session(key) => Some(key.clone()),
        EntityKey::Message(key) => Some(key.session.clone().into()),
        EntityKey::Part(key) => parse_message_id(&key.message).map(|(session, _)| session),
        EntityKey::Item(key) => Some(key.session.clone().into()),
        _ => None,
    }
}

/// Returns the order of a message or an item. Items of side files come last.
pub(crate) fn order(place: u64, is_in_side_file: bool) -> OrderKey {
    const SIDE_FILES: i64 = 1 << 62;
    let place = i64::try_from(place).unwrap_or(i64::MAX).min(SIDE_FILES - 1);
    OrderKey(if is_in_side_file { SIDE_FILES + place } else { place })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_hold_slots() {
        let session = SessionKey::from(SessionId::new("d/a:b").unwrap());
        for slot in [Slot { at: 0xabc, sub: 0 }, Slot { at: 1, sub: 2 }] {
            let message = message_key(&session, slot).unwrap();
            assert_eq!(parse_message_id(&message.message), Some((session.clone(), slot)));
            assert_eq!(message_slot(&message), Some(slot));
            assert_eq!(item_slot(&item_key(&session, None, slot).unwrap()), Some(slot));
            assert_eq!(item_slot(&item_key(&session, Some("tasks"), slot).unwrap()), None);
        }
        for other in ["a:+00000000001", "a:abc", "a:000000000abc.1", "a", "a:000000000abc.0000"] {
            assert_eq!(parse_message_id(&MessageId::new(other).unwrap()), None, "{other}");
        }
    }
}

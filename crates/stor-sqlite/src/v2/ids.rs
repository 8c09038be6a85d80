//! The ids of what is made from rows.

use scrollback_core_id::{IdError, MessageId, PartId};
use scrollback_stor_path::opencode::{MESSAGE_PREFIX, PART_PREFIX, is_canonical};

use crate::schema::row_kind::RowKind;

/// What follows the id of a compaction in that of its summary.
const SUMMARY_SUFFIX: &str = "#summary";

/// The id of a compaction's summary.
pub(crate) fn summary_id(compaction: &MessageId) -> Result<MessageId, IdError> {
    MessageId::new(&format!("{compaction}{SUMMARY_SUFFIX}"))
}

/// The ids of the rows that a message may be made from: that of a compaction, if it is called as
/// its summary is, and its own.
pub(crate) fn row_ids_of_message(message: &MessageId) -> impl Iterator<Item = &str> {
    let own = message.as_str();
    own.strip_suffix(SUMMARY_SUFFIX).into_iter().chain([own])
}

/// The messages that a row becomes.
pub(crate) fn message_ids_of_row(kind: RowKind, row: MessageId) -> impl Iterator<Item = MessageId> {
    let summary = (kind == RowKind::Compaction).then(|| summary_id(&row).ok()).flatten();
    kind.is_message().then_some(row).into_iter().chain(summary)
}

/// The place of a part within its message. Rows have no ids for them: the place makes the id, and
/// stays as it is while the row grows at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Slot {
    /// What an answer begins with, or the number of any other part.
    Number(u32),
    Finish,
    Patch,
    Retry,
}

impl Slot {
    /// Where a step begins.
    pub(crate) const START: Self = Self::Number(0);

    /// An item of an answer's content.
    pub(crate) fn item(at: usize) -> Self {
        Self::Number(u32::try_from(at + 1).unwrap_or(u32::MAX))
    }

    /// Where it stands among its siblings.
    pub(crate) fn order(self) -> i64 {
        match self {
            Self::Number(number) => number.into(),
            Self::Finish => i64::MAX - 2,
            Self::Patch => i64::MAX - 1,
            Self::Retry => i64::MAX,
        }
    }

    /// The id of the part: that of its message, with the place as its last five characters. So it
    /// knows its time, and in the order of their bytes, which opencode 1.x goes by, parts stand as
    /// they stand here. The place comes behind ids that opencode did not make, or that are longer.
    pub(crate) fn id(self, message: &MessageId) -> Result<PartId, IdError> {
        const PLACE: usize = 5;
        let id = message.as_bytes();
        let own = id.strip_prefix(MESSAGE_PREFIX.as_bytes()).unwrap_or(id);
        let mut part = Vec::with_capacity(PART_PREFIX.len() + own.len() + PLACE + 6);
        part.extend_from_slice(PART_PREFIX.as_bytes());
        match is_canonical(id, MESSAGE_PREFIX) {
            true => part.extend_from_slice(&own[..own.len() - PLACE]),
            false => {
                part.extend_from_slice(own);
                part.push(b'_');
            }
        }
        match self {
            Self::Number(number) => {
                let digits = number.to_string();
                part.resize(part.len() + PLACE.saturating_sub(digits.len()), b'0');
                part.extend_from_slice(digits.as_bytes());
            }
            Self::Finish => part.extend_from_slice(b"finis"),
            Self::Patch => part.extend_from_slice(b"patch"),
            Self::Retry => part.extend_from_slice(b"retry"),
        }
        PartId::from_bytes(&part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_ids_sort_in_slot_order() {
        let message = MessageId::new("msg_1fba887d3001CR0ZjgTMDSIXDP").unwrap();
        let slots = [Slot::START, Slot::item(0), Slot::item(11), Slot::Finish, Slot::Patch];
        let ids = slots.map(|slot| slot.id(&message).unwrap());
        assert_eq!(ids[2].as_str(), "prt_1fba887d3001CR0ZjgTMD00012");
        assert!(ids.is_sorted() && slots.is_sorted_by_key(|slot| slot.order()));
        let time = 1_795_223_488_467;
        assert_eq!(ids[0].time(time), message.time(time), "they know their time");
        assert!(ids.iter().all(|id| is_canonical(id.as_bytes(), PART_PREFIX)));
        let copy = MessageId::new("msg_1fba887d3001CR0ZjgTMDSIXDP_4").unwrap();
        let id = Slot::Patch.id(&copy).unwrap();
        assert_eq!(id.as_str(), "prt_1fba887d3001CR0ZjgTMDSIXDP_4_patch");
    }

    #[test]
    fn a_summary_id_leads_to_its_compaction_row() {
        let compaction = MessageId::new("msg_1").unwrap();
        let summary = summary_id(&compaction).unwrap();
        assert!(row_ids_of_message(&summary).eq(["msg_1", "msg_1#summary"]));
        assert!(row_ids_of_message(&compaction).eq(["msg_1"]));
        assert!(compaction < summary, "of the same order, it comes after it");
    }
}

//! Derives the ids of messages and parts from the ids of rows.

use scrollback_core_id::{IdError, MessageId, PartId};
use scrollback_stor_path::opencode::{MESSAGE_PREFIX, PART_PREFIX, is_canonical};

use crate::schema::row_kind::RowKind;

/// The suffix that turns the id of a compaction into the id of its summary.
const SUMMARY_SUFFIX: &str = "#summary";

/// Returns the id of a compaction's summary.
pub(crate) fn summary_id(compaction: &MessageId) -> Result<MessageId, IdError> {
    MessageId::new(&format!("{compaction}{SUMMARY_SUFFIX}"))
}

/// Returns the ids of the rows that may hold a message: the row of the compaction, if the id has
/// the suffix of a summary, and the row with the same id.
pub(crate) fn row_ids_of_message(message: &MessageId) -> impl Iterator<Item = &str> {
    let id = message.as_str();
    id.strip_suffix(SUMMARY_SUFFIX).into_iter().chain([id])
}

/// Returns the messages that a row becomes.
pub(crate) fn message_ids_of_row(kind: RowKind, row: MessageId) -> impl Iterator<Item = MessageId> {
    let summary = (kind == RowKind::Compaction).then(|| summary_id(&row).ok()).flatten();
    kind.is_message().then_some(row).into_iter().chain(summary)
}

/// The place of a part within its message. Rows give their parts no ids, so the id of a part is
/// made from its place. The place stays the same while the row grows at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Slot {
    /// The number of a part. Number 0 is the start of a step in an answer.
    Number(u32),
    Finish,
    Patch,
    Retry,
}

impl Slot {
    /// The start of a step.
    pub(crate) const START: Self = Self::Number(0);

    /// Returns the place of an item in an answer's content.
    pub(crate) fn item(at: usize) -> Self {
        Self::Number(u32::try_from(at + 1).unwrap_or(u32::MAX))
    }

    /// Returns the order of the part among its siblings.
    pub(crate) fn order(self) -> i64 {
        match self {
            Self::Number(number) => number.into(),
            Self::Finish => i64::MAX - 2,
            Self::Patch => i64::MAX - 1,
            Self::Retry => i64::MAX,
        }
    }

    /// Returns the id of the part: the message's id with the place as its last five characters. So
    /// the id has the time of the message, and sorting the ids by bytes, as opencode 1.x does,
    /// gives the order of the parts. If opencode did not make the message's id, or the id is
    /// longer, the place is appended instead.
    ///
    /// # Errors
    ///
    /// Returns an error if the resulting id is invalid.
    pub(crate) fn id(self, message: &MessageId) -> Result<PartId, IdError> {
        const PLACE: usize = 5;
        let id = message.as_bytes();
        let id_body = id.strip_prefix(MESSAGE_PREFIX.as_bytes()).unwrap_or(id);
        let mut part = Vec::with_capacity(PART_PREFIX.len() + id_body.len() + PLACE + 6);
        part.extend_from_slice(PART_PREFIX.as_bytes());
        match is_canonical(id, MESSAGE_PREFIX) {
            true => part.extend_from_slice(&id_body[..id_body.len() - PLACE]),
            false => {
                part.extend_from_slice(id_body);
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
        assert_eq!(
            ids[0].time(time),
            message.time(time),
            "ids of parts have the time of the message"
        );
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
        assert!(compaction < summary, "with equal orders, the summary comes second");
    }
}

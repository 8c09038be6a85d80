//! What the stores of opencode share: names of its formats, and rules about ids: prefixes, copies,
//! the order of parts.

use scrollback_core_id::{IdClock, OrderKey, PartId};

/// The name of the agent.
pub const AGENT: &str = "opencode";

/// The storage format of JSON files (until 1.1).
pub const JSON_FILES: &str = "json";
/// The storage format of rows of messages and parts (from 1.2).
pub const TABLES_V1: &str = "v1";
/// The storage format of rows of `session_message` (2.x, and the preview of it within 1.16 to 1.18).
pub const TABLES_V2: &str = "v2";

/// The session is in the tables of 1.x alone, and the migration of 2.x has not ended.
pub const PENDING_MIGRATION: &str = "awaited";
/// The session is in the tables of 1.x alone, and the migration of 2.x has ended after it was made:
/// deleted in 2.x, or skipped by the migration. The database does not say which.
pub const LEGACY_ONLY: &str = "legacyOnly";
/// The session is in the tables of 1.x alone, and was made after the migration of 2.x: by a client
/// of 1.x, which 2.x does not show.
pub const LATE_LEGACY: &str = "lateLegacy";
/// 2.x has the session and no messages of it, and the tables of 1.x have some, which were read: the
/// migration has not come to them, or could not read them.
pub const WITHOUT_ROWS: &str = "withoutRows";
/// Turns of the session were written by the preview of 2.x within 1.16 to 1.18, which does not count
/// them in the session's record.
pub const PREVIEW: &str = "preview";

/// What ids of sessions begin with.
pub const SESSION_PREFIX: &str = "ses_";
/// What ids of messages begin with.
pub const MESSAGE_PREFIX: &str = "msg_";
/// What ids of parts begin with.
pub const PART_PREFIX: &str = "prt_";
/// What the names of files begin with that hold the whole text of a tool output that was cut.
pub const TOOL_OUTPUT_PREFIX: &str = "tool_";

/// How long an id is without its prefix: 12 hex digits and 14 letters and digits.
const ID_LENGTH: usize = 26;

/// Whether an id is as opencode makes it: prefix, 12 lowercase hex digits, 14 ASCII letters and
/// digits.
pub fn is_canonical(id: &[u8], prefix: &str) -> bool {
    let Some((clock, rest)) =
        id.strip_prefix(prefix.as_bytes()).and_then(|id_body| id_body.split_at_checked(12))
    else {
        return false;
    };
    clock.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
        && rest.len() == ID_LENGTH - 12
        && rest.iter().all(u8::is_ascii_alphanumeric)
}

/// Whether opencode 2 made the message of this id when it forked a session: a copy of one of the
/// source, whose usage counts there. Such an id is as others are, with the number of the row at its
/// end (source: `docs/format/opencode-v2.md`, section 4).
pub fn is_fork_copy(message: &[u8]) -> bool {
    const CANONICAL_LENGTH: usize = MESSAGE_PREFIX.len() + ID_LENGTH;
    if message.len() <= CANONICAL_LENGTH {
        return false; // nearly always
    }
    let (id, rest) = message.split_at(CANONICAL_LENGTH);
    let number = rest.strip_prefix(b"_").unwrap_or_default();
    let digits = number.iter().take_while(|byte| byte.is_ascii_digit()).count();
    id.starts_with(MESSAGE_PREFIX.as_bytes())
        && digits > 0
        && matches!(number.get(digits), None | Some(b'#'))
}

/// Gives the parts of one message their order: the clock of the id in circular order, so that a
/// message whose parts straddle a wrap of the clock stays in order. Ids without a clock come last.
pub fn circular_orders<'a>(ids: impl Iterator<Item = &'a PartId>) -> Vec<OrderKey> {
    let ids: Vec<(&PartId, Option<IdClock>)> = ids.map(|id| (id, id.clock())).collect();
    // Any sibling serves as the origin, as they are made within 397 days; the least is the same
    // one whatever order the directory gave.
    let origin = ids.iter().filter_map(|(id, clock)| Some((*id, (*clock)?)));
    let origin = origin.min_by_key(|(id, _)| *id).map(|(_, clock)| clock);
    let order = |(_, clock): &(&PartId, Option<IdClock>)| match (clock, origin) {
        (Some(clock), Some(origin)) => OrderKey(clock.ticks_after(origin)),
        _ => OrderKey(i64::MAX),
    };
    ids.iter().map(order).collect()
}

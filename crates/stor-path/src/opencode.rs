//! Rules of opencode about ids that its stores share: prefixes, copies, the order of parts.

use scrollback_core_id::{IdClock, OrderKey, PartId};

/// What ids of sessions begin with.
pub const SESSION_PREFIX: &str = "ses_";
/// What ids of messages begin with.
pub const MESSAGE_PREFIX: &str = "msg_";
/// What ids of parts begin with.
pub const PART_PREFIX: &str = "prt_";
/// What the names of files begin with that hold the whole text of a tool output that was cut.
pub const TOOL_OUTPUT_PREFIX: &str = "tool_";

/// How long an id is without its prefix: 12 hex digits and 14 letters and digits.
const LENGTH: usize = 26;

/// Whether an id is as opencode makes it: prefix, 12 lowercase hex digits, 14 ASCII letters and
/// digits.
pub fn is_canonical(id: &[u8], prefix: &str) -> bool {
    let Some((clock, rest)) =
        id.strip_prefix(prefix.as_bytes()).and_then(|own| own.split_at_checked(12))
    else {
        return false;
    };
    clock.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
        && rest.len() == LENGTH - 12
        && rest.iter().all(u8::is_ascii_alphanumeric)
}

/// Whether opencode 2 made the message of this id when it forked a session: a copy of one of the
/// source, whose usage counts there. Such an id is as others are, with the number of the row at its
/// end (source: `docs/format/opencode-v2.md`, section 4).
pub fn is_fork_copy(message: &[u8]) -> bool {
    const OWN: usize = MESSAGE_PREFIX.len() + LENGTH;
    if message.len() <= OWN {
        return false; // nearly always
    }
    let (own, rest) = message.split_at(OWN);
    let number = rest.strip_prefix(b"_").unwrap_or_default();
    let digits = number.iter().take_while(|byte| byte.is_ascii_digit()).count();
    own.starts_with(MESSAGE_PREFIX.as_bytes())
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

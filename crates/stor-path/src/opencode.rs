//! Facts that all stores of opencode share: the names of its formats, the prefixes of its ids, the
//! ids of copies, and the order of parts.

use scrollback_core_id::{IdClock, MessageId, OrderKey, PartId, all_bytes};

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
/// The session is in the tables of 1.x alone, and the migration of 2.x ended after the session was
/// made: deleted in 2.x, or skipped by the migration. The database does not say which.
pub const LEGACY_ONLY: &str = "legacyOnly";
/// The session is in the tables of 1.x alone, and was made after the migration of 2.x by a client of
/// 1.x. opencode 2.x does not show it.
pub const LATE_LEGACY: &str = "lateLegacy";
/// 2.x has the session without messages, and the tables of 1.x have messages of it, which were read.
/// The migration has not reached these messages, or could not read them.
pub const WITHOUT_ROWS: &str = "withoutRows";
/// The preview of 2.x within 1.16 to 1.18 wrote turns of the session. The preview does not count them
/// in the session's record.
pub const PREVIEW: &str = "preview";
/// The store that supplies the messages lost the record of the session. The record is that of another
/// copy.
pub const RECORD_OF_COPY: &str = "recordOfCopy";

/// The prefix of the ids of sessions.
pub const SESSION_PREFIX: &str = "ses_";
/// The prefix of the ids of messages.
pub const MESSAGE_PREFIX: &str = "msg_";
/// The prefix of the ids of parts.
pub const PART_PREFIX: &str = "prt_";
/// The prefix of the names of files that contain the whole text of a tool output that was cut.
pub const TOOL_OUTPUT_PREFIX: &str = "tool_";

/// The length of an id without its prefix: 12 hex digits and 14 letters and digits.
const ID_LENGTH: usize = 26;

/// Checks whether an id has the form that opencode makes: prefix, 12 lowercase hex digits, 14 ASCII
/// letters and digits.
pub fn is_canonical(id: &[u8], prefix: &str) -> bool {
    let Some((clock, rest)) =
        id.strip_prefix(prefix.as_bytes()).and_then(|id_body| id_body.split_at_checked(12))
    else {
        return false;
    };
    all_bytes(clock, |digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
        && rest.len() == ID_LENGTH - 12
        && all_bytes(rest, |byte| byte.is_ascii_alphanumeric())
}

/// Checks whether opencode 2 made the message with this id when it forked a session. Such a message
/// is a copy of a message of the source session, and its usage counts there. The id ends in the
/// number of the row (source: `docs/format/opencode-v2.md`, section 4).
pub fn is_fork_copy(message: &[u8]) -> bool {
    const CANONICAL_LENGTH: usize = MESSAGE_PREFIX.len() + ID_LENGTH;
    if message.len() <= CANONICAL_LENGTH {
        return false; // the usual case
    }
    let (id, rest) = message.split_at(CANONICAL_LENGTH);
    let number = rest.strip_prefix(b"_").unwrap_or_default();
    let digits = number.iter().take_while(|byte| byte.is_ascii_digit()).count();
    id.starts_with(MESSAGE_PREFIX.as_bytes())
        && digits > 0
        && matches!(number.get(digits), None | Some(b'#'))
}

/// Checks whether the steps of answers, which only parts have, can add to what the answers say.
///
/// `formats` are the storage formats of the session, and `version` is that of the program that made
/// it. `do_totals_differ` says whether the totals in its record differ from the sum of its answers.
/// These totals are the sum of all steps. Without them every answer of a database may have several
/// steps, and in a tree of files those of 1.0 and older (source: `docs/format/opencode.md`,
/// sections 3.3 and 5).
pub fn can_steps_matter<'n>(
    formats: impl Iterator<Item = &'n str>,
    version: Option<&str>,
    do_totals_differ: Option<bool>,
) -> bool {
    let (mut has_files, mut has_tables) = (false, false);
    for format in formats {
        has_files |= format == JSON_FILES;
        has_tables |= format == TABLES_V1;
    }
    match do_totals_differ {
        Some(differ) => differ && (has_files || has_tables),
        None => has_tables || has_files && !is_at_least_1_1(version),
    }
}

fn is_at_least_1_1(version: Option<&str>) -> bool {
    let mut numbers = version.unwrap_or_default().split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= (1, 1),
        _ => false, // unknown, so the parts are read
    }
}

/// Returns how much later than `created` (Unix milliseconds) the clock in the id `message` is. Such a
/// message may be a copy that a fork of 1.x made: the copy has a new id and the time of the original.
/// Or the clock is wrong, so it is a copy only if the original exists (source:
/// `docs/format/opencode.md`, sections 2 and 4).
pub fn age_at_copy(message: &[u8], created: i64) -> Option<i64> {
    const PERIOD_MS: i64 = 1 << 36;
    /// A message is created up to this time after its id.
    const MAX_DELAY_MS: i64 = 3_600_000;
    let clock = MessageId::clock_in(message)?;
    let age = clock.millis().wrapping_sub(created).rem_euclid(PERIOD_MS);
    let is_late = (1..PERIOD_MS - MAX_DELAY_MS).contains(&age);
    (is_late && is_canonical(message, MESSAGE_PREFIX)).then_some(age)
}

/// Returns the orders of the parts of one message: the clocks of their ids in circular order. So a
/// message whose parts straddle a wrap of the clock stays in order. Ids without a clock come last.
pub fn circular_orders<'a>(ids: impl Iterator<Item = &'a PartId>) -> Vec<OrderKey> {
    let ids: Vec<(&PartId, Option<IdClock>)> = ids.map(|id| (id, id.clock())).collect();
    // Any part can be the origin, because the parts of a message are made within 397 days. The least
    // id does not depend on the order of the directory.
    let origin = ids.iter().filter_map(|(id, clock)| Some((*id, (*clock)?)));
    let origin = origin.min_by_key(|(id, _)| *id).map(|(_, clock)| clock);
    let order = |(_, clock): &(&PartId, Option<IdClock>)| match (clock, origin) {
        (Some(clock), Some(origin)) => OrderKey(clock.ticks_after(origin)),
        _ => OrderKey(i64::MAX),
    };
    ids.iter().map(order).collect()
}

//! The properties of every Source: one function per property, which panics if the store lacks it.
//!
//! Each function takes the store and its expected content. A checked store has at least two sessions
//! with records, and one of them has messages. No record is damaged, and nobody writes the store.

mod borrowed;
mod provided;
mod resume;
mod scan;
mod survey;
mod watch;

pub use borrowed::{a_borrowed_scan_ends_at_a_break, borrowed_records_equal_scanned_records};
pub use provided::provided_methods_agree_with_the_required_ones;
pub use resume::{a_foreign_token_is_refused, resume_right_after_a_scan_is_unchanged};
pub use scan::{
    a_missing_session_is_empty_and_its_record_an_issue, a_tree_equals_its_scans,
    all_parts_equal_tree_parts_and_orphans, calls_end_at_a_break,
    has_session_agrees_with_the_session_list, message_names_come_without_spans,
    orphans_are_listed_once, projects_partition_the_sessions,
    scans_are_ordered_and_spans_are_settled,
};
pub use survey::{
    a_survey_agrees_with_a_scan, a_survey_ends_at_a_break,
    lost_sets_belong_to_sessions_without_a_record,
};
pub use watch::{
    a_probe_without_a_token_is_a_rescan, a_watch_plan_names_directories,
    record_paths_have_a_scope_and_are_watched,
};

use scrollback_core_id::{EntityKey, OrderKey, Scope, SessionKey};
use scrollback_source::{Entry, Source};

use crate::calls::scan;

/// Returns the sessions that have a record.
fn sessions(store: &dyn Source) -> Vec<SessionKey> {
    let keys = scan(store, &Scope::Sessions).entries.into_iter().map(|entry| match entry.key {
        EntityKey::Session(key) => key,
        other => panic!("{other} among sessions"),
    });
    keys.collect()
}

/// Returns a session that has messages.
fn session_with_messages(store: &dyn Source) -> SessionKey {
    let has = |key: &SessionKey| !scan(store, &Scope::Messages(key.clone())).entries.is_empty();
    sessions(store).into_iter().find(has).unwrap()
}

fn bytes(entry: &Entry) -> &[u8] {
    entry.span.as_deref().unwrap()
}

/// Returns key, order and bytes of each entry.
fn keys_orders_bytes(entries: &[Entry]) -> Vec<(&EntityKey, OrderKey, &[u8])> {
    entries.iter().map(|entry| (&entry.key, entry.order, bytes(entry))).collect()
}

fn is_part(entry: &Entry) -> bool {
    matches!(entry.key, EntityKey::Part(_))
}

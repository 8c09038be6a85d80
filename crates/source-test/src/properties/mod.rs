//! What every Source does: one function per property, which panics if the store lacks it.
//!
//! All of them take the store and what it holds. A store that is checked has at least two sessions
//! with records, and one with messages. No record in it is damaged, and nobody writes it.

mod borrowed;
mod provided;
mod resume;
mod scan;
mod survey;
mod watch;

pub use borrowed::{a_borrowed_scan_ends_at_a_break, borrowed_records_equal_scanned_records};
pub use provided::provided_methods_agree_with_the_required_ones;
pub use resume::{another_token_is_refused, nothing_was_added_since_a_scan};
pub use scan::{
    a_missing_record_is_nothing_or_an_issue, a_store_holds_what_it_lists,
    a_tree_is_what_the_scans_say, all_parts_are_those_of_all_messages_and_the_orphans,
    calls_end_at_a_break, messages_are_named_without_being_read, orders_rise_and_spans_are_settled,
    orphans_are_listed_once, the_projects_of_sessions_partition_them,
};
pub use survey::{
    a_survey_agrees_with_a_scan, a_survey_ends_at_a_break,
    lost_sets_are_those_of_sessions_without_a_record,
};
pub use watch::{
    a_plan_to_watch_names_directories, a_probe_without_a_token_knows_nothing,
    paths_of_records_have_a_scope_and_are_watched,
};

use scrollback_core_id::{EntityKey, OrderKey, Scope, SessionKey};
use scrollback_source::{Entry, Source};

use crate::calls::scan;

/// The sessions that have a record.
fn sessions(store: &dyn Source) -> Vec<SessionKey> {
    let keys = scan(store, &Scope::Sessions).entries.into_iter().map(|entry| match entry.key {
        EntityKey::Session(key) => key,
        other => panic!("{other} among sessions"),
    });
    keys.collect()
}

/// A session that has messages.
fn session_with_messages(store: &dyn Source) -> SessionKey {
    let has = |key: &SessionKey| !scan(store, &Scope::Messages(key.clone())).entries.is_empty();
    sessions(store).into_iter().find(has).unwrap()
}

fn bytes(entry: &Entry) -> &[u8] {
    entry.span.as_deref().unwrap()
}

/// What entries are, where they stand, and what they say.
fn keys_orders_bytes(entries: &[Entry]) -> Vec<(&EntityKey, OrderKey, &[u8])> {
    entries.iter().map(|entry| (&entry.key, entry.order, bytes(entry))).collect()
}

fn is_part(entry: &Entry) -> bool {
    matches!(entry.key, EntityKey::Part(_))
}

//! Tests that every Source passes.
//!
#![doc = include_str!("../README.md")]
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a check fails by a panic, as the tests that call it do"
)]

pub mod calls;
mod expectations;
pub mod jsonl;
pub mod properties;

pub use expectations::{Content, Expectations};

/// Runs `$then!` with the names of all properties: the one list of them.
#[doc(hidden)]
#[macro_export]
macro_rules! with_properties {
    ($then:path, $($argument:tt)*) => {
        $then! {
            $($argument)*;
            a_tree_is_what_the_scans_say,
            messages_are_named_without_being_read,
            the_projects_of_sessions_partition_them,
            orders_rise_and_spans_are_settled,
            orphans_are_listed_once,
            calls_end_at_a_break,
            a_missing_record_is_nothing_or_an_issue,
            all_parts_are_those_of_all_messages_and_the_orphans,
            a_store_holds_what_it_lists,
            a_survey_agrees_with_a_scan,
            a_survey_ends_at_a_break,
            lost_sets_are_those_of_sessions_without_a_record,
            borrowed_records_equal_scanned_records,
            a_borrowed_scan_ends_at_a_break,
            a_plan_to_watch_names_directories,
            a_probe_without_a_token_knows_nothing,
            paths_of_records_have_a_scope_and_are_watched,
            nothing_was_added_since_a_scan,
            another_token_is_refused,
            provided_methods_agree_with_the_required_ones,
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! properties_as_tests {
    ($on_all:path; $($property:ident),* $(,)?) => {
        $(
            #[test]
            fn $property() {
                $on_all($crate::properties::$property);
            }
        )*
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! properties_as_calls {
    ($source:ident, $expected:ident; $($property:ident),* $(,)?) => {
        $( $crate::properties::$property($source, $expected); )*
    };
}

/// Makes one `#[test]` of each property. The argument is a function that calls what it is given
/// with each store to check, and with what that store holds:
/// `fn on_all(check: impl Fn(&dyn Source, &Expectations))`.
#[macro_export]
macro_rules! conformance_tests {
    ($on_all:path) => {
        $crate::with_properties!($crate::properties_as_tests, $on_all);
    };
}

/// Checks all properties on one store.
///
/// # Panics
/// If the store lacks one of them.
pub fn check_all(source: &dyn scrollback_source::Source, expected: &Expectations) {
    with_properties!(properties_as_calls, source, expected);
}

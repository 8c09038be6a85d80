//! Conformance tests for every implementation of `Source`.
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

/// Runs `$then!` with the names of all properties. This is the only list of them.
#[doc(hidden)]
#[macro_export]
macro_rules! with_properties {
    ($then:path, $($argument:tt)*) => {
        $then! {
            $($argument)*;
            a_tree_equals_its_scans,
            message_names_come_without_spans,
            projects_partition_the_sessions,
            scans_are_ordered_and_spans_are_settled,
            orphans_are_listed_once,
            calls_end_at_a_break,
            a_missing_session_is_empty_and_its_record_an_issue,
            all_parts_equal_tree_parts_and_orphans,
            has_session_agrees_with_the_session_list,
            a_survey_agrees_with_a_scan,
            a_survey_ends_at_a_break,
            lost_sets_belong_to_sessions_without_a_record,
            borrowed_records_equal_scanned_records,
            a_borrowed_scan_ends_at_a_break,
            a_watch_plan_names_directories,
            a_probe_without_a_token_is_a_rescan,
            record_paths_have_a_scope_and_are_watched,
            resume_right_after_a_scan_is_unchanged,
            a_foreign_token_is_refused,
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

/// Makes one `#[test]` per property. The argument is a function that calls its check with each store
/// and the store's expected content: `fn on_all(check: impl Fn(&dyn Source, &Expectations))`.
#[macro_export]
macro_rules! conformance_tests {
    ($on_all:path) => {
        $crate::with_properties!($crate::properties_as_tests, $on_all);
    };
}

/// Checks all properties on one store.
///
/// # Panics
/// If the store lacks one of the properties.
pub fn check_all(source: &dyn scrollback_source::Source, expected: &Expectations) {
    with_properties!(properties_as_calls, source, expected);
}

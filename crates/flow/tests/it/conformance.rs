//! The conformance suite of Sources, run on the merged stores of `support::for_each_store`.

scrollback_source_test::conformance_tests!(crate::support::for_each_store);

//! Runs the conformance tests of every `Source` on the stores of `support::for_each_store`.

scrollback_source_test::conformance_tests!(crate::support::for_each_store);

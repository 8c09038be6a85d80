//! The conformance tests on the stores of `support::on_all`.

scrollback_source_test::conformance_tests!(crate::support::on_all);

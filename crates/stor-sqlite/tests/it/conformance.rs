//! What every Source does, on the stores of `support::on_all`.

scrollback_source_test::conformance_tests!(crate::support::for_each_store);

//! The engine by itself, on logs in a small dialect of its own.

mod conformance;
mod logs;
mod machine;
mod notes;

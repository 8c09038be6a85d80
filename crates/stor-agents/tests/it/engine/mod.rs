//! The engine by itself, on logs in a small dialect of its own.

mod conformance;
mod damage;
mod documents;
mod logs;
mod machine;
mod notes;
mod papers;

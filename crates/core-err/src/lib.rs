//! Errors with a path, and issues: bad input as data.
//!
#![doc = include_str!("../README.md")]

mod issue;
mod path_error;

pub use issue::{Issue, IssueKind, Place};
pub use path_error::{AtPath, PathError};

//! The typed model of coding-agent sessions. Values borrow from the bytes that they were parsed from.
//!
#![doc = include_str!("../README.md")]

pub mod json;
mod model;
mod stage;
mod tag;

pub use json::{
    Entries, Extra, IntoOwned, LazyStr, Number, Parse, Parsed, RawJson, repair_surrogates,
};
pub use model::*;
pub use stage::{StageCounts, StageIssue, StageName, StageReport, StageResult, StageRun};

//! The Source over opencode's SQLite database, read-only.
//!
#![doc = include_str!("../README.md")]

mod access;
mod ask;
mod calls;
mod cells;
mod connection;
mod error;
mod fields;
mod files;
mod gate;
mod gathered;
mod generation;
mod json;
mod look;
mod pass;
mod probe;
mod provenance;
#[cfg(test)]
mod query_plans;
mod reader;
mod record;
mod schema;
mod schema_cache;
mod sentinel;
mod sessions;
mod set_sum;
mod store;
mod v1;
mod v2;
mod values;

pub use access::Access;
pub use error::Error;
pub use reader::SqliteReader;
pub use schema::problem::SchemaProblem;
pub use schema::report::{SchemaReport, UnknownColumn};
pub use v2::history::Event;

//! Reads the SQLite database of opencode as a [`Source`](scrollback_source::Source), without
//! writing to it.
#![doc = include_str!("../README.md")]

mod access;
mod cells;
mod connection;
mod damage_skip;
mod dispatch;
mod error;
mod fields;
mod files;
mod foreign_log;
mod gate;
mod json;
mod probe;
mod probe_connection;
mod provenance;
mod query_context;
mod query_output;
#[cfg(test)]
mod query_plans;
mod reader;
mod reader_impl;
mod rebuilt_index;
mod record;
mod schema;
mod schema_cache;
mod sessions;
mod set_sum;
mod shared_database;
mod small_fields;
mod suspicion;
mod table_scan;
mod transaction;
mod unsound_indexes;
mod v1;
mod v2;
mod values;

pub use access::Access;
pub use error::Error;
pub use reader::SqliteReader;
pub use schema::problem::SchemaProblem;
pub use schema::report::{SchemaReport, UnknownColumn};
pub use v2::history::Event;

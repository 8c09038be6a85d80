//! Where coding agents keep their stores, and what a path in a store means.
//!
#![doc = include_str!("../README.md")]
//!
//! # Links
//!
//! The root of a store may be reached through links, because people move their data directory to
//! another disk. So discovery follows links to a data directory, a `storage/` and a database. The
//! readers open everything below such a root without following links. This crate guarantees that no
//! path it makes or classifies leaves the root: not by `..`, not by an absolute path, and not by an
//! id with a separator.

mod classify;
mod component;
mod discover;
mod entity_path;
mod environment;
mod error;
mod kind;
pub mod layout;
mod listed_name;
pub mod opencode;
mod place;
mod secret;

pub use classify::{
    ClassifiedPath, ForeignReason, PathClass, classify, classify_in_data_dir, discipline,
};
pub use component::{UnsafeId, UnsafeReason, safe_component};
pub use discover::{DiscoveredStore, StoragePaths, is_backup_name};
pub use entity_path::{EntityPathError, file_name, message_dir, part_dir, path_of};
pub use environment::{AGENT_VARIABLES, Environment};
pub use error::{Error, Result};
pub use kind::{DiscoveryRule, StoreKind};
pub use listed_name::{NotAnEntity, directory_name, entity_name};
pub use place::{PlaceState, SearchedPlace};
pub use secret::{is_secret_file, is_secret_table};

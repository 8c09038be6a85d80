//! Where coding agents keep their stores, and which path means what.
//!
#![doc = include_str!("../README.md")]
//!
//! # Links
//!
//! The root of a store may be reached through links: people move their data directory to another
//! disk. So discovery follows links to a data directory, a `storage/` and a database. Everything
//! below such a root is opened without following links, which is the readers' part of the
//! contract; this crate's part is that no path it makes or classifies leaves the root, neither by
//! `..`, nor by an absolute path, nor by an id that is more than a name.

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
pub use discover::{DiscoveredStore, StoragePaths};
pub use entity_path::{EntityPathError, file_name, message_dir, part_dir, path_of};
pub use environment::Environment;
pub use error::{Error, Result};
pub use kind::{DiscoveryRule, StoreKind};
pub use listed_name::{NotAnEntity, directory_name, entity_name};
pub use place::{PlaceState, SearchedPlace};
pub use secret::{is_secret_file, is_secret_table};

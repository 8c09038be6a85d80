//! The library itself, as a user calls it.

pub mod index;
pub mod text;
pub mod tree;

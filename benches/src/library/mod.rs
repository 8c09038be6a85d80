//! The library as a contestant, called as a user calls it.

pub mod index;
mod source;
pub mod text;
pub mod tree;

//! The naive contestants, written as without a library: `std::fs` and `serde_json::Value`, file by
//! file.

pub mod tree;

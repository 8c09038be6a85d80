//! The stores of agents that keep logs, step files and documents.
//!
#![doc = include_str!("../README.md")]

#[cfg(feature = "claw")]
pub mod claw;
#[cfg(feature = "codetether")]
pub mod codetether;
#[cfg(feature = "crabtalk")]
pub mod crabtalk;
#[cfg(any(feature = "crabtalk", feature = "yoi"))]
mod directory;
pub mod engine;
#[cfg(any(feature = "codetether", feature = "crabtalk", feature = "yoi"))]
mod files;
mod version;
#[cfg(feature = "yoi")]
pub mod yoi;

pub use version::Version;

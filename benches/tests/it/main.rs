//! Contestants may be compared only if they deliver the same: on real sessions too, with every kind
//! of record that opencode left there.

#![cfg(target_os = "linux")]

mod agree;
mod index;
#[cfg(target_os = "linux")]
mod sqlite;

//! Benchmarks of scrollback, and the examples of its documents as doctests.
//!
//! A [`Task`] is a job that users need. Its contestants are the library, a hand-written [`floor`],
//! and a [`naive`] program. `cargo xtask perf` runs them in turns and judges the ratios by the
//! limits of the task. `docs/perf/README.md` says how to add a task and how to read the figures.

mod contestant;
pub mod facts;
pub mod floor;
pub mod library;
pub mod naive;
mod process;
mod rounds;
mod store;
mod task;
mod verdict;

pub use contestant::{Checksum, Contestant, Contestants, Outcome, TreeSums};
pub use process::Program;
pub use rounds::{RoundOptions, Timing, alternate, check_agreement};
pub use store::{Size, Store, StoreFormat};
pub use task::{TASKS, Task, Work, threads};
pub use verdict::{Limit, MemoryLimit, Ratio, Verdict};

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../../docs/guide.md")]
struct Guide;

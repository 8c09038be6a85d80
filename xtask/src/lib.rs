//! What the tasks and the checks of this repository share: how its sources depend on each other.

pub mod modules;

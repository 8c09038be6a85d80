//! What must hold for the workspace as a whole: layers, licences, packages, tidy sources, links.
//!
//! Each check is a function from what it looks at to a list of problems, so that it can be shown
//! to find them: every module feeds its check a bad example beside the repository itself.

#![expect(clippy::unwrap_used, reason = "a check that cannot look has failed")]

mod cycles;
mod layers;
mod licences;
mod links;
mod modules;
mod packages;
mod repo;
mod tidy;
mod unsafe_code;

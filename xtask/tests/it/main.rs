//! Checks of the whole workspace: layers, licences, packages, tidy sources, links.
//!
//! A check is a function from repository content to a list of problems. Every module also runs its
//! check on a bad example, to prove that the check finds problems.

#![expect(clippy::unwrap_used, reason = "a check that cannot read its input has failed")]

mod cycles;
mod documents;
mod layers;
mod licences;
mod links;
mod modules;
mod packages;
mod repo;
mod tidy;
mod unsafe_code;

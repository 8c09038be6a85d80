//! Tests of the crate's public face: what errors and issues say, and what they are made from.

mod io;
mod issues;

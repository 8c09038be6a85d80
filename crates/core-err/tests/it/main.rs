//! Tests of the public API: the texts of errors and issues, and their conversions.

mod io;
mod issues;

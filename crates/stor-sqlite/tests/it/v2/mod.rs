//! Tests of the tables of 2.x.

mod mapping;
mod oracle;

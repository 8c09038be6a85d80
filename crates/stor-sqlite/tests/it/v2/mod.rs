//! Tests of the tables of 2.x.

mod hostile;
mod mapping;
mod oracle;

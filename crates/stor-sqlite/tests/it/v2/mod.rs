//! Tests of the tables of 2.x.

mod changes;
mod hostile;
mod mapping;
mod native;
mod oracle;
mod secrets;

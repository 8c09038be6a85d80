//! Tests of the model: on the real corpus, against serde_json, and on hostile input.

mod corpus;
mod grammar;
mod heads;
mod records;
mod strings;
mod tolerance;

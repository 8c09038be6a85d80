//! What chooses, for each session, between the tables of 1.x and of 2.x.

pub(crate) mod all_parts;
mod between;
pub(crate) mod lend;
pub(crate) mod messages;
pub(crate) mod orphans;
pub(crate) mod parts;
pub(crate) mod sets;
pub(crate) mod spans;
pub(crate) mod survey;
pub(crate) mod tree;
pub(crate) mod whose;

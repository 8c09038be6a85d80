//! yoi (earlier named insomnia): one log per segment of a session, with traces beside the logs.
//!
//! * [`Yoi`] is the dialect: the complete reading.

mod dialect;
mod head;
mod items;
mod names;
mod records;

pub use dialect::Yoi;

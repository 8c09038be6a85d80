//! yoi (earlier named insomnia): one log per segment of a session, with traces beside the logs.
//!
//! * [`Yoi`] is the dialect: the complete reading.
//! * [`program`] has the operations of the program itself: the faithful reading.

mod dialect;
mod head;
mod items;
mod names;
pub mod program;
mod records;

pub use dialect::Yoi;

//! The engine: everything that stores of logs, step files and documents share.

mod canonical;
mod dialect;
mod draft;
mod fields;
mod head;
mod ids;
mod layout;
mod nodes;
mod opened;
mod parse;
mod raw;
mod record;
mod region;
mod resume;
mod session;
mod sink;
mod source;
mod steps;
mod store;
mod survey;
mod time;
mod token;
mod transaction;
mod value;
mod walk;

pub use dialect::Dialect;
pub use draft::{Author, MessageDraft, PartDraft, ResultDraft};
pub use fields::{Fields, elements, unescaped};
pub use head::{HeadInput, SessionDraft};
pub use layout::{Container, MessageIds, Role, Shape, SideFile, Step, StepFiles};
pub use raw::Original;
pub use record::Record;
pub use sink::Sink;
pub use source::AgentSource;
pub use time::rfc3339_millis;
pub use value::Json;

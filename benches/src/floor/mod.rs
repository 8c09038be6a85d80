//! The floor: for each task the program that a Rust expert would write by hand for that task
//! alone, with no code of ours. It does the same observable work as the library, and nothing else:
//! the same files, a stamp of each file whose stamp is kept, one UTF-8 pass, the same fields.
//!
//! The one exception is mapping a snapshot's file, which `stor-mmap` alone may do.
//!
//! What it leaves out is what a library needs and a single program does not: damage that must not
//! spread, unknown fields that must survive, other stores.

#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
pub mod index;
mod message;
mod part;
#[cfg(target_os = "linux")]
pub mod sqlite;
mod text;
#[cfg(target_os = "linux")]
pub mod tree;

#[cfg(target_os = "linux")]
pub use files::Stamp;
pub use message::{AssistantMessage, Message, Session, UserMessage};
pub use part::{Part, ToolState};
pub use text::Text;

/// What 1.x calls an error of 2.x.
fn error_name(kind: &str) -> &'static str {
    match kind {
        "provider.auth" => "ProviderAuthError",
        "provider.content-filter" => "ContentFilterError",
        "aborted" => "MessageAbortedError",
        _ if kind.starts_with("provider.") => "APIError",
        _ => "UnknownError",
    }
}

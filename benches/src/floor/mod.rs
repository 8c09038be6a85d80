//! The floors: for each task, the program that a Rust expert writes by hand for this task alone,
//! without code of the library. A floor does the same observable work as the library, and nothing
//! else: the same files, the stamps that are kept, one UTF-8 check, the same fields.
//!
//! The one exception is the mapping of a snapshot file, which only `stor-mmap` may do.
//!
//! A floor leaves out what a library needs and a single program does not: containing damage,
//! keeping unknown fields, and other kinds of stores.

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

/// Maps an error type of 2.x to the error name of 1.x.
fn error_name(kind: &str) -> &'static str {
    match kind {
        "provider.auth" => "ProviderAuthError",
        "provider.content-filter" => "ContentFilterError",
        "aborted" => "MessageAbortedError",
        _ if kind.starts_with("provider.") => "APIError",
        _ => "UnknownError",
    }
}

//! Path context for errors, and issues: bad input as data.
//!
//! ```
//! use std::path::Path;
//! use scrollback_core_err::{AtPath, Issue, IssueKind, Place};
//!
//! let missing = std::fs::metadata("/no/such/store").at("stat", Path::new("/no/such/store"));
//! assert!(missing.unwrap_err().to_string().starts_with("cannot stat /no/such/store"));
//!
//! let issue = Issue::new(Place::path("session/p/ses_x.json"), IssueKind::Empty);
//! assert_eq!(issue.to_string(), "session/p/ses_x.json: the file is empty");
//! ```

mod issue;
mod path_error;

pub use issue::{Issue, IssueKind, Place};
pub use path_error::{AtPath, PathError};

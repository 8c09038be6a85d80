//! I/O errors as issues, and as errors with a path.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::path::Path;

use scrollback_core_err::{AtPath, IssueKind, PathError};

#[test]
fn an_error_on_a_listed_file_is_an_issue() {
    let issue = |kind| IssueKind::from_io("open", &io::Error::from(kind));
    assert_eq!(issue(ErrorKind::NotFound), IssueKind::Vanished);
    assert_eq!(issue(ErrorKind::NotADirectory), IssueKind::NotADirectory);
    assert_eq!(issue(ErrorKind::IsADirectory), IssueKind::NotAFile);
    for kind in [ErrorKind::PermissionDenied, ErrorKind::OutOfMemory, ErrorKind::Other] {
        let error = io::Error::from(kind).to_string();
        assert_eq!(issue(kind), IssueKind::Unreadable { action: "open", error, kind });
    }
}

#[test]
fn the_message_of_the_system_is_kept() {
    let error = io::Error::new(ErrorKind::PermissionDenied, "the words");
    let issue = IssueKind::from_io("list", &error);
    assert_eq!(issue.to_string(), "cannot list: the words");
}

#[test]
fn an_error_has_the_action_and_the_path() {
    let path = Path::new("a dir/opencode.db");
    let result: io::Result<()> = Err(io::Error::new(ErrorKind::PermissionDenied, "the words"));
    let error: PathError = result.at_path("open", path).unwrap_err();
    assert_eq!((error.action, &*error.path), ("open", path));
    assert_eq!(error.source.kind(), ErrorKind::PermissionDenied);
    // The text leaves out the source, so that a printed chain of errors has each message once.
    assert_eq!(error.to_string(), format!("cannot open {}", path.display()));
    assert_eq!(error.source().map(ToString::to_string), Some("the words".to_owned()));
}

#[test]
fn a_success_passes_through() {
    let result: io::Result<u8> = Ok(7);
    assert_eq!(result.at_path("read", Path::new("x")).unwrap(), 7);
}

#[test]
fn errors_of_other_crates_are_converted() {
    /// Like the error number of rustix: not an `io::Error`, but convertible to one.
    struct Number(i32);

    impl From<Number> for io::Error {
        fn from(number: Number) -> Self {
            Self::from_raw_os_error(number.0)
        }
    }

    let error = Err::<(), _>(Number(2)).at_path("stat", Path::new("x")).unwrap_err();
    assert_eq!(error.source.raw_os_error(), Some(2));
}

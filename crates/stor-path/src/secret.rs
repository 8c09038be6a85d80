//! Names that are never opened, because they hold credentials.
//!
//! opencode keeps keys and tokens in two files of its data directory and in some tables of its
//! database (docs/format/opencode.md, sections 1 and 5).

/// Files of the data directory that hold credentials.
const SECRET_FILES: [&str; 2] = ["auth.json", "mcp-auth.json"];

/// Tables that hold credentials, besides all whose name begins with `account`.
const SECRET_TABLES: [&str; 2] = ["control_account", "credential"];

/// Whether a file of this name holds credentials and is never to be opened, wherever it is.
///
/// Case does not matter, as it does not on the file systems of macOS and Windows.
pub fn is_secret_file(name: &[u8]) -> bool {
    SECRET_FILES.iter().any(|file| name.eq_ignore_ascii_case(file.as_bytes()))
}

/// Whether a database table of this name holds credentials and is never to be read.
pub fn is_secret_table(name: &str) -> bool {
    let name = name.to_ascii_lowercase(); // as SQL compares names
    name.starts_with("account") || SECRET_TABLES.contains(&name.as_str())
}

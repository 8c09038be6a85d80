//! Names of files and tables that contain credentials. scrollback never opens them.
//!
//! opencode keeps keys and tokens in two files of its data directory and in some tables of its
//! database (docs/format/opencode.md, sections 1 and 5).

/// Files of the data directory that contain credentials.
const SECRET_FILES: [&str; 2] = ["auth.json", "mcp-auth.json"];

/// Tables that contain credentials, besides all tables whose name begins with `account`.
const SECRET_TABLES: [&str; 2] = ["control_account", "credential"];

/// Checks whether a file of this name contains credentials, in any directory. Never open such a file.
///
/// Case does not matter, because it does not matter on the file systems of macOS and Windows.
pub fn is_secret_file(name: &[u8]) -> bool {
    SECRET_FILES.iter().any(|file| name.eq_ignore_ascii_case(file.as_bytes()))
}

/// Checks whether a database table of this name contains credentials. Never read such a table.
pub fn is_secret_table(name: &str) -> bool {
    let name = name.to_ascii_lowercase(); // as SQL compares names
    name.starts_with("account") || SECRET_TABLES.contains(&name.as_str())
}

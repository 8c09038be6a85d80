//! Rules about names and references, which need no file.

use std::path::Path;

/// Returns the fingerprint of a workspace, which names its directory: FNV-1a with 64 bits over the
/// bytes of the path. A slash at the end makes another one.
///
/// ```
/// use scrollback_stor_agents::claw::program::workspace_fingerprint;
///
/// assert_eq!(workspace_fingerprint("/tmp/worktree-alpha".as_ref()), "ae5cd9e2efd7ae18");
/// ```
pub fn workspace_fingerprint(workspace_root: &Path) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in workspace_root.to_string_lossy().bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{hash:016x}")
}

/// Checks whether a file is taken for a session: its extension is `jsonl` or `json`.
pub fn is_managed_session_file(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "jsonl" || extension == "json")
}

/// Checks whether a reference means the latest session: `latest`, `last` or `recent`.
pub fn is_session_reference_alias(reference: &str) -> bool {
    ["latest", "last", "recent"].iter().any(|alias| reference.eq_ignore_ascii_case(alias))
}

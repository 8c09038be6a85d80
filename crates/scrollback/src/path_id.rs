//! Ids of roots and stores: their canonical paths.

use std::path::{Path, PathBuf};

use scrollback_core_id::SourceId;

/// Returns the canonical form of a path. The path need not exist: links are resolved in the part that
/// exists.
pub(crate) fn canonical_path(path: &Path) -> PathBuf {
    for ancestor in path.ancestors() {
        if let Ok(real) = ancestor.canonicalize() {
            return match path.strip_prefix(ancestor) {
                Ok(rest) if rest.as_os_str().is_empty() => real,
                Ok(rest) => real.join(rest),
                Err(_) => real,
            };
        }
    }
    path.to_owned()
}

/// Returns the id of the root or store at a path: its canonical path. The path need not exist.
pub fn root_id(path: &Path) -> SourceId {
    path_id(&canonical_path(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned())))
}

/// Returns the id of a path. Control characters are escaped, because an id cannot contain them.
pub(crate) fn path_id(path: &Path) -> SourceId {
    let text = path.to_string_lossy();
    let escaped: String = text
        .chars()
        .flat_map(|c| {
            let escape = c.is_control().then(|| c.escape_unicode());
            let plain = (!c.is_control()).then_some(c);
            escape.into_iter().flatten().chain(plain)
        })
        .collect();
    #[expect(clippy::expect_used, reason = "the text is not empty, and has no control character")]
    SourceId::new(if escaped.is_empty() { "." } else { &escaped }).expect("a text without controls")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_resolved_in_ids() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().canonicalize().unwrap();
        std::fs::create_dir(real.join("a")).unwrap();
        assert_eq!(canonical_path(&real.join("a/../a/not/there")), real.join("a/not/there"));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(real.join("a"), real.join("link")).unwrap();
            assert_eq!(canonical_path(&real.join("link/x.db")), real.join("a/x.db"));
        }
        assert_eq!(path_id(Path::new("/a\u{1b}b")).as_str(), "/a\\u{1b}b");
        assert_eq!(path_id(Path::new("")).as_str(), ".");
    }
}

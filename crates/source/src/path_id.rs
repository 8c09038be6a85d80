//! Ids of roots and stores: their canonical paths.

use std::path::{Component, Path, PathBuf};

use scrollback_core_id::SourceId;

/// The largest number of links without a target that are resolved in one path.
const MAX_LINKS: usize = 40;

/// Returns the canonical form of a path. The path need not exist: links are resolved in the part that
/// exists, and also a link without a target and `..` behind a directory that does not exist.
pub fn canonical_path(path: &Path) -> PathBuf {
    resolve(path, MAX_LINKS)
}

fn resolve(path: &Path, max_links: usize) -> PathBuf {
    for ancestor in path.ancestors() {
        let Ok(mut real) = ancestor.canonicalize() else { continue };
        let Ok(rest) = path.strip_prefix(ancestor) else { return real };
        let mut names = rest.components();
        while let Some(name) = names.next() {
            if name == Component::ParentDir {
                // The path may exist again from here on.
                real.pop();
                return resolve(&real.join(names.as_path()), max_links);
            }
            real.push(name);
            if max_links > 0
                && let Ok(target) = real.read_link()
            {
                real.pop();
                return resolve(&real.join(target).join(names.as_path()), max_links - 1);
            }
        }
        return real;
    }
    path.to_owned()
}

/// Returns the id of the root or store at a path: its canonical path. The path need not exist.
pub fn root_id(path: &Path) -> SourceId {
    path_id(&canonical_path(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned())))
}

/// Returns the id of a path. Control characters are escaped, because an id cannot contain them.
pub fn path_id(path: &Path) -> SourceId {
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
        assert_eq!(canonical_path(&real.join("not/../a/there")), real.join("a/there"));
        assert_eq!(canonical_path(&real.join("not/there/../../a/../b")), real.join("b"));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(real.join("a"), real.join("link")).unwrap();
            assert_eq!(canonical_path(&real.join("link/x.db")), real.join("a/x.db"));
            assert_eq!(canonical_path(&real.join("not/../link/x.db")), real.join("a/x.db"));
            std::os::unix::fs::symlink("a/later", real.join("dangling")).unwrap();
            assert_eq!(canonical_path(&real.join("dangling/x")), real.join("a/later/x"));
            std::os::unix::fs::symlink("loop", real.join("loop")).unwrap();
            assert_eq!(canonical_path(&real.join("loop/x")), real.join("loop/x"));
        }
        assert_eq!(path_id(Path::new("/a\u{1b}b")).as_str(), "/a\\u{1b}b");
        assert_eq!(path_id(Path::new("")).as_str(), ".");
    }
}

//! `cargo xtask fixtures`: regenerates every generated fixture, or reports the ones that differ.

use std::path::Path;

use anyhow::{Context as _, bail};

use xtask::workspace_root;

#[derive(clap::Args)]
/// The arguments of `cargo xtask fixtures`.
pub(crate) struct Args {
    /// Write nothing; fail if a committed fixture differs from the generated one
    #[arg(long)]
    check: bool,
}

type Generate = fn() -> std::io::Result<Vec<u8>>;

/// Generated files by path in the repository, each with its generator.
const GENERATED: &[(&str, Generate)] =
    &[("crates/cli/assets/demo.tar", scrollback_fixtures::demo_tar)];

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut stale = Vec::new();
    for (path, make) in GENERATED {
        let bytes = make().with_context(|| format!("generate {path}"))?;
        if !refresh(&workspace_root().join(path), &bytes, args.check)? {
            stale.push(*path);
        } else {
            println!("{path}: {} bytes", bytes.len());
        }
    }
    if !stale.is_empty() {
        bail!(
            "these files differ from the generated ones; run `cargo xtask fixtures`: {}",
            stale.join(", ")
        );
    }
    Ok(())
}

/// Writes `bytes` to the file at `path` if they differ. With `check`, writes nothing. Returns
/// whether the file now holds `bytes`.
#[expect(clippy::disallowed_methods, reason = "a file of the repository, not of a store")]
fn refresh(path: &Path, bytes: &[u8], check: bool) -> anyhow::Result<bool> {
    if std::fs::read(path).is_ok_and(|current| current == bytes) {
        return Ok(true);
    }
    if check {
        return Ok(false);
    }
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))?;
    }
    std::fs::write(path, bytes).with_context(|| format!("write {}", path.display()))?;
    Ok(true)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a file of the test")]
mod tests {
    use super::refresh;

    #[test]
    fn a_check_reports_differences_and_writes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("assets/a.tar");
        assert!(!refresh(&path, b"new", true).unwrap());
        assert!(!path.exists());

        assert!(refresh(&path, b"new", false).unwrap());
        assert!(refresh(&path, b"new", true).unwrap());
        assert!(!refresh(&path, b"newer", true).unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
    }
}

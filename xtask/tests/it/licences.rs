//! Checks that every package that a build can use has a licence that `deny.toml` allows.
//!
//! cargo-deny checks the same and more; this test also runs where cargo-deny is not installed.

use std::path::Path;

use cargo_metadata::MetadataCommand;
use spdx::{Expression, ParseMode};

use crate::repo::{assert_none, read, root};

fn allowed() -> Vec<String> {
    let deny: toml::Table = read(Path::new("deny.toml")).parse().unwrap();
    let allow = deny["licenses"]["allow"].as_array().unwrap();
    allow.iter().map(|licence| licence.as_str().unwrap().to_owned()).collect()
}

/// Returns the problem with a package's licence, if there is one.
fn problem(name: &str, licence: Option<&str>, allowed: &[String]) -> Option<String> {
    let Some(licence) = licence else { return Some(format!("{name} has no licence")) };
    match Expression::parse_mode(licence, ParseMode::LAX) {
        Err(error) => Some(format!("{name}: {error}")),
        Ok(expression) => {
            let fits = expression.evaluate(|wanted| allowed.contains(&wanted.to_string()));
            (!fits).then(|| format!("{name} is under {licence}, which deny.toml does not allow"))
        }
    }
}

#[test]
fn every_dependency_is_under_an_allowed_licence() {
    let metadata = MetadataCommand::new().current_dir(root()).exec().unwrap();
    assert!(metadata.packages.len() > metadata.workspace_members.len());
    let allowed = allowed();
    let problems: Vec<_> = metadata
        .packages
        .iter()
        .filter_map(|package| problem(&package.name, package.license.as_deref(), &allowed))
        .collect();
    assert_none(&problems);
}

#[test]
fn other_licences_are_found() {
    let allowed = allowed();
    let problem = |licence| problem("x", licence, &allowed);
    for good in ["MIT", "MIT OR Apache-2.0", "MIT/Apache-2.0", "GPL-3.0-only OR MIT"] {
        assert_eq!(problem(Some(good)), None);
    }
    for bad in ["GPL-3.0-only", "MIT AND MPL-2.0", "Apache-2.0 WITH LLVM-exception", "free!"] {
        assert!(problem(Some(bad)).is_some(), "{bad}");
    }
    assert!(problem(None).is_some());
}

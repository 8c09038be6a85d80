//! The rules for the data directory and the cache directory.

use std::path::PathBuf;

use scrollback_stor_path::{DiscoveryRule, Environment};

fn data_dir(xdg: Option<&str>, home: Option<&str>) -> Option<(PathBuf, DiscoveryRule)> {
    let environment = Environment {
        xdg_data_home: xdg.map(Into::into),
        home: home.map(Into::into),
        ..Environment::default()
    };
    environment.data_dir()
}

#[test]
fn xdg_data_home_comes_first() {
    let expected = PathBuf::from("/data/opencode");
    assert_eq!(
        data_dir(Some("/data"), Some("/home/ada")),
        Some((expected, DiscoveryRule::XdgDataHome))
    );
}

#[test]
fn an_empty_xdg_data_home_is_unset() {
    let expected = PathBuf::from("/home/ada/.local/share/opencode");
    for unset in [None, Some("")] {
        let default = data_dir(unset, Some("/home/ada"));
        assert_eq!(default, Some((expected.clone(), DiscoveryRule::HomeDefault)));
    }
}

#[test]
fn without_a_home_there_is_no_default() {
    assert_eq!(data_dir(None, None), None);
    assert_eq!(data_dir(Some(""), Some("")), None);
}

#[test]
fn caches_lie_in_the_cache_home() {
    let cache_dir = |xdg: Option<&str>, home: Option<&str>| {
        let environment = Environment {
            xdg_cache_home: xdg.map(Into::into),
            home: home.map(Into::into),
            ..Environment::default()
        };
        environment.cache_dir()
    };
    assert_eq!(cache_dir(Some("/cache"), Some("/home/ada")), Some("/cache/scrollback".into()));
    let default = Some(PathBuf::from("/home/ada/.cache/scrollback"));
    for unset in [None, Some(""), Some("relative")] {
        assert_eq!(cache_dir(unset, Some("/home/ada")), default);
    }
    assert_eq!(cache_dir(None, None), None);
    assert_eq!(cache_dir(None, Some("relative")), None);
}

#[test]
fn the_environment_is_read_from_the_process() {
    let environment = Environment::from_process();
    assert_eq!(environment.xdg_data_home, std::env::var_os("XDG_DATA_HOME"));
    assert_eq!(environment.opencode_db, std::env::var_os("OPENCODE_DB"));
    assert!(environment.home.is_some_and(|home| home.is_absolute()));
}

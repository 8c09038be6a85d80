//! Discovery at opencode's own places.

use scrollback_stor_path::{
    DiscoveredStore, DiscoveryRule, Environment, PlaceState, StoragePaths, StoreKind,
};

use crate::tree::Tree;

fn home_environment(tree: &Tree) -> Environment {
    Environment { home: Some(tree.root().to_owned()), ..Environment::default() }
}

fn xdg_environment(tree: &Tree, path: &str) -> Environment {
    Environment { xdg_data_home: Some(tree.path(path).into()), ..Environment::default() }
}

/// Returns the stores of a search, one line per store.
fn store_lines(tree: &Tree, discovered: &StoragePaths) -> Vec<String> {
    let line = |store: &DiscoveredStore| {
        format!("{} | {} | {}", tree.name(&store.path), store.kind, store.rule)
    };
    discovered.stores.iter().map(line).collect()
}

/// Returns the places of a search, one line per place.
fn place_lines(tree: &Tree, discovered: &StoragePaths) -> Vec<String> {
    discovered
        .searched_places
        .iter()
        .map(|place| format!("{} | {}", tree.name(&place.path), place.state))
        .collect()
}

#[test]
fn all_stores_in_the_default_place_are_found() {
    let data = ".local/share/opencode";
    let tree = Tree::new(&[
        &format!("{data}/storage/session/"),
        &format!("{data}/storage/message/"),
        &format!("{data}/opencode.db"),
        &format!("{data}/opencode.db-wal"),
        &format!("{data}/opencode-next.db"),
        &format!("{data}/opencode-my.dev_1.db"),
        &format!("{data}/opencode-next.db-shm"),
        &format!("{data}/opencode-.db"),
        &format!("{data}/opencode-a b.db"),
        &format!("{data}/other.db"),
        &format!("{data}/project/home-ada-code/storage/session/info/"),
        &format!("{data}/project/empty/"),
        &format!("{data}/project/file"),
        &format!("{data}/auth.json"),
    ])
    .unwrap();
    let discovered = StoragePaths::discover(&home_environment(&tree));
    let home = "default place in the home directory";
    let channel = "name of a channel database";
    assert_eq!(
        store_lines(&tree, &discovered),
        [
            format!("{data}/storage | opencode JSON store | {home}"),
            format!("{data}/opencode.db | opencode database | {home}"),
            format!("{data}/opencode-my.dev_1.db | opencode database | {channel}"),
            format!("{data}/opencode-next.db | opencode database | {channel}"),
            format!(
                "{data}/project/home-ada-code/storage | opencode JSON store of 0.5 or older | {home}"
            ),
        ]
    );
    assert!(discovered.stores.iter().all(|store| store.data_dir == tree.path(data)));
    let channels: Vec<_> = discovered.stores.iter().map(|store| store.channel()).collect();
    assert_eq!(channels, [None, None, Some("my.dev_1"), Some("next"), None]);
}

#[test]
fn xdg_data_home_hides_the_default_and_says_so() {
    let tree = Tree::new(&[".local/share/opencode/storage/", "xdg/opencode/storage/"]).unwrap();
    let mut environment = home_environment(&tree);
    environment.xdg_data_home = Some(tree.path("xdg").into());
    let discovered = StoragePaths::discover(&environment);
    assert_eq!(
        store_lines(&tree, &discovered),
        ["xdg/opencode/storage | opencode JSON store | XDG_DATA_HOME"]
    );
    assert_eq!(
        place_lines(&tree, &discovered),
        [
            "xdg/opencode | data directory",
            "xdg/opencode/storage | opencode JSON store",
            "xdg/opencode/opencode.db | nothing there",
            ".local/share/opencode | not searched: XDG_DATA_HOME is set",
        ]
    );
}

#[test]
fn an_empty_discovery_lists_the_places() {
    let tree = Tree::new(&[]).unwrap();
    let discovered = StoragePaths::discover(&home_environment(&tree));
    assert_eq!(discovered.stores, []);
    assert_eq!(place_lines(&tree, &discovered), [".local/share/opencode | nothing there"]);
    let line = discovered.searched_places[0].to_string();
    assert!(
        line.ends_with("opencode (default place in the home directory): nothing there"),
        "{line}"
    );

    let discovered = StoragePaths::discover(&Environment::default());
    assert_eq!(
        place_lines(&tree, &discovered),
        ["~/.local/share/opencode | not searched: the home directory is not known"]
    );
}

#[test]
fn a_database_without_storage() {
    let tree = Tree::new(&[".local/share/opencode/opencode.db"]).unwrap();
    let discovered = StoragePaths::discover(&home_environment(&tree));
    assert_eq!(discovered.stores.len(), 1);
    assert_eq!(discovered.stores[0].kind, StoreKind::OpencodeSqlite);
    assert_eq!(discovered.searched_places[1].state, PlaceState::Nothing);
}

#[test]
fn wrong_file_kinds_are_reported() {
    let tree = Tree::new(&["x/opencode/storage", "x/opencode/opencode.db/", "y/opencode"]).unwrap();
    let mut environment = xdg_environment(&tree, "x");
    let discovered = StoragePaths::discover(&environment);
    assert_eq!(discovered.stores, []);
    assert_eq!(
        place_lines(&tree, &discovered),
        [
            "x/opencode | data directory",
            "x/opencode/storage | not a directory",
            "x/opencode/opencode.db | not a file",
        ]
    );
    environment.xdg_data_home = Some(tree.path("y").into());
    let discovered = StoragePaths::discover(&environment);
    assert_eq!(place_lines(&tree, &discovered), ["y/opencode | not a directory"]);
}

#[test]
fn opencode_db_stands_in_for_the_databases() {
    let tree = Tree::new(&[
        "d/opencode/storage/",
        "d/opencode/opencode.db",
        "d/opencode/opencode-next.db",
        "d/opencode/sub/mine.sqlite",
        "elsewhere.db",
    ])
    .unwrap();
    let mut environment = xdg_environment(&tree, "d");
    let json = "d/opencode/storage | opencode JSON store | XDG_DATA_HOME".to_owned();
    let skipped = "d/opencode/opencode.db | not searched: OPENCODE_DB is set".to_owned();
    let cases = [
        ("sub/mine.sqlite".into(), "d/opencode/sub/mine.sqlite"),
        (tree.path("elsewhere.db"), "elsewhere.db"),
    ];
    for (value, path) in cases {
        environment.opencode_db = Some(value.into());
        let discovered = StoragePaths::discover(&environment);
        let database = format!("{path} | opencode database | OPENCODE_DB");
        assert_eq!(store_lines(&tree, &discovered), [json.clone(), database]);
        assert!(place_lines(&tree, &discovered).contains(&skipped));
    }

    environment.opencode_db = Some("missing.db".into());
    let discovered = StoragePaths::discover(&environment);
    assert_eq!(store_lines(&tree, &discovered), [json.as_str()]);
    let missing = "d/opencode/missing.db | nothing there".to_owned();
    assert!(place_lines(&tree, &discovered).contains(&missing));

    environment.opencode_db = Some(":memory:".into());
    let discovered = StoragePaths::discover(&environment);
    assert_eq!(store_lines(&tree, &discovered), [json.as_str()]);
    let memory = ":memory: | not searched: sessions in memory leave nothing on disk".to_owned();
    assert!(place_lines(&tree, &discovered).contains(&memory));

    // A database that two rules name is one store. An empty value of the variable counts as unset.
    environment.opencode_db = Some("opencode-next.db".into());
    let discovered = StoragePaths::discover(&environment);
    assert_eq!(discovered.stores.len(), 2);
    assert_eq!(discovered.stores[1].rule, DiscoveryRule::OpencodeDb);
    assert_eq!(discovered.stores[1].channel(), Some("next"));
    environment.opencode_db = Some("".into());
    assert_eq!(StoragePaths::discover(&environment).stores.len(), 3);
}

#[test]
fn opencode_db_counts_without_a_data_directory() {
    let tree = Tree::new(&["mine.db"]).unwrap();
    let mut environment = home_environment(&tree);
    environment.opencode_db = Some(tree.path("mine.db").into());
    let discovered = StoragePaths::discover(&environment);
    assert_eq!(store_lines(&tree, &discovered), ["mine.db | opencode database | OPENCODE_DB"]);
}

#[test]
fn channel_databases_can_be_disabled() {
    let tree = Tree::new(&["d/opencode/opencode.db", "d/opencode/opencode-dev.db"]).unwrap();
    let mut environment = xdg_environment(&tree, "d");
    for (flag, count) in [("1", 1), ("true", 1), ("TRUE", 1), ("0", 2), ("", 2)] {
        environment.opencode_disable_channel_db = Some(flag.into());
        let discovered = StoragePaths::discover(&environment);
        assert_eq!(discovered.stores.len(), count, "{flag:?}");
        assert!(discovered.searched_places.iter().any(|at| at.path.ends_with("opencode-dev.db")));
    }
}

#[cfg(unix)]
#[test]
fn roots_may_be_links() {
    use std::os::unix::fs::symlink;

    let tree = Tree::new(&["disk/storage/", "disk/real.db", "d/"]).unwrap();
    symlink(tree.path("disk"), tree.path("d/opencode")).unwrap();
    symlink(tree.path("disk/real.db"), tree.path("disk/opencode.db")).unwrap();
    symlink(tree.path("gone.db"), tree.path("disk/opencode-next.db")).unwrap();
    let discovered = StoragePaths::discover(&xdg_environment(&tree, "d"));
    assert_eq!(
        store_lines(&tree, &discovered),
        [
            "d/opencode/storage | opencode JSON store | XDG_DATA_HOME",
            "d/opencode/opencode.db | opencode database | XDG_DATA_HOME",
        ]
    );
    assert_eq!(discovered.searched_places.last().unwrap().state, PlaceState::DanglingLink);
}

#[cfg(unix)]
#[test]
fn a_loop_of_links_is_reported() {
    let tree = Tree::new(&["d/"]).unwrap();
    std::os::unix::fs::symlink(tree.path("d/opencode"), tree.path("d/opencode")).unwrap();
    let discovered = StoragePaths::discover(&xdg_environment(&tree, "d"));
    assert_eq!(discovered.stores, []);
    assert!(
        matches!(&discovered.searched_places[0].state, PlaceState::Unreadable(error) if !error.is_empty())
    );
}

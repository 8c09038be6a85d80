//! The rules about opencode's ids, on ids that opencode made and on other ids.

use std::collections::BTreeMap;

use scrollback_core_id::PartId;
use scrollback_fixtures::{Corpus, corpus};
use scrollback_stor_path::opencode::{
    MESSAGE_PREFIX, PART_PREFIX, SESSION_PREFIX, TOOL_OUTPUT_PREFIX, circular_orders, is_canonical,
    is_fork_copy,
};

/// Returns the names in a directory, without their extension.
fn file_stems(dir: &std::path::Path) -> Vec<String> {
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()
    };
    std::fs::read_dir(dir).unwrap().map(name).collect()
}

#[test]
fn ids_of_a_real_store_are_canonical() {
    let store = corpus(Corpus::OpencodeJson);
    let mut count = 0;
    for (kind, prefix) in
        [("session", SESSION_PREFIX), ("message", MESSAGE_PREFIX), ("part", PART_PREFIX)]
    {
        for dir in file_stems(&store.storage.join(kind)) {
            for id in file_stems(&store.storage.join(kind).join(dir)) {
                assert!(is_canonical(id.as_bytes(), prefix), "{id}");
                assert!(!is_fork_copy(id.as_bytes()), "{id}");
                count += 1;
            }
        }
    }
    assert!(count > 700, "{count}");
    let outputs = file_stems(&store.data_dir.join("tool-output"));
    assert!(!outputs.is_empty());
    assert!(outputs.iter().all(|id| is_canonical(id.as_bytes(), TOOL_OUTPUT_PREFIX)));
}

#[test]
fn other_ids_are_not_canonical() {
    for id in [
        "",
        "msg_",
        "msg_1fb66b68f001",
        "msg_1fb66b68f001ABCDEFGHIJKLM",
        "msg_1fb66b68f001ABCDEFGHIJKLMNO",
        "msg_1fb66b68f001ABCDEFGHIJKLM-",
        "msg_1FB66B68F001ABCDEFGHIJKLMN",
        "prt_1fb66b68f001ABCDEFGHIJKLMN",
    ] {
        assert!(!is_canonical(id.as_bytes(), MESSAGE_PREFIX), "{id}");
    }
}

#[test]
fn copies_of_a_fork_end_in_the_number_of_their_row() {
    let canonical = "msg_1fb66b68f001ABCDEFGHIJKLMN";
    for (end, is_copy) in [
        ("", false),
        ("_1", true),
        ("_120", true),
        ("_1#summary", true),
        ("#summary", false),
        ("_", false),
        ("_x", false),
        ("_1x", false),
        ("1", false),
    ] {
        assert_eq!(is_fork_copy(format!("{canonical}{end}").as_bytes()), is_copy, "{end:?}");
    }
    assert!(!is_fork_copy(b"prt_1fb66b68f001ABCDEFGHIJKLMN_1"));
}

#[test]
fn the_order_of_parts_is_that_of_opencode() {
    // No message of this store straddles a wrap, so each list of ids is in the order of its text.
    let all = corpus(Corpus::OpencodeJson).storage.join("part");
    let mut messages: BTreeMap<String, Vec<PartId>> = BTreeMap::new();
    for message in file_stems(&all) {
        let parts = file_stems(&all.join(&message)).iter().map(|id| id.parse().unwrap()).collect();
        messages.insert(message, parts);
    }
    let mut compared = 0;
    for parts in messages.values() {
        let mut ordered: Vec<_> = circular_orders(parts.iter()).into_iter().zip(parts).collect();
        ordered.sort();
        compared += ordered.windows(2).count();
        assert!(ordered.windows(2).all(|pair| pair[0].1 < pair[1].1), "{ordered:?}");
    }
    assert!(compared > 300, "{compared}");
}

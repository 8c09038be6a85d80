//! Tests of damaged stores: each damage is an issue or error, and everything else is printed.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::support::{run_on, store_from_text};

const VALID_STORE: &str = r#"
    //- session/p/ses_1.json
    {"id":"ses_1","title":"sound","time":{"created":1,"updated":1}}
    //- message/ses_1/msg_1.json
    {"id":"msg_1","sessionID":"ses_1","role":"user","time":{"created":1}}
    //- part/msg_1/prt_1.json
    {"id":"prt_1","messageID":"msg_1","type":"text","text":"the sound part"}
    //- session/p/ses_2.json
    {"id":"ses_2","title":"other","time":{"created":2,"updated":2}}
"#;

/// Writes a file with an old modification time. A young damaged file would count as being written.
pub(crate) fn write_old_file(path: PathBuf, content: &[u8]) {
    fs::write(&path, content).unwrap();
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
}

/// Damages a sound store. Checks that the sound part is printed and that the issue is reported.
fn check_damage(name: &str, breaks: impl FnOnce(&Path), says: &str) {
    let store = store_from_text(VALID_STORE);
    breaks(&store.path().join("storage"));
    let shown = run_on(store.path(), &["show", "ses_1", "--issues"]);
    assert_eq!(shown.code, 0, "{name}: {}", shown.stderr);
    assert!(shown.stdout.contains("the sound part"), "{name}: {}", shown.stdout);
    assert!(shown.stderr.contains(says), "{name}: {}", shown.stderr);
    let brief = run_on(store.path(), &["show", "ses_1"]);
    assert!(brief.stderr.contains("--issues lists them"), "{name}: {}", brief.stderr);
    let listed = run_on(store.path(), &["ls", "--json"]).json();
    assert_eq!(listed.as_array().unwrap().len(), 2, "{name}");
}

#[test]
fn a_bad_part_is_reported_and_the_rest_is_printed() {
    let put = |content: &[u8]| {
        let content = content.to_vec();
        move |storage: &Path| write_old_file(storage.join("part/msg_1/prt_2.json"), &content)
    };
    check_damage("empty", put(b""), "part/msg_1/prt_2.json, byte 0: the file is empty");
    check_damage("NUL", put(&[0; 500]), "only NUL bytes");
    check_damage("cut", put(b"{\"type\":\"te"), "ends in the middle");
    check_damage("Latin-1", put(b"{\"type\":\"text\",\"text\":\"caf\xe9\"}"), "not UTF-8");
    check_damage("deep", put("[".repeat(100_000).as_bytes()), "nested deeper");
    check_damage("kind", put(br#"{"type":"hologram"}"#), "unknown part type \"hologram\"");
    check_damage("id", put(br#"{"id":"prt_9","type":"text"}"#), "the record says id is \"prt_9\"");
    check_damage("field", put(br#"{"type":"text","text":[1]}"#), "field text");
}

#[test]
fn a_bad_message_is_reported_and_the_rest_is_printed() {
    let put = |content: &'static str| {
        move |storage: &Path| {
            write_old_file(storage.join("message/ses_1/msg_2.json"), content.as_bytes())
        }
    };
    check_damage("cut", put("{\"role\""), "message/ses_1/msg_2.json");
    check_damage("role", put(r#"{"role":"judge","time":{"created":9}}"#), "unknown role \"judge\"");
}

#[test]
fn a_path_that_is_not_a_file_is_reported_and_the_rest_is_printed() {
    check_damage(
        "a directory for a part",
        |storage| fs::create_dir(storage.join("part/msg_1/prt_2.json")).unwrap(),
        "expected a file",
    );
    check_damage(
        "a file for a directory",
        |storage| {
            fs::write(
                storage.join("message/ses_1/msg_2.json"),
                r#"{"role":"user","time":{"created":2}}"#,
            )
            .unwrap();
            fs::write(storage.join("part/msg_2"), "").unwrap();
        },
        "part/msg_2",
    );
}

#[cfg(unix)]
#[test]
fn links_are_reported_and_not_followed() {
    use std::os::unix::fs::symlink;
    check_damage(
        "a link to a file outside",
        |storage| {
            let secret = storage.join("../secret.json");
            fs::write(&secret, r#"{"type":"text","text":"SECRET"}"#).unwrap();
            symlink(secret, storage.join("part/msg_1/prt_2.json")).unwrap();
        },
        "link inside the store",
    );
    check_damage(
        "a loop",
        |storage| symlink("prt_2.json", storage.join("part/msg_1/prt_2.json")).unwrap(),
        "link inside the store",
    );
    let store = store_from_text(VALID_STORE);
    let storage = store.path().join("storage");
    fs::create_dir(store.path().join("outside")).unwrap();
    fs::write(store.path().join("outside/prt_7.json"), r#"{"type":"text","text":"SECRET"}"#)
        .unwrap();
    symlink(store.path().join("outside"), storage.join("part/msg_0")).unwrap();
    fs::write(storage.join("message/ses_1/msg_0.json"), r#"{"role":"user","time":{"created":0}}"#)
        .unwrap();
    let shown = run_on(store.path(), &["show", "ses_1", "--issues"]);
    assert!(
        !shown.stdout.contains("SECRET") && shown.stderr.contains("part/msg_0"),
        "{}",
        shown.stderr
    );
}

#[test]
fn a_huge_file_is_reported_and_read_on_request() {
    let store = store_from_text(VALID_STORE);
    let part = store.path().join("storage/part/msg_1/prt_2.json");
    let file = fs::File::create(&part).unwrap();
    file.set_len(300_000_000).unwrap(); // sparse
    let shown = run_on(store.path(), &["show", "ses_1", "--issues"]);
    assert!(shown.stdout.contains("the sound part"));
    assert!(shown.stderr.contains("300000000 bytes are over the limit"), "{}", shown.stderr);
    let raw = run_on(store.path(), &["raw", "prt_2"]);
    assert_eq!(raw.code, 3);
    assert!(raw.stderr.contains("--max-size 300000000"), "{}", raw.stderr);

    let text = format!(r#"{{"type":"text","text":"{}"}}"#, "x".repeat(2000));
    fs::write(&part, &text).unwrap();
    assert_eq!(run_on(store.path(), &["raw", "prt_2", "--max-size", "1000"]).code, 3);
    assert_eq!(run_on(store.path(), &["raw", "prt_2", "--max-size", "5000"]).stdout, text);
}

#[test]
fn sessions_found_twice_and_damaged_records_are_listed() {
    let store = store_from_text(VALID_STORE);
    let storage = store.path().join("storage");
    fs::create_dir(storage.join("session/q")).unwrap();
    fs::write(
        storage.join("session/q/ses_1.json"),
        r#"{"id":"ses_1","title":"newer","time":{"created":1,"updated":5}}"#,
    )
    .unwrap();
    write_old_file(storage.join("session/p/ses_3.json"), b"{\"title\":\"half");
    let listed = run_on(store.path(), &["ls", "--json", "--issues"]);
    assert!(listed.stderr.contains("session/p/ses_1.json: found twice"), "{}", listed.stderr);
    assert!(listed.stderr.contains("session/p/ses_3.json"), "{}", listed.stderr);
    let titles: Vec<_> =
        listed.json().as_array().unwrap().iter().map(|it| it["title"].clone()).collect();
    assert_eq!(titles, ["newer", "other", ""]);
    assert_eq!(run_on(store.path(), &["export", "ses_3"]).code, 3);
}

#[cfg(unix)]
#[test]
fn frozen_stores_may_be_mapped() {
    let text = "y".repeat(400_000);
    let store = store_from_text(VALID_STORE);
    let part = store.path().join("storage/part/msg_1/prt_2.json");
    fs::write(&part, format!(r#"{{"type":"text","text":"{text}"}}"#)).unwrap();
    let plain = run_on(store.path(), &["export", "ses_1"]);
    let mapped = run_on(store.path(), &["export", "ses_1", "--mmap"]);
    assert_eq!(mapped.json(), plain.json());
    assert!(mapped.stdout.contains(&text));
}

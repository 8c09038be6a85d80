//! Each command on the real corpus: what it prints, and its exit codes.

use std::io::Read;
use std::process::Stdio;

use serde_json::Value;

use crate::support::{Ran, corpus_paths, on, on_corpus, scrollback, step};

fn titles(args: &[&str]) -> Vec<String> {
    let list = on_corpus(args).json();
    list.as_array().unwrap().iter().map(|it| it["title"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn stores_says_by_which_rule_one_was_found() {
    let found = on_corpus(&["stores", "--json"]).json();
    assert_eq!(found[0]["sessions"], 59);
    assert_eq!(found[0]["read"], true);

    let home = tempfile::tempdir().unwrap();
    corpus_paths().copy_to(&home.path().join("opencode")).unwrap();
    let ran: Ran =
        scrollback().args(["stores"]).env("XDG_DATA_HOME", home.path()).output().unwrap().into();
    assert!(ran.code == 0 && ran.out.contains("XDG_DATA_HOME"), "{}", ran.out);
}

#[test]
fn where_nothing_is_found_the_places_are_named() {
    let nowhere = tempfile::tempdir().unwrap();
    for args in [&["ls"][..], &["show", "latest"], &["stores"], &["export", "latest"]] {
        let ran: Ran =
            scrollback().args(args).env("XDG_DATA_HOME", nowhere.path()).output().unwrap().into();
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{args:?}");
        assert!(ran.err.contains(nowhere.path().to_str().unwrap()), "{}", ran.err);
    }
    let missing = on(&nowhere.path().join("gone"), &["ls"]);
    assert_eq!(missing.code, 3);
    assert!(missing.err.contains("gone") && missing.err.contains("hint: "), "{}", missing.err);
}

#[test]
fn a_database_of_nothing_is_an_error_and_not_an_empty_list() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("opencode.db"), b"").unwrap();
    let ran = on(dir.path(), &["ls"]);
    assert_eq!(ran.code, 3);
    let says_why = ran.err.contains("opencode.db") && ran.err.contains("no table of sessions");
    assert!(says_why, "{}", ran.err);
    let stores = on(dir.path(), &["stores"]);
    assert!(stores.code == 3 && stores.out.contains("cannot be read"), "{}", stores.out);
}

#[test]
fn ls_takes_conditions() {
    let all = titles(&["ls", "--json"]);
    assert_eq!(all.len(), 59);
    let archived = titles(&["ls", "--json", "--archived"]);
    assert!(!archived.is_empty() && archived.len() < 59);
    assert_eq!(titles(&["ls", "--json", "--no-archived"]).len(), 59 - archived.len());
    assert!(titles(&["ls", "--json", "--roots"]).len() < 59);
    assert_eq!(titles(&["ls", "--json", "-n", "3"]), all[..3]);
    assert_eq!(titles(&["ls", "--json", "--since", "2026-11-01"]), all);
    assert_eq!(on_corpus(&["ls", "--since", "2200-01-01"]).code, 1);
    assert_eq!(on_corpus(&["ls", "--since", "soon"]).code, 2);
    assert_eq!(on_corpus(&["ls", "--archived", "--no-archived"]).code, 2);
    // A project by its id, the start of it, or a directory.
    let by_id = titles(&["ls", "--json", "--project", "global"]);
    assert_eq!(by_id.len(), 2);
    assert_eq!(titles(&["ls", "--json", "--project", "glob"]), by_id);
    assert_eq!(on_corpus(&["ls", "--project", ""]).code, 2, "the start of them all");
    assert_eq!(titles(&["ls", "--json", "--project", "/tmp/demo/plain"]), by_id);
    assert_eq!(on_corpus(&["ls", "--project", "nope"]).code, 1);
    assert!(on_corpus(&["ls"]).out.contains("(archived)"));
}

#[test]
fn listed_sessions_have_the_stated_fields() {
    let list = on_corpus(&["ls", "--json"]).json();
    let child = list.as_array().unwrap().iter().find(|it| it["parentID"].is_string()).unwrap();
    for field in ["id", "title", "projectID", "directory", "source"] {
        assert!(child[field].is_string(), "{field}");
    }
    for field in ["created", "updated", "messages"] {
        assert!(child[field].is_u64(), "{field}");
    }
    let messages: u64 =
        list.as_array().unwrap().iter().map(|it| it["messages"].as_u64().unwrap()).sum();
    assert_eq!(messages, 186);
}

#[test]
fn sessions_are_named_in_several_ways() {
    let id = step("rust");
    let title = |name: &str| {
        let ran = on_corpus(&["show", name]);
        (ran.code, ran.out.lines().next().unwrap_or_default().to_owned())
    };
    let expected = (0, "Rust greeting".to_owned());
    assert_eq!(title(&id), expected);
    assert_eq!(title(&id[..14]), expected);
    assert_eq!(title(&id[4..14]), expected);
    let newest = titles(&["ls", "--json", "--roots", "-n", "3"]);
    for (name, title_of) in [("latest", 0), ("last", 0), ("recent", 0), ("latest~2", 2)] {
        assert_eq!(title(name), (0, newest[title_of].clone()), "{name}");
    }
    assert_eq!(title("ses_nothing").0, 1);
    assert_eq!(title("latest~x").0, 2);
    assert_eq!(title("latest~100000").0, 1);
    let many = on_corpus(&["show", "ses_e049"]);
    assert!(many.code == 2 && many.err.contains("start of"), "{}", many.err);
    assert_eq!(title("../../etc/passwd").0, 1);
}

#[test]
fn the_newest_session_is_meant_where_none_is_named() {
    for command in ["show", "tree", "export"] {
        let (none, latest) = (on_corpus(&[command]), on_corpus(&[command, "latest"]));
        assert_eq!((none.code, &none.out), (0, &latest.out), "{command}");
        assert!(!none.out.is_empty());
    }
}

#[test]
fn a_transcript_has_what_was_said_and_done() {
    let ran = on_corpus(&["show", &step("fix")]);
    for text in
        ["user", "assistant", "✓ edit", "✓ bash", "division by zero", "│ ", "+    if b == 0:"]
    {
        assert!(ran.out.contains(text), "{text}: {}", ran.out);
    }
    assert!(ran.out.contains("more lines (--full shows them)"));
    assert!(!on_corpus(&["show", "--full", &step("fix")]).out.contains("--full"));
    let compacted = on_corpus(&["show", &step("compacted")]).out;
    assert!(compacted.contains("──── compaction, done: what comes before"), "{compacted}");
    assert!(on_corpus(&["show", &step("unauthorized")]).out.contains("Error: "));
    assert!(on_corpus(&["show", &step("reverted")]).out.contains("reverted from here on"));
    // Every session of the corpus has one.
    for session in on_corpus(&["ls", "--json"]).json().as_array().unwrap() {
        let ran = on_corpus(&["show", session["id"].as_str().unwrap()]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    }
}

#[test]
fn context_is_what_the_model_still_sees() {
    let ran = on_corpus(&["show", "--context", &step("compacted")]);
    assert!(ran.out.contains("2 earlier messages summed up below"), "{}", ran.out);
    let ran = on_corpus(&["show", "--context", &step("pruned")]);
    assert!(ran.out.contains("(output pruned from what the model sees)"), "{}", ran.out);
    // As JSON: the messages of the export from the compaction on.
    let all = on_corpus(&["show", "--json", &step("compacted")]).json();
    let seen = on_corpus(&["show", "--json", "--context", &step("compacted")]).json();
    assert_eq!((&seen["compacted"], &seen["reverted"]), (&2.into(), &0.into()));
    assert_eq!(seen["messages"].as_array().unwrap(), &all["messages"].as_array().unwrap()[2..]);
    assert_eq!(seen["info"], all["info"]);
}

#[test]
fn a_tree_nests_subagents() {
    let id = step("subagents");
    let tree = on_corpus(&["tree", "--json", &id]).json();
    assert_eq!(tree["id"], id.as_str());
    fn depth(session: &Value) -> usize {
        let messages = session["messages"].as_array().unwrap().iter();
        let parts = messages.flat_map(|message| message["parts"].as_array().unwrap());
        1 + parts
            .filter(|it| it["session"].is_object())
            .map(|it| depth(&it["session"]))
            .max()
            .unwrap_or(0)
    }
    assert_eq!(depth(&tree), 3);
    let printed = on_corpus(&["tree", &id]).out;
    assert!(printed.contains("│  │  └─ Survey sources"), "{printed}");
    let answer = &tree["messages"][1];
    assert!(answer["tokens"]["input"].is_u64() && answer["cost"].is_f64(), "{answer}");
    assert!(printed.contains(" tokens  $"), "{printed}");
    let manual = on_corpus(&["tree", "--json", &step("empty")]).json();
    assert_eq!(manual["children"].as_array().map_or(0, Vec::len), 1, "{manual}");
}

#[test]
fn raw_prints_the_bytes_of_the_file() {
    let storage = corpus_paths().storage;
    let (mut parts, mut messages) = (0, 0);
    for (dir, count) in [("part", &mut parts), ("message", &mut messages)] {
        for owner in std::fs::read_dir(storage.join(dir)).unwrap().take(6) {
            for file in std::fs::read_dir(owner.unwrap().path()).unwrap() {
                let path = file.unwrap().path();
                let ran = on_corpus(&["raw", path.file_stem().unwrap().to_str().unwrap()]);
                assert_eq!(ran.out.as_bytes(), std::fs::read(&path).unwrap(), "{}", path.display());
                *count += 1;
            }
        }
    }
    assert!(parts > 5 && messages > 5);
    let session = step("rust");
    assert!(on_corpus(&["raw", &session]).json()["title"] == "Rust greeting");
    assert!(on_corpus(&["raw", "global"]).json()["id"] == "global");
    assert!(on_corpus(&["raw", &format!("diff:{session}")]).json().is_array());
    assert_eq!(on_corpus(&["raw", "prt_nothing"]).code, 1);
    assert_eq!(on_corpus(&["raw", "../../../etc/passwd"]).code, 1);
}

#[test]
fn colours_are_for_those_who_want_them() {
    let id = step("fix");
    let escapes = |args: &[&str], env: &[(&str, &str)]| {
        let mut command = scrollback();
        command.arg("--store").arg(corpus_paths().data_dir).args(["show", &id]).args(args);
        Ran::from(command.envs(env.iter().copied()).output().unwrap()).out.contains('\u{1b}')
    };
    let (force, no_color) = (("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1"));
    assert!(!escapes(&[], &[]), "a pipe");
    assert!(escapes(&["--color", "always"], &[]));
    assert!(escapes(&[], &[force]));
    assert!(!escapes(&[], &[force, no_color]));
    assert!(!escapes(&["--color", "never"], &[force]));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = scrollback()
        .arg("--store")
        .arg(corpus_paths().data_dir)
        .args(["export", &step("large-report")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut start = [0; 10];
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut start).unwrap();
    drop(out);
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(String::from_utf8(ended.stderr).unwrap(), "");
}

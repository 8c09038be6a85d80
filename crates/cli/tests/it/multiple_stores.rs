//! Tests with several stores and projects: all are listed, and none is left out silently.

use std::fs;

use serde_json::Value;

use crate::support::{RunOutput, corpus_paths, scrollback, store_from_text};

fn field_values(list: &Value, field: &str) -> Vec<String> {
    let sessions = list.as_array().unwrap().iter();
    sessions.map(|it| it[field].as_str().unwrap().to_owned()).collect()
}

#[test]
fn several_stores_are_listed_as_one() {
    let other = store_from_text(
        r#"
        //- session/p/ses_1.json
        {"id":"ses_1","title":"other","time":{"created":1,"updated":99999999999999}}
        "#,
    );
    let mut command = scrollback();
    command.arg("--store").arg(corpus_paths().data_dir).arg("--store").arg(other.path());
    let list = RunOutput::from(command.args(["ls", "--json"]).output().unwrap()).json();
    assert_eq!(list.as_array().unwrap().len(), 60);
    assert_eq!(list[0]["title"], "other", "newest first");
    assert_ne!(list[0]["source"], list[1]["source"]);
}

#[test]
fn a_copy_in_another_store_is_not_ambiguous() {
    let old = store_from_text(
        "//- session/p/ses_abc.json\n{\"title\":\"old\",\"time\":{\"updated\":1}}\n",
    );
    let new = store_from_text(
        "//- session/p/ses_abc.json\n{\"title\":\"new\",\"time\":{\"updated\":2}}\n",
    );
    let mut command = scrollback();
    command.arg("--store").arg(old.path()).arg("--store").arg(new.path());
    let ran: RunOutput = command.args(["show", "ab"]).output().unwrap().into();
    assert!(ran.code == 0 && ran.stdout.starts_with("new\n"), "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn an_unsupported_store_is_reported() {
    let store = store_from_text("//- session/p/ses_1.json\n{}\n");
    fs::create_dir_all(store.path().join("project/old/storage")).unwrap();
    let mut command = scrollback();
    let ran: RunOutput =
        command.arg("--store").arg(store.path()).arg("ls").output().unwrap().into();
    assert!(ran.code == 0 && ran.stdout.contains("ses_1"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("project/old") && ran.stderr.contains("does not read"),
        "{}",
        ran.stderr
    );
}

#[test]
fn an_unreadable_store_is_reported_and_the_rest_is_listed() {
    let sound = store_from_text("//- session/p/ses_1.json\n{}\n");
    let broken = store_from_text("//- session\nno directory\n");
    for args in [&["ls"][..], &["ls", "--json"]] {
        let mut command = scrollback();
        command.arg("--store").arg(sound.path()).arg("--store").arg(broken.path());
        let ran: RunOutput = command.args(args).arg("--issues").output().unwrap().into();
        assert!(
            ran.stdout.contains("ses_1") && ran.stderr.contains("issue: "),
            "{args:?}: {}",
            ran.stderr
        );
    }
    // Without another store the exit code is "unreadable", not "nothing found".
    for args in [&["ls"][..], &["show", "latest"], &["show", "ses_1"]] {
        let mut command = scrollback();
        let ran: RunOutput =
            command.arg("--store").arg(broken.path()).args(args).output().unwrap().into();
        assert!(
            ran.code == 3 && ran.stderr.contains("--issues"),
            "{args:?} {}: {}",
            ran.code,
            ran.stderr
        );
    }
    let mut command = scrollback();
    let ran: RunOutput =
        command.arg("--store").arg(broken.path()).arg("stores").output().unwrap().into();
    assert!(ran.stderr.contains("issue"), "{}", ran.stderr);
}

#[test]
fn messages_that_cannot_be_listed_are_an_issue() {
    let store = store_from_text("//- session/p/ses_1.json\n{}\n//- message/ses_1\nno directory\n");
    let mut command = scrollback();
    command.arg("--store").arg(store.path()).args(["ls", "--json", "--issues"]);
    let ran: RunOutput = command.output().unwrap().into();
    assert_eq!(ran.json()[0]["messages"], 0);
    assert!(ran.stderr.contains("message/ses_1"), "{}", ran.stderr);
}

#[test]
fn a_project_is_named_by_one_id_or_by_a_directory() {
    let store = store_from_text(
        r#"
        //- project/abc.json
        {"id":"abc","worktree":"/srv/tree"}
        //- session/abc/ses_1.json
        {"projectID":"abc","directory":"/srv/tree/sub"}
        //- session/abcd/ses_2.json
        {"projectID":"abcd","directory":"/else"}
        //- session/xyz/ses_3.json
        {"directory":"/srv/tree/sub/deep"}
        "#,
    );
    let list = |named: &str| -> RunOutput {
        let mut command = scrollback();
        command.arg("--store").arg(store.path()).args(["ls", "--json", "--project", named]);
        command.output().unwrap().into()
    };
    let ids = |named: &str| {
        let mut ids = field_values(&list(named).json(), "id");
        ids.sort();
        ids
    };
    assert_eq!(ids("abc"), ["ses_1"], "a full id is not a prefix");
    assert_eq!(ids("abcd"), ["ses_2"]);
    assert_eq!(ids("x"), ["ses_3"], "the project has no record");
    assert_eq!(ids("/srv/tree"), ["ses_1", "ses_3"]);
    assert_eq!(ids("/srv/tree/sub/deep/"), ["ses_3"]);
    let many = list("ab");
    assert!(many.code == 2 && many.stderr.contains("hint: abcd"), "{}", many.stderr);
    assert_eq!(list("/srv/tre").code, 1);
}

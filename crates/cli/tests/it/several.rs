//! Several stores and several projects: all of them are listed, none is passed over in silence.

use std::fs;

use serde_json::Value;

use crate::support::{Ran, corpus_paths, scrollback, stated};

fn of(list: &Value, field: &str) -> Vec<String> {
    let sessions = list.as_array().unwrap().iter();
    sessions.map(|it| it[field].as_str().unwrap().to_owned()).collect()
}

#[test]
fn several_stores_are_listed_as_one() {
    let other = stated(
        r#"
        //- session/p/ses_1.json
        {"id":"ses_1","title":"other","time":{"created":1,"updated":99999999999999}}
        "#,
    );
    let mut command = scrollback();
    command.arg("--store").arg(corpus_paths().data_dir).arg("--store").arg(other.path());
    let list = Ran::from(command.args(["ls", "--json"]).output().unwrap()).json();
    assert_eq!(list.as_array().unwrap().len(), 60);
    assert_eq!(list[0]["title"], "other", "newest first");
    assert_ne!(list[0]["source"], list[1]["source"]);
}

#[test]
fn a_copy_in_another_store_is_no_second_meaning() {
    let old = stated("//- session/p/ses_abc.json\n{\"title\":\"old\",\"time\":{\"updated\":1}}\n");
    let new = stated("//- session/p/ses_abc.json\n{\"title\":\"new\",\"time\":{\"updated\":2}}\n");
    let mut command = scrollback();
    command.arg("--store").arg(old.path()).arg("--store").arg(new.path());
    let ran: Ran = command.args(["show", "ab"]).output().unwrap().into();
    assert!(ran.code == 0 && ran.out.starts_with("new\n"), "{}{}", ran.out, ran.err);
}

#[test]
fn a_store_that_is_not_read_is_named() {
    let store = stated("//- session/p/ses_1.json\n{}\n");
    fs::create_dir_all(store.path().join("project/old/storage")).unwrap();
    let mut command = scrollback();
    let ran: Ran = command.arg("--store").arg(store.path()).arg("ls").output().unwrap().into();
    assert!(ran.code == 0 && ran.out.contains("ses_1"), "{}", ran.err);
    assert!(ran.err.contains("project/old") && ran.err.contains("does not read"), "{}", ran.err);
}

#[test]
fn a_store_that_cannot_be_read_is_named_and_the_rest_is_there() {
    let sound = stated("//- session/p/ses_1.json\n{}\n");
    let broken = stated("//- session\nno directory\n");
    for args in [&["ls"][..], &["ls", "--json"]] {
        let mut command = scrollback();
        command.arg("--store").arg(sound.path()).arg("--store").arg(broken.path());
        let ran: Ran = command.args(args).arg("--issues").output().unwrap().into();
        assert!(ran.out.contains("ses_1") && ran.err.contains("issue: "), "{args:?}: {}", ran.err);
    }
    // Nothing else is there: not "nothing found".
    for args in [&["ls"][..], &["show", "latest"], &["show", "ses_1"]] {
        let mut command = scrollback();
        let ran: Ran =
            command.arg("--store").arg(broken.path()).args(args).output().unwrap().into();
        assert!(
            ran.code == 3 && ran.err.contains("--issues"),
            "{args:?} {}: {}",
            ran.code,
            ran.err
        );
    }
    let mut command = scrollback();
    let ran: Ran = command.arg("--store").arg(broken.path()).arg("stores").output().unwrap().into();
    assert!(ran.err.contains("issue"), "{}", ran.err);
}

#[test]
fn messages_that_cannot_be_listed_are_an_issue() {
    let store = stated("//- session/p/ses_1.json\n{}\n//- message/ses_1\nno directory\n");
    let mut command = scrollback();
    command.arg("--store").arg(store.path()).args(["ls", "--json", "--issues"]);
    let ran: Ran = command.output().unwrap().into();
    assert_eq!(ran.json()[0]["messages"], 0);
    assert!(ran.err.contains("message/ses_1"), "{}", ran.err);
}

#[test]
fn a_project_is_named_by_one_id_or_by_a_directory() {
    let store = stated(
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
    let list = |named: &str| -> Ran {
        let mut command = scrollback();
        command.arg("--store").arg(store.path()).args(["ls", "--json", "--project", named]);
        command.output().unwrap().into()
    };
    let ids = |named: &str| {
        let mut ids = of(&list(named).json(), "id");
        ids.sort();
        ids
    };
    assert_eq!(ids("abc"), ["ses_1"], "an id is not the start of another one");
    assert_eq!(ids("abcd"), ["ses_2"]);
    assert_eq!(ids("x"), ["ses_3"], "of a project without a record");
    assert_eq!(ids("/srv/tree"), ["ses_1", "ses_3"]);
    assert_eq!(ids("/srv/tree/sub/deep/"), ["ses_3"]);
    let many = list("ab");
    assert!(many.code == 2 && many.err.contains("hint: abcd"), "{}", many.err);
    assert_eq!(list("/srv/tre").code, 1);
}

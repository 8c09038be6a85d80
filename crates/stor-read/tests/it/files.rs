//! Entries of the tree that are not plain files: links, pipes, sockets, and unreadable files.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

use scrollback_core_err::IssueKind;
use scrollback_core_id::Scope;

use crate::calls::{key_names, orphans, scan, session_key, tree};
use crate::support::{issues_with_paths, report_skip, store_from_text};

const INTACT_STORE: &str = r#"
    //- session/p/ses_1.json
    {"id":"ses_1","time":{"created":1,"updated":1}}
    //- message/ses_1/msg_1.json
    {"id":"msg_1","role":"user","time":{"created":1}}
    //- part/msg_1/prt_1.json
    {"id":"prt_1","type":"text"}
    //- outside/ses_2.json
    {"id":"ses_2"}
"#;

#[test]
fn links_are_never_followed() {
    let (dir, store) = store_from_text(INTACT_STORE);
    let at = |path: &str| dir.path().join(path);
    symlink(at("outside/ses_2.json"), at("session/p/ses_2.json")).unwrap();
    symlink(at("outside"), at("session/q")).unwrap();
    symlink(at("message/ses_1"), at("message/ses_2")).unwrap();
    symlink("prt_2.json", at("part/msg_1/prt_2.json")).unwrap(); // a loop
    symlink(at("part/msg_1"), at("part/msg_2")).unwrap();
    let listed = scan(&store, &Scope::Sessions);
    assert_eq!(key_names(&listed.entries), ["ses_1"]);
    let mut issues = issues_with_paths(&listed);
    issues.sort_by(|a, b| a.0.cmp(&b.0));
    let link = |path: &str| (path.to_owned(), IssueKind::Link);
    assert_eq!(issues, [link("session/p/ses_2.json"), link("session/q")]);
    let session_tree = tree(&store, &session_key("ses_1"));
    assert_eq!(key_names(&session_tree.entries), ["ses_1", "msg_1", "prt_1"]);
    assert!(issues_with_paths(&session_tree).contains(&link("part/msg_1/prt_2.json")));
    assert_eq!(
        issues_with_paths(&scan(&store, &Scope::Messages(session_key("ses_2")))),
        [link("message/ses_2")]
    );
    assert_eq!(orphans(&store).entries.len(), 0);

    std::fs::rename(at("message"), at("elsewhere")).unwrap();
    symlink(at("elsewhere"), at("message")).unwrap();
    assert_eq!(
        issues_with_paths(&scan(&store, &Scope::Messages(session_key("ses_1")))),
        [link("message")]
    );
}

#[test]
fn pipes_and_sockets_do_not_block_a_read() {
    let (dir, store) = store_from_text(INTACT_STORE);
    let pipe = dir.path().join("part/msg_1/prt_2.json");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let _socket = UnixListener::bind(dir.path().join("part/msg_1/prt_3.json")).unwrap();
    let session_tree = tree(&store, &session_key("ses_1"));
    assert_eq!(key_names(&session_tree.entries), ["ses_1", "msg_1", "prt_1"]);
    let mut issues = issues_with_paths(&session_tree);
    issues.sort_by(|a, b| a.0.cmp(&b.0));
    let expected = [2, 3].map(|n| (format!("part/msg_1/prt_{n}.json"), IssueKind::NotAFile));
    assert_eq!(issues, expected);
}

#[test]
fn unreadable_files_are_issues() {
    if rustix::process::geteuid().is_root() {
        return report_skip(
            "unreadable files",
            "root may read everything; tested by the command line",
        );
    }
    let (dir, store) = store_from_text(INTACT_STORE);
    let forbid = |path: &str| {
        let path = dir.path().join(path);
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o000)).unwrap();
    };
    forbid("part/msg_1/prt_1.json");
    let session_tree = tree(&store, &session_key("ses_1"));
    assert_eq!(key_names(&session_tree.entries), ["ses_1", "msg_1"]);
    assert!(matches!(session_tree.issues[0].1.kind, IssueKind::Unreadable { .. }));
    forbid("message/ses_1");
    assert_eq!(key_names(&tree(&store, &session_key("ses_1")).entries), ["ses_1"]);
}

//! The grammar of paths: every place of the store, and paths outside the grammar.

use std::path::Path;

use scrollback_core_id::{Discipline, EntityKey, ProjectId, SessionId};
use scrollback_stor_path::{
    ClassifiedPath, EntityPathError, ForeignReason, NotAnEntity, PathClass, classify,
    classify_in_data_dir, discipline, message_dir, part_dir, path_of,
};

fn class(path: &str) -> PathClass {
    classify(Path::new(path)).class()
}

fn foreign(path: &str) -> ForeignReason {
    match classify(Path::new(path)) {
        ClassifiedPath::Foreign(why) => why,
        other => panic!("{path} is {other:?}"),
    }
}

#[test]
fn each_place_of_the_tree() {
    let entities = [
        ("project/p.json", PathClass::Project, "project p"),
        ("session/p/s.json", PathClass::Session, "session s"),
        ("message/s/m.json", PathClass::Message, "message s/m"),
        ("part/m/t.json", PathClass::Part, "part m/t"),
        ("session_diff/s.json", PathClass::Diff, "diff s"),
        ("todo/s.json", PathClass::Todo, "todo s"),
        ("session_share/s.json", PathClass::Share, "share s"),
    ];
    for (path, class, name) in entities {
        let classified = classify(Path::new(path));
        let key = classified.key().unwrap();
        assert_eq!((classified.class(), key.to_string()), (class, name.to_owned()));
        assert_eq!(path_of(&key, classified.project()).unwrap(), Path::new(path));
        assert_eq!(classify_in_data_dir(&Path::new("storage").join(path)), classified);
    }
    let others = [
        ("share/s.json", PathClass::LegacyShare),
        ("permission/p.json", PathClass::Permission),
        ("migration", PathClass::Migration),
    ];
    for (path, expected) in others {
        assert_eq!(class(path), expected);
        assert_eq!(classify(Path::new(path)).key(), None);
    }
    let directories = [message_dir(&"s".parse().unwrap()), part_dir(&"m".parse().unwrap())];
    let expected = ["message/s", "part/m"].map(|path| Ok(path.into()));
    assert_eq!(directories, expected);
}

#[test]
fn foreign_paths_have_a_reason() {
    for path in ["../project/p.json", "/project/p.json", "message/../project/p.json"] {
        assert_eq!(foreign(path), ForeignReason::Outside, "{path}");
    }
    for path in [
        "",
        "project",
        "message/s",
        "p.json",
        "project/a/b.json",
        "message/s/m/x.json",
        "unknown/s.json",
        "session/a/b/c/d/e/f/g/h.json",
    ] {
        assert_eq!(foreign(path), ForeignReason::Elsewhere, "{path}");
    }
    assert_eq!(foreign("part/m/x.txt"), ForeignReason::Name(NotAnEntity::NoJson));
    assert_eq!(foreign("part/.git/x.json"), ForeignReason::Name(NotAnEntity::Hidden));
    assert_eq!(foreign("message/a\nb/m.json"), ForeignReason::Name(NotAnEntity::Control));
    assert_eq!(class("part/m/t.json123.tmp"), PathClass::Temp);
    for path in ["auth.json", "mcp-auth.json", "project/auth.json"] {
        assert_eq!(class(path), PathClass::Secret, "{path}");
    }
}

#[test]
fn the_rest_of_the_data_directory() {
    let class = |path: &str| classify_in_data_dir(Path::new(path)).class();
    for path in [
        "opencode.db",
        "opencode.db-wal",
        "opencode.db-shm",
        "opencode-next.db",
        "opencode-a.b-c.db-journal",
    ] {
        assert_eq!(class(path), PathClass::Database, "{path}");
    }
    assert_eq!(class("tool-output/tool_1fb66b68f001"), PathClass::ToolOutput);
    let legacy = "project/slug/storage/session/part/ses_x/msg_x/prt_x.json";
    assert_eq!(class(legacy), PathClass::Legacy);
    assert_eq!(class(&format!("{legacy}1763000000000.tmp")), PathClass::Temp);
    for path in ["auth.json", "mcp-auth.json", "bin/x/auth.json"] {
        assert_eq!(class(path), PathClass::Secret, "{path}");
    }
    for path in [
        "log/x.log",
        "other.db",
        "opencode.db.bak",
        "snapshot/p/HEAD",
        "storage",
        "project/slug/app.json",
        "..",
        "storage/../opencode.db",
    ] {
        assert_eq!(class(path), PathClass::Foreign, "{path}");
    }
}

#[test]
fn each_class_has_its_discipline() {
    assert_eq!(discipline(PathClass::Database), Discipline::Database);
    assert_eq!(discipline(PathClass::Legacy), Discipline::Replace);
    for path in [
        "project/p.json",
        "session/p/s.json",
        "message/s/m.json",
        "part/m/t.json",
        "session_diff/s.json",
        "todo/s.json",
        "session_share/s.json",
        "share/s.json",
        "permission/p.json",
        "migration",
        "unknown",
    ] {
        assert_eq!(discipline(class(path)), Discipline::InPlace, "{path}");
    }
    let tool_output = classify_in_data_dir(Path::new("tool-output/tool_x"));
    assert_eq!(discipline(tool_output.class()), Discipline::InPlace);
}

#[test]
fn a_session_has_a_path_only_with_its_project() {
    let key = EntityKey::Session(SessionId::new("ses_x").unwrap().into());
    assert_eq!(path_of(&key, None), Err(EntityPathError::ProjectNeeded));
    let up = ProjectId::new("..").unwrap();
    assert!(matches!(path_of(&key, Some(&up)), Err(EntityPathError::UnsafeId(_))));
}

#[cfg(unix)]
#[test]
fn names_that_are_not_utf8() {
    use std::os::unix::ffi::OsStrExt;

    let path = Path::new(std::ffi::OsStr::from_bytes(b"part/m/\xff.json"));
    assert_eq!(classify(path), ClassifiedPath::Foreign(ForeignReason::Name(NotAnEntity::NotUtf8)));
}

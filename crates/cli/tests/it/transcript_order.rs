//! Tests of the order of a transcript, and of reverts.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{run_on, store_from_text};

fn line(path: &str, record: &Value) -> String {
    format!("//- {path}.json\n{record}\n")
}

/// Creates a store whose answer is older than its question: the ids and the times say so.
fn skewed_store() -> TempDir {
    let message = |id: &str, created: i64, fields: Value| {
        let mut record = json!({"id": id, "sessionID": "ses_1", "time": {"created": created}});
        record.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let text = json!({"id": format!("prt_{id}"), "sessionID": "ses_1", "messageID": id,
                          "type": "text", "text": format!("text of {id}")});
        line(&format!("message/ses_1/{id}"), &record) + &line(&format!("part/{id}/prt_{id}"), &text)
    };
    let answer = json!({"role": "assistant", "parentID": "msg_0c45073d1001question00000000"});
    let session = json!({"id": "ses_1", "projectID": "p", "title": "skewed",
                         "time": {"created": 1, "updated": 2}});
    store_from_text(
        &[
            line("session/p/ses_1", &session),
            message("msg_0c45073d0001answer0000000000", 40, answer),
            message("msg_0c45073d1001question00000000", 56, json!({"role": "user"})),
            message("msg_0c45073d2001later00000000000", 90, json!({"role": "user"})),
        ]
        .concat(),
    )
}

/// Source: reports anomalyco/opencode#46102 and #28618 (case 20-answer-before-question).
#[test]
fn an_answer_is_printed_after_its_question() {
    let store = skewed_store();
    let places = |args: &[&str]| {
        let ran = run_on(store.path(), args);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ["text of msg_0c45073d1001", "text of msg_0c45073d0001", "text of msg_0c45073d2001"]
            .map(|text| ran.stdout.find(text).unwrap())
    };
    for args in [&["show", "ses_1"][..], &["show", "--context", "ses_1"]] {
        assert!(places(args).is_sorted(), "{args:?}");
    }
    let tree = run_on(store.path(), &["tree", "ses_1"]).stdout;
    let speakers: Vec<&str> = tree.lines().filter_map(|line| line.get("├─ ".len()..)).collect();
    let speakers = speakers.iter().filter(|line| line.starts_with(['u', 'a']));
    let speakers: Vec<&str> = speakers.map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(speakers, ["user", "assistant", "user"], "{tree}");
    // An export has the order of the program, and so has JSON.
    for args in [&["export", "ses_1"][..], &["show", "--json", "ses_1"]] {
        let [question, answer, later] = places(args);
        assert!(answer < question && question < later, "{args:?}");
    }
}

#[test]
fn a_revert_can_start_at_a_part() {
    let part = |id: &str| {
        line(
            &format!("part/msg_2/{id}"),
            &json!({"id": id, "sessionID": "ses_1", "messageID": "msg_2", "type": "text",
                    "text": format!("text of {id}")}),
        )
    };
    let message = |id: &str, created: i64, role: &str| {
        let record = json!({"id": id, "sessionID": "ses_1", "role": role,
                            "time": {"created": created}});
        line(&format!("message/ses_1/{id}"), &record)
    };
    let store = |revert: Value| {
        let session = json!({"id": "ses_1", "projectID": "p", "title": "reverted",
                             "revert": revert, "time": {"created": 1, "updated": 2}});
        store_from_text(
            &[
                line("session/p/ses_1", &session),
                message("msg_1", 1, "user"),
                message("msg_2", 2, "assistant"),
                message("msg_3", 3, "user"),
                part("prt_1"),
                part("prt_2"),
                part("prt_3"),
            ]
            .concat(),
        )
    };
    let at_part = store(json!({"messageID": "msg_2", "partID": "prt_2"}));
    let shown = run_on(at_part.path(), &["show", "ses_1"]).stdout;
    let places = [
        "assistant",
        "text of prt_1",
        "──── reverted from here on (2 parts and 1 later message) ────",
        "text of prt_2",
        "text of prt_3",
    ]
    .map(|text| shown.find(text).unwrap_or_else(|| panic!("{text}: {shown}")));
    assert!(places.is_sorted(), "{shown}");
    let context = run_on(at_part.path(), &["show", "--context", "ses_1"]).stdout;
    assert!(context.contains("text of prt_1") && !context.contains("text of prt_2"), "{context}");
    assert!(context.contains("──── 2 parts and 1 later message reverted ────"), "{context}");
    let context = run_on(at_part.path(), &["show", "--context", "--json", "ses_1"]).json();
    assert_eq!((&context["reverted"], &context["revertedParts"]), (&1.into(), &2.into()));

    // The whole message, also if the part is gone.
    for revert in [json!({"messageID": "msg_2"}), json!({"messageID": "msg_2", "partID": "prt_9"})]
    {
        let whole = store(revert);
        let shown = run_on(whole.path(), &["show", "ses_1"]).stdout;
        let boundary = shown.find("──── reverted from here on (2 messages) ────").unwrap();
        assert!(boundary < shown.find("assistant").unwrap(), "{shown}");
        let context = run_on(whole.path(), &["show", "--context", "--json", "ses_1"]).json();
        assert_eq!((&context["reverted"], context.get("revertedParts")), (&2.into(), None));
    }
}

//! Reproduces opencode's own exports and API answers for every session of the JSON corpus.

use std::collections::BTreeMap;

use scrollback_core_type::{Message, Part};
use scrollback_flow::{
    Export, SessionLoader, SessionScope, run_session_flow, run_session_tree_flow,
};
use serde_json::Value;
use std::ops::ControlFlow;

use crate::store::{corpus_paths, open_store, session_key};

#[test]
fn every_export_equals_what_opencode_printed() {
    let paths = corpus_paths();
    let store = open_store(&paths.storage);
    let exports = paths.exports().unwrap();
    assert_eq!(exports.len(), 59);
    for export in exports {
        let oracle: Value = serde_json::from_slice(&std::fs::read(&export.path).unwrap()).unwrap();
        let exported = run_session_tree_flow(&store, &session_key(&export.session), |tree| {
            serde_json::to_value(Export(tree)).unwrap()
        });
        assert_eq!(exported.unwrap().value, oracle, "{}", export.session);
    }
}

#[test]
fn a_flow_over_the_store_visits_every_session_once() {
    let paths = corpus_paths();
    let store = open_store(&paths.storage);
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let report = run_session_flow(&store, &SessionScope::Store, |tree| {
        let parts = tree.messages.iter().map(|message| message.parts.len()).sum();
        let replaced = counts.insert(tree.node.key.to_string(), (tree.messages.len(), parts));
        assert_eq!(replaced, None);
        assert!(tree.session.is_some());
        ControlFlow::Continue(())
    });
    let total = counts.values().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
    assert_eq!((counts.len(), total), (59, (186, 488)));

    // The corpus is sound. The only issues are messages without parts, and parts that a revert left.
    use scrollback_core_err::IssueKind::{NoParts, OrphanParts};
    let issues = report.unwrap().issues;
    assert!(
        issues.iter().any(|issue| matches!(issue.issue.kind, OrphanParts { count } if count > 0))
    );
    for issue in issues {
        assert!(matches!(issue.issue.kind, NoParts | OrphanParts { .. }), "{issue}");
        assert!(issue.issue.place.path.is_some(), "{issue}");
    }
}

#[test]
fn diffs_and_children_equal_what_the_api_answered() {
    let paths = corpus_paths();
    let store = open_store(&paths.storage);
    let loader = SessionLoader::new(&store);
    let api = std::fs::read(paths.oracle.join("api/children-todo-diff.json")).unwrap();
    let api: BTreeMap<String, Value> = serde_json::from_slice(&api).unwrap();
    assert_eq!(api.len(), 59);
    let (mut diffs, mut children) = (0, 0);
    for (session, oracle) in &api {
        let loaded = loader.load_session_with_diff(&session_key(session)).unwrap();
        let diff = serde_json::to_value(loaded.diff().unwrap().value).unwrap();
        assert_eq!(diff, oracle["diff"], "{session}");
        diffs += diff.as_array().unwrap().len();
        if let Some(parent) = loaded.session().unwrap().value.parent_id {
            let siblings = api[parent.as_str()]["children"].as_array().unwrap();
            assert!(siblings.contains(&Value::from(session.as_str())), "{session}");
            children += 1;
        }
    }
    let listed: usize =
        api.values().map(|session| session["children"].as_array().unwrap().len()).sum();
    assert_eq!(children, listed);
    assert!(diffs > 0 && children > 0);
}

#[test]
fn subagents_are_named_by_the_call_that_started_them() {
    let (store, session) = crate::store::corpus_session("subagents");
    let named = run_session_tree_flow(&store, &session, |tree| {
        let parts = tree.messages.iter().flat_map(|message| &message.parts);
        let calls = parts.filter_map(|part| match &part.part {
            Some(Part::Tool(call)) => call.state.as_ref()?.subagent(),
            _ => None,
        });
        let answers = tree
            .messages
            .iter()
            .filter(|message| matches!(message.message, Some(Message::Assistant(_))));
        assert!(answers.count() > 0);
        calls.collect::<Vec<_>>()
    });
    let named = named.unwrap().value;
    assert!(!named.is_empty());
    let loader = SessionLoader::new(&store);
    for child in named {
        let loaded = loader.load_session(&child.into()).unwrap();
        assert_eq!(loaded.session().unwrap().value.parent_id, Some(session.session.clone()));
    }
}

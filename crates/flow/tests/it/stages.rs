//! Each stage alone: reduced plans, spans without values, and values of one layer.

use scrollback_core_id::EntityKey;
use scrollback_core_type::{StageName, StageReport};
use scrollback_flow::{
    ReadAhead, SessionRefTree, hydrate_message, hydrate_session, hydrate_session_tree,
    plan_session_tree, resolve_session_tree,
};
use scrollback_source::{Reader, Source, SourceExt};

use crate::store::{corpus_session, store_from_text};

fn plan_and_resolve(
    reader: &mut dyn Reader,
    key: &scrollback_core_id::SessionKey,
    ahead: ReadAhead,
) -> (SessionRefTree, StageReport) {
    let plan = plan_session_tree(reader, key, ahead).unwrap();
    let resolved = resolve_session_tree(reader, plan.value).unwrap();
    (resolved.value, resolved.report)
}

#[test]
fn both_ways_of_planning_lead_to_the_same_tree() {
    let (store, key) = corpus_session("subagents");
    let mut reader = store.open().unwrap();
    let (names, named) = plan_and_resolve(&mut *reader, &key, ReadAhead::Names);
    let (ahead, fast) = plan_and_resolve(&mut *reader, &key, ReadAhead::Everything);
    assert_eq!(
        named.run(StageName::Resolve).unwrap().counts,
        fast.run(StageName::Resolve).unwrap().counts
    );
    assert!(named.run(StageName::Resolve).unwrap().counts.bytes > 4_000);
    assert_eq!(format!("{names:?}"), format!("{ahead:?}"));
    let bytes = |tree: &SessionRefTree| tree.spans().map(|span| span.to_vec()).collect::<Vec<_>>();
    assert_eq!(bytes(&names), bytes(&ahead));
    // The messages and parts of a tree that was read at once share one arena.
    let spans: Vec<_> = ahead.spans().skip(1).collect();
    assert!(spans.iter().all(|span| span.is_same_allocation(spans[0])));
}

#[test]
fn a_plan_is_keys_in_order_and_may_be_cut_down() {
    let (store, key) = corpus_session("fix");
    let mut reader = store.open().unwrap();
    let mut plan = plan_session_tree(&mut *reader, &key, ReadAhead::Names).unwrap().value;
    let all: Vec<_> = plan.messages().cloned().collect();
    assert!(all.is_sorted() && all.len() > 3);
    let kept_message = all[2].message.clone();
    plan.retain_parts(|part| part.message == kept_message);
    let planned: Vec<_> = plan.parts().cloned().collect();
    assert!(planned.is_sorted() && !planned.is_empty());

    let tree = resolve_session_tree(&mut *reader, plan).unwrap().value;
    assert_eq!(tree.messages.len(), all.len());
    assert_eq!(tree.part_count(), planned.len());
    assert!(tree.messages.iter().all(|node| node.span.is_some()));

    let mut plan = plan_session_tree(&mut *reader, &key, ReadAhead::Names).unwrap().value;
    plan.retain_messages(|message| message.message == kept_message);
    assert_eq!(plan.messages().count(), 1);
    assert!(plan.parts().eq(planned.iter()));
}

#[test]
fn layers_hydrate_alone_and_borrow_from_the_spans() {
    let (store, key) = corpus_session("large-report");
    let mut reader = store.open().unwrap();
    let (tree, _) = plan_and_resolve(&mut *reader, &key, ReadAhead::Everything);
    let session = hydrate_session(&tree);
    assert_eq!(session.report.runs[0].counts.sessions, 1);
    assert_eq!(session.report.runs[0].counts.parts, 0);
    let title = session.value.as_ref().unwrap().title.as_ref().unwrap().plain().unwrap();
    let span = tree.session.span.as_ref().unwrap();
    assert!(span.as_ptr_range().contains(&title.as_ptr()));

    let whole = hydrate_session_tree(&tree);
    assert_eq!(whole.report.issues, []);
    for node in &tree.messages {
        let one = hydrate_message(&tree, node).value;
        let same =
            whole.value.messages.iter().find(|message| message.node.key == node.key).unwrap();
        assert_eq!(one.message, same.message);
        assert_eq!(one.parts.len(), same.parts.len());
        assert!(one.parts.iter().zip(&same.parts).all(|(a, b)| a.part == b.part));
    }
}

#[test]
fn leaf_bytes_equal_the_file() {
    let (store, key) = corpus_session("rust");
    let mut reader = store.open().unwrap();
    let (tree, _) = plan_and_resolve(&mut *reader, &key, ReadAhead::Everything);
    let mut leaves = 0;
    for part in tree.messages.iter().flat_map(|node| &node.parts) {
        let path = store.locate(&EntityKey::Part(part.key.clone())).unwrap();
        let file = std::fs::read(store.storage().join(path)).unwrap();
        assert_eq!(**part.span.as_ref().unwrap(), *file);
        assert_eq!(*store.read_part_span(&part.key).unwrap(), *file);
        leaves += 1;
    }
    assert!(leaves > 3);
    let path = store.locate(&key.into()).unwrap();
    assert!(store.storage().join(path).is_file());
}

#[test]
fn time_and_counts_are_reported_by_stage() {
    let (store, key) = corpus_session("rust");
    let ran =
        scrollback_flow::run_session_tree_flow(&store, &key, |tree| tree.messages.len()).unwrap();
    let stages: Vec<_> = ran.report.runs.iter().map(|run| run.stage).collect();
    assert_eq!(stages, [StageName::Plan, StageName::Resolve, StageName::Hydrate]);
    for run in &ran.report.runs {
        assert_eq!(run.counts.messages, ran.value, "{:?}", run.stage);
        assert!(run.counts.parts > 0 && run.counts.bytes > 0);
    }
    assert!(ran.report.runs.iter().any(|run| !run.elapsed.is_zero()));
}

#[test]
fn lone_surrogates_are_repaired_once_and_reported() {
    let (_dir, store) = store_from_text(
        r#"
        //- session/p/ses_1.json
        {"id":"ses_1","title":"cut \ud83d","time":{"created":1,"updated":1}}
        //- message/ses_1/msg_1.json
        {"id":"msg_1","sessionID":"ses_1","role":"user","time":{"created":1}}
        //- part/msg_1/prt_1.json
        {"id":"prt_1","messageID":"msg_1","type":"tool","state":{"status":"pending","input":{"a":"\ud83d"}}}
        "#,
    );
    let key = crate::store::session_key("ses_1");
    let mut reader = store.open().unwrap();
    let (tree, report) = plan_and_resolve(&mut *reader, &key, ReadAhead::Everything);
    let kinds: Vec<_> = report.issues.iter().map(|issue| issue.issue.kind.clone()).collect();
    let lone = scrollback_core_err::IssueKind::LoneSurrogates { count: 1 };
    assert_eq!(kinds, [lone.clone(), lone]);
    let hydrated = hydrate_session_tree(&tree);
    assert_eq!(hydrated.report.issues, []);
    assert_eq!(hydrated.value.session.unwrap().title.unwrap(), "cut \u{fffd}");
    // Opaque JSON is repaired too: a strict parser accepts it.
    let Some(scrollback_core_type::Part::Tool(call)) = &hydrated.value.messages[0].parts[0].part
    else {
        panic!("a tool call")
    };
    let input = call.state.as_ref().unwrap().input().unwrap();
    assert_eq!(input.field::<String>("a").unwrap(), "\u{fffd}");
    // The original bytes of the store are still available.
    assert!(
        store
            .read_session_span(&key)
            .unwrap()
            .ends_with(br#"\ud83d","time":{"created":1,"updated":1}}"#)
    );
}

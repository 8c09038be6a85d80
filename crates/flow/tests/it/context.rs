//! Tests `context`: what the model still sees of a session.

use scrollback_core_type::{Message, Part};
use scrollback_flow::{context, run_session_tree_flow};

use crate::store::{corpus_session, session_key, store_from_text};

/// Returns the numbers of compacted, visible and reverted messages, and of pruned outputs.
fn context_counts(step: &str) -> (usize, usize, usize, usize) {
    let (store, session) = corpus_session(step);
    let ran = run_session_tree_flow(&store, &session, |tree| {
        let context = context(tree);
        assert_eq!(
            context.compacted + context.messages.len() + context.reverted,
            tree.messages.len()
        );
        if context.compacted > 0 {
            let first = context.messages[0].message;
            assert!(first.parts.iter().any(|part| matches!(part.part, Some(Part::Compaction(_)))));
            let Some(Message::Assistant(summary)) = &context.messages[1].message.message else {
                panic!("a summary")
            };
            assert_eq!(summary.summary, Some(true));
        }
        let pruned = context
            .messages
            .iter()
            .flat_map(|message| &message.parts)
            .filter(|part| part.pruned)
            .count();
        (context.compacted, context.messages.len(), context.reverted, pruned)
    });
    ran.unwrap().value
}

#[test]
fn real_sessions_start_at_their_last_compaction() {
    let (compacted, visible_messages, reverted, _) = context_counts("compacted");
    assert!(compacted > 0 && visible_messages >= 2 && reverted == 0);
    assert!(context_counts("compact-auto").0 > 0);
    let (compacted, _, reverted, pruned) = context_counts("fix");
    assert_eq!((compacted, reverted, pruned), (0, 0, 0));
}

#[test]
fn real_pruned_outputs_are_marked() {
    assert!(context_counts("pruned").3 > 0);
}

#[test]
fn a_real_pending_revert_hides_what_it_takes_back() {
    assert!(context_counts("reverted").2 > 0);
    assert_eq!(context_counts("unreverted").2, 0);
}

#[test]
fn a_revert_within_a_message_hides_its_later_parts() {
    let text = |revert: &str| {
        format!(
            r#"
            //- session/p/ses_1.json
            {{"id":"ses_1","revert":{revert}}}
            //- message/ses_1/msg_1.json
            {{"role":"user","time":{{"created":1}}}}
            //- message/ses_1/msg_2.json
            {{"role":"assistant","time":{{"created":2}}}}
            //- message/ses_1/msg_3.json
            {{"role":"user","time":{{"created":3}}}}
            //- part/msg_1/prt_1.json
            {{"type":"text","text":"seen"}}
            //- part/msg_1/prt_2.json
            {{"type":"text","text":"not shown to the model","ignored":true}}
            //- part/msg_2/prt_1.json
            {{"type":"text","text":"kept"}}
            //- part/msg_2/prt_2.json
            {{"type":"text","text":"gone"}}
            "#
        )
    };
    let parts = |revert: &str| {
        let (_dir, store) = store_from_text(&text(revert));
        let ran = run_session_tree_flow(&store, &session_key("ses_1"), |tree| {
            let context = context(tree);
            let parts: Vec<usize> =
                context.messages.iter().map(|message| message.parts.len()).collect();
            (parts, context.reverted)
        });
        ran.unwrap().value
    };
    assert_eq!(parts("null"), (vec![1, 2, 0], 0));
    assert_eq!(parts(r#"{"messageID":"msg_2","partID":"prt_2"}"#), (vec![1, 1], 1));
    assert_eq!(parts(r#"{"messageID":"msg_2"}"#), (vec![1], 2));
    assert_eq!(parts(r#"{"messageID":"msg_9"}"#), (vec![1, 2, 0], 0));
}

#[test]
fn an_unfinished_compaction_hides_nothing() {
    let text = |finish: &str| {
        format!(
            r#"
            //- session/p/ses_1.json
            {{"id":"ses_1"}}
            //- message/ses_1/msg_1.json
            {{"role":"user","time":{{"created":1}}}}
            //- message/ses_1/msg_2.json
            {{"role":"user","time":{{"created":2}}}}
            //- part/msg_2/prt_1.json
            {{"type":"compaction","auto":true}}
            //- message/ses_1/msg_3.json
            {{"role":"assistant","parentID":"msg_2","summary":true,{finish}"time":{{"created":3}}}}
            "#
        )
    };
    let compacted = |finish: &str| {
        let (_dir, store) = store_from_text(&text(finish));
        run_session_tree_flow(&store, &session_key("ses_1"), |tree| context(tree).compacted)
            .unwrap()
            .value
    };
    assert_eq!(compacted(""), 0);
    assert_eq!(compacted(r#""finish":"stop","#), 1);
}

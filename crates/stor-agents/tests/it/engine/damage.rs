//! Damage at any byte costs at most the record that it hits.

use std::collections::BTreeSet;
use std::fs;

use proptest::prelude::*;
use scrollback_core_id::{EntityKey, SessionId};
use scrollback_source_test::calls::tree;
use scrollback_stor_agents::crabtalk::Crabtalk;
use scrollback_stor_agents::engine::Dialect;

use super::notes::Notes;
use super::papers::Papers;
use crate::support::{copy_tree, fixture, settled_store};

const RECORDS: usize = 20;

/// Returns the texts that are read from a file, and the number of issues.
fn texts<D: Dialect>(dialect: D, bytes: &[u8]) -> (BTreeSet<String>, usize) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.jsonl"), bytes).unwrap();
    let listing = tree(&settled_store(dialect, dir.path()), &SessionId::new("a").unwrap().into());
    let parts = listing.entries.iter().filter(|entry| matches!(entry.key, EntityKey::Part(_)));
    let text = |bytes: &[u8]| -> Option<String> {
        let part: serde_json::Value = serde_json::from_slice(bytes).unwrap();
        Some(part["text"].as_str()?.to_owned())
    };
    let texts = parts.filter_map(|entry| text(entry.span.as_ref().unwrap())).collect();
    (texts, listing.issues.len())
}

fn records() -> Vec<String> {
    (0..RECORDS).map(|number| format!("{{\"user\":\"text {number} {number}\"}}")).collect()
}

fn expected() -> BTreeSet<String> {
    (0..RECORDS).map(|number| format!("text {number} {number}")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_byte_of_a_log_costs_one_record(at in any::<prop::sample::Index>(), byte: u8) {
        let mut log = (records().join("\n") + "\n").into_bytes();
        let at = at.index(log.len());
        log[at] = byte;
        let (found, issues) = texts(Notes, &log);
        let lost = expected().difference(&found).count();
        prop_assert!(lost <= 1, "{lost} lost, {issues} issues");
        // A byte inside a text makes another text.
        prop_assert!(lost == 0 || issues > 0 || found.len() == RECORDS, "lost without an issue");
    }

    #[test]
    fn a_log_cut_anywhere_has_all_whole_records(at in any::<prop::sample::Index>()) {
        let log = records().join("\n") + "\n";
        let cut = &log.as_bytes()[..at.index(log.len())];
        let whole = String::from_utf8_lossy(cut).matches('}').count();
        let (found, issues) = texts(Notes, cut);
        prop_assert_eq!(found.len(), whole);
        prop_assert_eq!(issues, usize::from(!cut.is_empty() && !cut.ends_with(b"\n") && !cut.ends_with(b"}")));
    }

    /// A changed byte ends a document, but what comes before it is there.
    #[test]
    fn a_changed_byte_of_a_document_costs_what_follows(at in any::<prop::sample::Index>(), byte: u8) {
        let mut document = format!("{{\"messages\":[{}]}}", records().join(",")).into_bytes();
        let at = at.index(document.len());
        let start = document.iter().take(at).filter(|byte| **byte == b'}').count();
        document[at] = byte;
        let (found, issues) = texts(Papers, &document);
        let is_name = at < "{\"messages\":[".len();
        prop_assert!(is_name || found.len() >= start, "{} of {start}", found.len());
        prop_assert!(found.len() == RECORDS || issues > 0 || is_name);
    }

    /// The bytes of step files are arbitrary. The other steps are there.
    #[test]
    fn any_bytes_in_a_step_file_cost_one_step(bytes: Vec<u8>) {
        let dir = tempfile::tempdir().unwrap();
        copy_tree(&fixture("crabtalk/sessions/crab_tg-12345_1"), &dir.path().join("a_b_1"));
        let store = settled_store(Crabtalk, dir.path());
        let session = SessionId::new("a_b_1").unwrap().into();
        let count = |entries: &[scrollback_source::Entry]| {
            entries.iter().filter(|entry| matches!(entry.key, EntityKey::Message(_))).count()
        };
        let before = count(&tree(&store, &session).entries);
        fs::write(dir.path().join("a_b_1/step-000008"), &bytes).unwrap();
        let after = tree(&store, &session);
        prop_assert!(count(&after.entries) >= before - 1);
        prop_assert!(!after.issues.is_empty());
    }
}

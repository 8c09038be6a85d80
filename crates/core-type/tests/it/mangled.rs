//! Mangled real records: nothing crashes, a text that is not JSON is refused, and a text that is still JSON
//! is written as it was read.

use proptest::prelude::*;
use scrollback_core_type::{Entity, order_time, repair_surrogates};
use serde_json::Value;

use crate::corpus::for_each_record;

/// A change of the bytes of a record at one place.
#[derive(Debug, Clone)]
enum Mutation {
    Set(u8),
    Cut,
    Insert(&'static [u8]),
    Remove(usize),
    /// Copies bytes to another place.
    Repeat(usize, prop::sample::Index),
}

fn mutation() -> impl Strategy<Value = (prop::sample::Index, Mutation)> {
    let tokens: Vec<&'static [u8]> = vec![
        b"\"",
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b"\\ud83d",
        b"null",
        b"-1.5e3",
        b"\0",
        b"\\u0000",
        b":",
        b",",
        b"\xff",
        b"\"type\":",
        b"\"secret\":1,",
    ];
    let mutation = prop_oneof![
        any::<u8>().prop_map(Mutation::Set),
        Just(Mutation::Cut),
        prop::sample::select(tokens).prop_map(Mutation::Insert),
        (1_usize..40).prop_map(Mutation::Remove),
        (1_usize..60, any::<prop::sample::Index>()).prop_map(|(len, to)| Mutation::Repeat(len, to)),
    ];
    (any::<prop::sample::Index>(), mutation)
}

fn apply_mutation(bytes: &mut Vec<u8>, at: prop::sample::Index, mutation: &Mutation) {
    if bytes.is_empty() {
        return;
    }
    let at = at.index(bytes.len());
    let until = |len: usize| (at + len).min(bytes.len());
    match mutation {
        Mutation::Set(byte) => bytes[at] = *byte,
        Mutation::Cut => bytes.truncate(at),
        Mutation::Insert(token) => drop(bytes.splice(at..at, token.iter().copied())),
        Mutation::Remove(len) => drop(bytes.drain(at..until(*len))),
        Mutation::Repeat(len, to) => {
            let copy = bytes[at..until(*len)].to_vec();
            let to = to.index(bytes.len());
            bytes.splice(to..to, copy);
        }
    }
}

/// Converts all numbers to doubles, as JavaScript does, and removes the secrets of shares.
fn normalized(mut value: Value) -> Value {
    match &mut value {
        Value::Number(number) => return number.as_f64().map_or(Value::Null, Value::from),
        Value::Array(items) => items.iter_mut().for_each(|value| *value = normalized(value.take())),
        Value::Object(fields) => {
            if let Some(Value::Object(share)) = fields.get_mut("share") {
                share.remove("secret");
            }
            fields.values_mut().for_each(|value| *value = normalized(value.take()));
        }
        _ => {}
    }
    value
}

#[test]
fn mangled_records_are_refused_or_round_trip() {
    let mut records = Vec::new();
    for_each_record(|key, bytes| {
        let share = matches!(key, scrollback_core_id::EntityKey::Share(_));
        if bytes.len() < 4000 && !share {
            records.push((key, bytes));
        }
    });
    assert!(records.len() > 500);
    let mutations = prop::collection::vec(mutation(), 1..4);
    let case = (any::<prop::sample::Index>(), mutations);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(4000));
    let outcome = runner.run(&case, |(record_index, mutations)| {
        let (key, bytes) = &records[record_index.index(records.len())];
        let mut bytes = bytes.clone();
        mutations.iter().for_each(|(at, mutation)| apply_mutation(&mut bytes, *at, mutation));
        let _ = order_time(&bytes);
        let bytes = repair_surrogates(&bytes).map_or(bytes, |(repaired, _)| repaired);
        let strict = serde_json::from_slice::<Value>(&bytes);
        match (Entity::parse(key, &bytes), strict) {
            (Ok(parsed), Ok(stored)) => {
                let written = serde_json::to_string(&parsed.value).unwrap();
                let rewritten: Value = serde_json::from_str(&written).unwrap();
                prop_assert_eq!(normalized(rewritten), normalized(stored));
            }
            (Ok(_), Err(error)) => {
                // Raw JSON may be nested deeper, and have larger numbers, than a `Value` can hold.
                let error = error.to_string();
                let is_kept = error.contains("recursion") || error.contains("out of range");
                prop_assert!(is_kept, "accepted: {}", error);
            }
            (Err(_), Ok(stored)) => {
                let is_list = matches!(
                    key,
                    scrollback_core_id::EntityKey::Diff(_) | scrollback_core_id::EntityKey::Todo(_)
                );
                prop_assert!(is_list || !stored.is_object(), "refused: {}", stored);
            }
            (Err(_), Err(_)) => {}
        }
        Ok(())
    });
    outcome.unwrap();
}

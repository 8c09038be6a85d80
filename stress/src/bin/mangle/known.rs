//! Faults that are known and not repaired yet. The short run of the gate does not fail for them;
//! every other run does. Remove an entry when its fault is repaired.

/// A fault that shows if its symptom and its damage contain these texts.
struct Known {
    symptom: &'static str,
    damage: &'static str,
}

const KNOWN: &[Known] = &[
    // A page of one table in place of another page: SQLite reports no error.
    Known { symptom: "", damage: "swapped with" },
    Known { symptom: "", damage: "replaced by" },
    // SQLite takes the id of a row from the index that it searches, and the number of entries is
    // right. So a part has the id that the damaged entry has, until the indexes are compared.
    Known { symptom: "a part is missing", damage: "bytes of leaf page of index part_message_id" },
];

/// Checks whether a symptom after this damage is a known fault. A panic is never one.
pub(crate) fn is_known(symptom: &str, damage: &str) -> bool {
    symptom != "panic"
        && KNOWN.iter().any(|it| symptom.contains(it.symptom) && damage.contains(it.damage))
}

//! Faults that are known and not repaired yet. The short run of the gate does not fail for them;
//! every other run does. Remove an entry when its fault is repaired.

/// A fault that shows if its symptom and its damage contain these texts.
struct Known {
    symptom: &'static str,
    damage: &'static str,
}

const KNOWN: &[Known] = &[
    // An index with as many rows as its table, but with other keys.
    Known { symptom: "is missing", damage: "index " },
    // Pages of one table that stand in place of pages of another.
    Known { symptom: "", damage: "swapped with" },
    Known { symptom: "", damage: "replaced by" },
    Known { symptom: "is missing", damage: "bytes of a database with a log" },
    // Messages whose session has no record.
    Known { symptom: "a session without its record is missing", damage: "" },
];

/// Checks whether a symptom after this damage is a known fault. A panic is never one.
pub(crate) fn is_known(symptom: &str, damage: &str) -> bool {
    symptom != "panic"
        && KNOWN.iter().any(|it| symptom.contains(it.symptom) && damage.contains(it.damage))
}

//! Finds the numbers of a record that cannot be.

use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_type::{Cost, TokenCounts};

/// Adds one issue for each number of a record that cannot be: counts and costs are never negative. More
/// tokens from the cache than were read give a negative input, because the input leaves out the cache.
pub(crate) fn note_impossible_numbers(
    tokens: Option<&TokenCounts>,
    cost: Option<Cost>,
    issues: &mut Vec<Issue>,
) {
    let mut note = |field: &str, value: String| {
        let place = Place { field: Some(field.to_owned()), ..Place::default() };
        issues.push(Issue::new(place, IssueKind::ImpossibleNumber { value }));
    };
    if let Some(tokens) = tokens {
        let TokenCounts { input, output, reasoning, cache_read, cache_write } = *tokens;
        for (field, value) in [
            ("tokens.input", input),
            ("tokens.output", output),
            ("tokens.reasoning", reasoning),
            ("tokens.cache.read", cache_read),
            ("tokens.cache.write", cache_write),
        ] {
            if value < 0 {
                note(field, value.to_string());
            }
        }
    }
    if let Some(cost) = cost.filter(|cost| *cost < Cost::default()) {
        note("cost", cost.to_string());
    }
}

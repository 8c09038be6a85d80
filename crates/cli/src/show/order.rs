//! The order in which messages are printed: the order of the store, with each question before its
//! answers. Clocks can disagree, so that an answer seems older than its question. An export keeps the
//! order of the program.

use std::collections::{HashMap, HashSet};

use scrollback_core_id::MessageId;
use scrollback_core_type::Message;
use scrollback_flow::{MessageHydrated, SessionHydratedTree, TimelineEntry};

/// Returns the messages in the order in which they are printed.
pub(super) fn messages<'t, 'a>(tree: &'t SessionHydratedTree<'a>) -> Vec<&'t MessageHydrated<'a>> {
    questions_first(tree.messages.iter().collect(), |message| Some(message_ids(message)))
}

/// Returns the messages and items in the order in which they are printed.
pub(super) fn timeline<'t, 'a>(tree: &'t SessionHydratedTree<'a>) -> Vec<TimelineEntry<'t, 'a>> {
    questions_first(tree.timeline().collect(), |entry| match entry {
        TimelineEntry::Message(message) => Some(message_ids(message)),
        TimelineEntry::Item(_) => None,
    })
}

/// Returns the id of a message, and of the message that it answers.
pub(crate) fn message_ids<'t>(
    message: &'t MessageHydrated<'_>,
) -> (&'t MessageId, Option<&'t MessageId>) {
    let question = match &message.message {
        Some(Message::Assistant(answer)) => answer.parent_id.as_ref(),
        _ => None,
    };
    (&message.node.key.message, question)
}

/// Moves each entry that answers a later entry to a place directly after that entry. The other entries
/// keep their order. `ids` returns the id of an entry, and the id of the entry that it answers.
pub(crate) fn questions_first<'t, T: Copy, I: Eq + std::hash::Hash + ?Sized + 't>(
    entries: Vec<T>,
    ids: impl Fn(&T) -> Option<(&'t I, Option<&'t I>)>,
) -> Vec<T> {
    let later: HashSet<&I> = entries.iter().filter_map(|entry| Some(ids(entry)?.0)).collect();
    let mut waiting: HashMap<&I, Vec<usize>> = HashMap::new();
    let (mut printed, mut order) = (HashSet::new(), Vec::with_capacity(entries.len()));
    for (at, entry) in entries.iter().enumerate() {
        if let Some((id, Some(question))) = ids(entry)
            && question != id
            && later.contains(question)
            && !printed.contains(question)
        {
            waiting.entry(question).or_default().push(at);
            continue;
        }
        let mut next = vec![at];
        while let Some(at) = next.pop() {
            order.push(at);
            if let Some((id, _)) = ids(&entries[at]) {
                printed.insert(id);
                next.extend(waiting.remove(id).into_iter().flatten().rev());
            }
        }
    }
    // Damaged records can answer each other.
    let mut left: Vec<usize> = waiting.into_values().flatten().collect();
    left.sort_unstable();
    order.extend(left);
    order.into_iter().map(|at| entries[at]).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sorted(entries: &[(u8, Option<u8>)]) -> Vec<u8> {
        let entries: Vec<&(u8, Option<u8>)> = entries.iter().collect();
        let sorted = questions_first(entries, |(id, question)| Some((id, question.as_ref())));
        sorted.into_iter().map(|(id, _)| *id).collect()
    }

    /// Source: reports anomalyco/opencode#46102 and #28618 (case 20-answer-before-question).
    #[test]
    fn answers_follow_their_questions() {
        // In order already, a question that is gone, an answer to itself.
        assert_eq!(sorted(&[(1, None), (2, Some(1)), (3, Some(9)), (4, Some(4))]), [1, 2, 3, 4]);
        // Several answers before their question, and one after it.
        assert_eq!(
            sorted(&[(2, Some(1)), (3, Some(1)), (1, None), (4, Some(1)), (5, None)]),
            [1, 2, 3, 4, 5]
        );
        // An answer to an answer.
        assert_eq!(sorted(&[(3, Some(2)), (2, Some(1)), (1, None)]), [1, 2, 3]);
        assert_eq!(sorted(&[(1, Some(2)), (2, Some(1)), (3, None)]), [3, 1, 2]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_only_answers_move(
            questions in prop::collection::vec(prop::option::of(0_u8..20), 0..20),
        ) {
            let entries: Vec<(u8, Option<u8>)> =
                questions.into_iter().enumerate().map(|(id, it)| (id as u8, it)).collect();
            let order = sorted(&entries);
            let mut ids = order.clone();
            ids.sort_unstable();
            prop_assert_eq!(ids, (0..entries.len() as u8).collect::<Vec<_>>());
            let without: Vec<u8> = entries.iter().filter(|it| it.1.is_none()).map(|it| it.0).collect();
            let kept: Vec<u8> = order.into_iter().filter(|id| without.contains(id)).collect();
            prop_assert_eq!(kept, without);
        }
    }
}

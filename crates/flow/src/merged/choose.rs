//! The rule that chooses among the copies of one session.

use std::cmp::Reverse;
use std::collections::HashSet;

use scrollback_core_id::MessageId;
use scrollback_source::Result;

/// The part of a copy that the rule always compares. Copies are in the order of preference.
#[derive(Debug, Default)]
pub(super) struct CopyOutline {
    /// The rank of its storage format.
    pub(super) format_rank: u32,
    /// The ids of its messages.
    pub(super) messages: HashSet<MessageId>,
}

/// Chooses the copy that supplies the session, and returns its position.
///
/// Within one storage format, the first copy wins if it has all messages of the others. Otherwise the copy
/// with the newest message wins, then the copy with the most messages, then the first copy. Between
/// storage formats the newer one wins, unless the older one has a newer message. `newest_of` returns the
/// time of a copy's newest message; it is called only if the messages do not decide.
pub(super) fn choose(
    copies: &[CopyOutline],
    newest_of: &mut dyn FnMut(usize) -> Result<Option<i64>>,
) -> Result<usize> {
    let mut format_ranks: Vec<u32> = copies.iter().map(|copy| copy.format_rank).collect();
    format_ranks.sort_unstable_by_key(|format_rank| Reverse(*format_rank));
    format_ranks.dedup();
    let mut chosen = None;
    for format_rank in format_ranks {
        let best = best_of_format(copies, format_rank, newest_of)?;
        chosen = match chosen {
            Some(newer) if newest_of(best)? <= newest_of(newer)? => Some(newer),
            _ => Some(best),
        };
    }
    Ok(chosen.unwrap_or_default())
}

fn best_of_format(
    copies: &[CopyOutline],
    format_rank: u32,
    newest_of: &mut dyn FnMut(usize) -> Result<Option<i64>>,
) -> Result<usize> {
    let of_format: Vec<usize> =
        (0..copies.len()).filter(|at| copies[*at].format_rank == format_rank).collect();
    let first = of_format.first().copied().unwrap_or_default();
    let has_all = |at: &usize| copies[*at].messages.is_subset(&copies[first].messages);
    if of_format.iter().all(has_all) {
        return Ok(first);
    }
    let mut best = None;
    for at in of_format {
        let rank = (newest_of(at)?, copies[at].messages.len());
        if best.is_none_or(|(_, best_rank)| rank > best_rank) {
            best = Some((at, rank));
        }
    }
    Ok(best.map_or(first, |(at, _)| at))
}

/// Returns the copies of the chosen copy's storage format that have messages which it lacks, each with
/// the number of these messages.
pub(super) fn lost_messages(copies: &[CopyOutline], chosen: usize) -> Vec<(usize, usize)> {
    let chosen = &copies[chosen];
    let lost = copies.iter().enumerate().map(|(at, copy)| {
        let is_comparable = copy.format_rank == chosen.format_rank;
        let lost = || copy.messages.difference(&chosen.messages).count();
        (at, if is_comparable { lost() } else { 0 })
    });
    lost.filter(|(_, lost)| *lost > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(copies: &[(u32, &[&str], Option<i64>)]) -> (usize, Vec<(usize, usize)>) {
        let outline = |(format_rank, messages, _): &(u32, &[&str], Option<i64>)| CopyOutline {
            format_rank: *format_rank,
            messages: messages.iter().map(|id| MessageId::new(id).unwrap()).collect(),
        };
        let outlines: Vec<CopyOutline> = copies.iter().map(outline).collect();
        let chosen = choose(&outlines, &mut |at| Ok(copies[at].2)).unwrap();
        (chosen, lost_messages(&outlines, chosen))
    }

    #[test]
    fn the_newer_generation_wins_unless_the_older_has_a_newer_message() {
        let (old, new) = (["a", "b", "c"], ["x"]);
        assert_eq!(chosen(&[(0, &old, Some(5)), (1, &new, Some(5))]), (1, vec![]));
        assert_eq!(chosen(&[(0, &old, Some(6)), (1, &new, Some(5))]), (0, vec![]));
        assert_eq!(chosen(&[(1, &[], None), (0, &old, None)]), (0, vec![]));
        assert_eq!(chosen(&[(1, &[], None), (0, &old, Some(1))]), (1, vec![]));
        // The best copy of the older storage format is the one that counts.
        let copies = [(0, &old[..1], Some(1)), (1, &new, Some(5)), (0, &old, Some(7))];
        assert_eq!(chosen(&copies), (2, vec![]));
    }

    #[test]
    fn the_first_copy_wins_ties_and_supersets() {
        // The times of a first copy that has everything are not read.
        let all = CopyOutline { messages: [MessageId::new("a").unwrap()].into(), format_rank: 0 };
        let copies = [all, CopyOutline::default()];
        assert_eq!(choose(&copies, &mut |_| unreachable!()).unwrap(), 0);
        assert_eq!(chosen(&[(0, &["a"], Some(5)), (0, &["b"], Some(5))]), (0, vec![(1, 1)]));
        assert_eq!(chosen(&[(0, &["a"], Some(5)), (0, &["a", "b"], Some(5))]), (1, vec![]));
        assert_eq!(chosen(&[(0, &["a", "c"], Some(5)), (0, &["b"], Some(6))]), (1, vec![(0, 2)]));
    }
}

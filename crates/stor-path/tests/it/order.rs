//! The order of parts, above all if the clock of ids starts over between two of them.

use proptest::prelude::*;
use scrollback_core_id::{OrderKey, PartId};
use scrollback_stor_path::opencode::circular_orders;

/// A little less than half the period of the clock of ids, in milliseconds.
const DAYS_397_MS: i64 = 397 * 86_400_000;

/// The times when the clock of ids starts over, in Unix milliseconds, from 2022 to 2028.
const CLOCK_WRAPS_MS: [i64; 4] =
    [1_649_267_441_664, 1_717_986_918_400, 1_786_706_395_136, 1_855_425_871_872];

/// Returns an id as opencode makes it at this time.
fn part_id(ms: i64, counter: u64) -> PartId {
    let ticks = (i128::from(ms) * 4096 + i128::from(counter)).rem_euclid(1 << 48);
    PartId::new(&format!("prt_{ticks:012x}0123456789ABCD")).unwrap()
}

/// Returns the ids in their order. Ids with equal orders are sorted by their bytes.
fn sorted(ids: &[PartId]) -> Vec<PartId> {
    let mut ordered: Vec<_> = circular_orders(ids.iter()).into_iter().zip(ids.to_vec()).collect();
    ordered.sort();
    ordered.into_iter().map(|(_, id)| id).collect()
}

#[test]
fn no_parts_have_no_orders() {
    assert_eq!(circular_orders([].iter()), []);
}

#[test]
fn parts_that_straddle_a_wrap_stay_in_order() {
    for wrap in CLOCK_WRAPS_MS {
        let ids = [
            part_id(wrap - 86_400_000, 1),
            part_id(wrap - 1, 4095),
            part_id(wrap, 0),
            part_id(wrap, 1),
            part_id(wrap + 86_400_000, 1),
        ];
        let mut as_text = ids.to_vec();
        as_text.sort();
        assert_ne!(as_text, ids);
        assert_eq!(sorted(&ids), ids);
        assert_eq!(sorted(&as_text), ids);
    }
}

#[test]
fn ids_without_a_clock_come_last_in_the_order_of_their_bytes() {
    let foreign = |text| PartId::new(text).unwrap();
    let wrap = CLOCK_WRAPS_MS[2];
    let ids =
        [foreign("a"), part_id(wrap, 1), foreign("Z"), part_id(wrap - 1, 1), foreign("prt_zz")];
    assert_eq!(
        sorted(&ids),
        [part_id(wrap - 1, 1), part_id(wrap, 1), foreign("Z"), foreign("a"), foreign("prt_zz")]
    );
    let orders = circular_orders([foreign("a"), foreign("Z")].iter());
    assert_eq!(orders, [OrderKey(i64::MAX); 2]);
}

proptest! {
    #[test]
    fn the_order_is_that_of_time_however_the_directory_lists(
        wrap in prop::sample::select(&CLOCK_WRAPS_MS[..]),
        times in prop::collection::btree_set((-DAYS_397_MS / 2..DAYS_397_MS / 2, 0..4096_u64), 0..20),
        seed in any::<prop::sample::Index>(),
    ) {
        let ids: Vec<_> = times.iter().map(|&(ms, counter)| part_id(wrap + ms, counter)).collect();
        prop_assert_eq!(&sorted(&ids), &ids);
        let mut listed = ids.clone();
        listed.reverse();
        if !listed.is_empty() {
            let at = seed.index(listed.len());
            listed.rotate_left(at);
        }
        prop_assert_eq!(&sorted(&listed), &ids);
        // The order of an id does not depend on its position in the list.
        let mut one: Vec<_> = ids.iter().cloned().zip(circular_orders(ids.iter())).collect();
        let mut two: Vec<_> = listed.iter().cloned().zip(circular_orders(listed.iter())).collect();
        one.sort();
        two.sort();
        prop_assert_eq!(one, two);
    }
}

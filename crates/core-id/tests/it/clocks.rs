//! The time inside an id: real ids, wraps, references, counters.

use proptest::prelude::*;
use scrollback_core_id::{
    EventId, MessageId, PartId, PermissionId, QuestionId, SessionId, ToolOutputId, WorkspaceId,
};

use crate::id_text::{DAYS_397_MS, HALF_MS, PERIOD_MS, WRAPS_MS, ascending_id, descending_id};

fn session(text: &str) -> SessionId {
    SessionId::new(text).unwrap()
}

fn message(text: &str) -> MessageId {
    MessageId::new(text).unwrap()
}

#[test]
fn every_prefix_has_its_clock() {
    let (ms, reference) = (1_795_219_175_055, 1_790_000_000_000);
    let session = session(&descending_id("ses", ms, 7));
    assert_eq!(session.time(reference), Some(ms));
    assert_eq!(session.clock().unwrap().counter(), 7);
    macro_rules! ascends {
        ($($id:ty, $prefix:literal);+) => {$(
            let id = <$id>::new(&ascending_id($prefix, ms, 7)).unwrap();
            assert_eq!(id.time(reference), Some(ms), "{id}");
            assert_eq!(id.clock().unwrap().counter(), 7, "{id}");
            assert_eq!(id.clock().unwrap().millis(), ms % PERIOD_MS, "{id}");
        )+};
    }
    ascends!(
        MessageId, "msg"; PartId, "prt"; PermissionId, "per"; QuestionId, "que";
        EventId, "evt"; WorkspaceId, "wrk"; ToolOutputId, "tool"
    );
}

#[test]
fn the_clock_restarts_at_each_wrap() {
    for wrap in WRAPS_MS {
        let (last, first) = (ascending_id("msg", wrap - 1, 1), ascending_id("msg", wrap, 1));
        assert_eq!(&last[4..16], "fffffffff001");
        assert_eq!(&first[4..16], "000000000001");
        let (last, first) = (message(&last), message(&first));
        assert!(first < last, "as text, the later id comes first");
        assert_eq!(first.clock().unwrap().ticks_after(last.clock().unwrap()), 4096);
        assert_eq!(last.clock().unwrap().ticks_after(first.clock().unwrap()), -4096);
        // Both ids decode correctly with any reference near the wrap, before or after it.
        for reference in [wrap - DAYS_397_MS, wrap - 1, wrap, wrap + DAYS_397_MS] {
            assert_eq!(last.time(reference), Some(wrap - 1), "{reference}");
            assert_eq!(first.time(reference), Some(wrap), "{reference}");
        }
        let (last, first) = (descending_id("ses", wrap - 1, 1), descending_id("ses", wrap, 1));
        assert_eq!((&last[4..16], &first[4..16]), ("000000000ffe", "fffffffffffe"));
        assert_eq!(session(&last).time(wrap), Some(wrap - 1));
        assert_eq!(session(&first).time(wrap), Some(wrap));
    }
}

#[test]
fn a_reference_is_good_for_half_a_period() {
    let ms = 1_795_219_175_055;
    let clock = message(&ascending_id("msg", ms, 1)).clock().unwrap();
    assert_eq!(clock.nearest(ms), ms);
    assert_eq!(clock.nearest(ms + HALF_MS), ms, "exactly half a period: the earlier one");
    assert_eq!(clock.nearest(ms + HALF_MS + 1), ms + PERIOD_MS);
    assert_eq!(clock.nearest(ms - HALF_MS + 1), ms);
    assert_eq!(clock.nearest(ms - HALF_MS), ms - PERIOD_MS);
}

#[test]
fn extreme_references_do_not_overflow() {
    let clock = message(&ascending_id("msg", 1_795_219_175_055, 1)).clock().unwrap();
    for reference in [i64::MIN, i64::MIN + HALF_MS, -1, 0, 1, i64::MAX - HALF_MS, i64::MAX] {
        assert!(clock.nearest(reference).abs_diff(reference) <= HALF_MS as u64, "{reference}");
    }
    assert_eq!(clock.nearest(0).rem_euclid(PERIOD_MS), clock.millis());
    assert_eq!(clock.nearest(-PERIOD_MS).rem_euclid(PERIOD_MS), clock.millis());
}

#[test]
fn more_than_4095_ids_carry_into_the_next_millisecond() {
    let ms = 1_795_219_175_055;
    let last = message(&ascending_id("msg", ms, 4095)).clock().unwrap();
    let next = message(&ascending_id("msg", ms, 4096)).clock().unwrap();
    assert_eq!((last.nearest(ms), last.counter()), (ms, 4095));
    assert_eq!((next.nearest(ms), next.counter()), (ms + 1, 0));
    assert_eq!(next.ticks_after(last), 1);

    let wrap = WRAPS_MS[2];
    let carried = message(&ascending_id("msg", wrap - 1, 4096)).clock().unwrap();
    assert_eq!((carried.nearest(wrap), carried.counter()), (wrap, 0), "also across a wrap");
}

#[test]
fn no_clock_without_prefix_and_twelve_hex_digits() {
    for text in [
        "x",
        "msg",
        "msg_",
        "msg_1fb66b68f00",                // eleven digits
        "msg_1fb66b68f00G",               // not a hex digit
        "msg_1FB66B68F001ABCDEFGHIJKLMN", // upper case
        "msg_1fb66b68f00é",
        "Msg_1fb66b68f001ABCDEFGHIJKLMN",
        "prt_1fb66b68f001ABCDEFGHIJKLMN", // another prefix
        " msg_1fb66b68f001ABCDEFGHIJKLMN",
    ] {
        let id = message(text);
        assert_eq!((id.clock(), id.time(0)), (None, None), "{text}");
    }
}

#[test]
fn an_id_of_another_length_still_has_a_clock() {
    for text in [
        "msg_1fb66b68f001",
        "msg_1fb66b68f001ABCDEFGHIJKLM",   // 13 more
        "msg_1fb66b68f001ABCDEFGHIJKLMNO", // 15 more
        "msg_1fb66b68f001ABCDEFGHIJKLM-",
    ] {
        let id = message(text);
        assert!(id.clock().is_some(), "{text}");
    }
}

proptest! {
    #[test]
    fn encoded_times_are_decoded(
        ms in 0..4_000_000_000_000_i64,
        distance_ms in -DAYS_397_MS..=DAYS_397_MS,
        counter in 0..4096_u64,
    ) {
        let message = message(&ascending_id("msg", ms, counter));
        prop_assert_eq!(message.time(ms + distance_ms), Some(ms));
        prop_assert_eq!(u64::from(message.clock().unwrap().counter()), counter);
        let session = session(&descending_id("ses", ms, counter));
        prop_assert_eq!(session.time(ms + distance_ms), Some(ms));
        prop_assert_eq!(session.clock(), message.clock());
    }

    #[test]
    fn decoding_agrees_with_the_fixtures(
        ms in 0..4_000_000_000_000_i64,
        reference in 0..4_000_000_000_000_i64,
        counter in 0..4096_u64,
    ) {
        for id in [ascending_id("msg", ms, counter), descending_id("ses", ms, counter)] {
            let expected = scrollback_fixtures::ids::decode(&id, reference);
            prop_assert!(expected.is_some());
            let time = match id.starts_with("ses") {
                true => session(&id).time(reference),
                false => message(&id).time(reference),
            };
            prop_assert_eq!(time, expected);
        }
    }

    #[test]
    fn circular_distance_is_the_distance_in_time(
        ms in 0..4_000_000_000_000_i64,
        distance_ms in -DAYS_397_MS..=DAYS_397_MS,
        counters in (0..4096_u64, 0..4096_u64),
    ) {
        let other = (ms + distance_ms).max(0);
        let clock = message(&ascending_id("msg", ms, counters.0)).clock().unwrap();
        let other_clock = message(&ascending_id("msg", other, counters.1)).clock().unwrap();
        let ticks = (other - ms) * 4096 + counters.1 as i64 - counters.0 as i64;
        prop_assert_eq!(other_clock.ticks_after(clock), ticks);
        prop_assert_eq!(clock.ticks_after(other_clock), -ticks);
    }
}

//! Costs and sums of usage are exact in any order, and are printed without loss.

use proptest::prelude::*;
use scrollback_core_type::{Cost, RecordedTotals, Role, TokenCounts, Usage, UsageSum};

fn dollars(amount: f64) -> String {
    Cost::from_dollars(amount).to_string()
}

#[test]
fn costs_print_as_the_shortest_decimal() {
    for (amount, text) in [
        (0.0, "0"),
        (-0.0, "0"),
        (0.0123, "0.0123"),
        (0.1 + 0.2, "0.3"),
        (1.0, "1"),
        (100.0, "100"),
        (1e-12, "0.000000000001"),
        (4e-13, "0"),
        (6e-13, "0.000000000001"),
        (-2.5, "-2.5"),
        (-0.000_001, "-0.000001"),
        (1_234.678_9, "1234.6789"),
        (123_456_789_012.0, "123456789012"),
        (1e15, "1000000000000000"),
        (1e17, "10000000000000000"),
        (f64::MAX, "10000000000000000"),
        (f64::MIN, "-10000000000000000"),
        (f64::MIN_POSITIVE, "0"),
        (5e-324, "0"),
        (f64::NAN, "0"),
        (f64::INFINITY, "0"),
        (f64::NEG_INFINITY, "0"),
    ] {
        assert_eq!(dollars(amount), text, "{amount:e}");
        assert_eq!(serde_json::to_string(&Cost::from_dollars(amount)).unwrap(), text);
    }
    assert_eq!(format!("{:>6}|", Cost::from_dollars(0.5)), "   0.5|");
    assert_eq!(Cost::from_units(i128::MIN).to_string().len(), 41);
}

#[test]
fn halves_of_a_unit_round_away_from_zero() {
    // 2^-13 dollars are 122,070,312.5 units, which a double holds exactly.
    assert_eq!(Cost::from_dollars(f64::from(2).powi(-13)).units(), 122_070_313);
    assert_eq!(Cost::from_dollars(-f64::from(2).powi(-13)).units(), -122_070_313);
}

#[test]
fn sums_saturate() {
    let mut sum = Cost::from_units(i128::MAX);
    sum += Cost::from_dollars(1.0);
    assert_eq!(sum, Cost::from_units(i128::MAX));
    let limit = Cost::MAX_OF_RECORD.units();
    assert!(limit.checked_mul(1 << 32).is_some());
    assert_eq!(
        [0.1, 0.2, 0.3].map(Cost::from_dollars).into_iter().sum::<Cost>().to_string(),
        "0.6"
    );
}

#[test]
fn only_original_answers_count() {
    let tokens = TokenCounts { input: 3, ..TokenCounts::default() };
    let used_by = |role, is_copy| {
        let cost = Some(Cost::from_dollars(0.5));
        let usage = Usage::of_message(role, is_copy, Some(tokens), cost);
        (usage.messages, usage.tokens.total(), usage.cost.to_string())
    };
    assert_eq!(used_by(Role::Assistant, false), (1, 3, "0.5".to_owned()));
    assert_eq!(used_by(Role::Assistant, true), (1, 0, "0".to_owned()));
    assert_eq!(used_by(Role::User, false), (1, 0, "0".to_owned()));
    assert_eq!(used_by(Role::Unknown, false), (1, 0, "0".to_owned()));
}

#[test]
fn recorded_totals_below_the_sum_of_messages_are_ignored() {
    let tokens = |input, output| TokenCounts { input, output, ..TokenCounts::default() };
    let totals = |tokens, cost| RecordedTotals { tokens, cost: Cost::from_dollars(cost) };
    let cost = Cost::from_dollars(0.3);
    let summed = Usage { messages: 3, tokens: tokens(10, 5), cost };
    for (record, is_used) in [
        (totals(tokens(12, 5), 0.4), true),
        (totals(tokens(10, 5), 0.1 + 0.2), true),
        (totals(tokens(10, 5), 0.3 - 1e-10), true),
        (totals(tokens(10, 5), 0.3 - 1e-9), false),
        (totals(tokens(10, 5), 0.29), false),
        (totals(tokens(99, 4), 0.4), false),
        (RecordedTotals::default(), false),
    ] {
        let RecordedTotals { tokens, cost } = record;
        let expected = if is_used { Usage { messages: 3, tokens, cost } } else { summed };
        assert_eq!(summed.or_recorded_totals(Some(record)), expected, "{record:?}");
    }
    assert_eq!(summed.or_recorded_totals(None), summed);
    let none = Usage::default();
    assert_eq!(none.or_recorded_totals(Some(RecordedTotals::default())), none);
}

fn usage() -> impl Strategy<Value = Usage> {
    let count = || prop_oneof![-5..100_i64, Just(i64::MAX), Just(i64::MIN)];
    let cost = prop_oneof![-1.0..100.0_f64, Just(f64::MAX), Just(f64::MIN)];
    (prop::array::uniform5(count()), cost).prop_map(|(counts, cost)| {
        let [input, output, reasoning, cache_read, cache_write] = counts;
        let tokens = TokenCounts { input, output, reasoning, cache_read, cache_write };
        Usage { messages: 1, tokens, cost: Cost::from_dollars(cost) }
    })
}

proptest! {
    /// A cost with up to 15 digits is printed as the decimal that was read.
    #[test]
    fn decimals_round_trip(units in 0..1_000_000_000_000_000_i128) {
        let text = Cost::from_units(units).to_string();
        prop_assert_eq!(Cost::from_dollars(text.parse().unwrap()).units(), units);
        prop_assert_eq!(Cost::from_units(units).dollars(), text.parse::<f64>().unwrap());
    }

    /// Subtracting in any order undoes adding, even if a count exceeds the limits.
    #[test]
    fn subtraction_undoes_addition(all in prop::collection::vec(usage(), 0..20), cut in 0..20_usize) {
        let cut = cut.min(all.len());
        let mut sum = UsageSum::default();
        all.iter().for_each(|usage| sum.add(usage));
        all[cut..].iter().rev().for_each(|usage| sum.subtract(usage));
        let mut first = UsageSum::default();
        all[..cut].iter().for_each(|usage| first.add(usage));
        prop_assert_eq!(sum, first);
        prop_assert_eq!(sum.usage().messages, cut as u64);
        let inputs: i128 = all[..cut].iter().map(|usage| i128::from(usage.tokens.input)).sum();
        let clamped = inputs.clamp(i64::MIN.into(), i64::MAX.into());
        prop_assert_eq!(i128::from(sum.usage().tokens.input), clamped);
    }
}

//! Costs and sums of usage are exact in any order, and are printed without loss.

use proptest::prelude::*;
use scrollback_core_type::{Cost, RecordedTotals, Role, StepTotals, TokenCounts, Usage, UsageSum};

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
        let usage = Usage::of_message(role, is_copy, Some(tokens), cost, None);
        (usage.messages, usage.tokens.total(), usage.cost.to_string())
    };
    assert_eq!(used_by(Role::Assistant, false), (1, 3, "0.5".to_owned()));
    assert_eq!(used_by(Role::Assistant, true), (1, 0, "0".to_owned()));
    assert_eq!(used_by(Role::User, false), (1, 0, "0".to_owned()));
    assert_eq!(used_by(Role::Unknown, false), (1, 0, "0".to_owned()));
}

#[test]
fn the_larger_one_of_recorded_totals_and_sum_counts() {
    let tokens = |input, output| TokenCounts { input, output, ..TokenCounts::default() };
    let totals = |tokens, cost| RecordedTotals { tokens, cost: Cost::from_dollars(cost) };
    let cost = Cost::from_dollars(0.3);
    let summed = Usage { messages: 3, tokens: tokens(10, 5), cost };
    for (record, counted) in [
        (totals(tokens(12, 5), 0.4), totals(tokens(12, 5), 0.4)),
        (totals(tokens(10, 5), 0.1 + 0.2), totals(tokens(10, 5), 0.3)),
        (totals(tokens(10, 5), 0.3 - 1e-10), totals(tokens(10, 5), 0.3 - 1e-10)),
        (totals(tokens(10, 5), 0.3 - 1e-9), totals(tokens(10, 5), 0.3)),
        (totals(tokens(10, 5), 0.29), totals(tokens(10, 5), 0.3)),
        (totals(tokens(99, 4), 0.2), totals(tokens(99, 5), 0.3)),
        (totals(tokens(-7, 6), 0.4), totals(tokens(10, 6), 0.4)),
        (RecordedTotals::default(), totals(tokens(10, 5), 0.3)),
    ] {
        let RecordedTotals { tokens, cost } = counted;
        let expected = Usage { messages: 3, tokens, cost };
        assert_eq!(summed.or_recorded_totals(Some(record)), expected, "{record:?}");
    }
    assert_eq!(summed.or_recorded_totals(None), summed);
    let none = Usage::default();
    assert_eq!(none.or_recorded_totals(Some(RecordedTotals::default())), none);
}

/// Sources: anomalyco/opencode#42324 and #21913.
#[test]
fn the_larger_one_of_an_answer_and_its_steps_counts_field_by_field() {
    let own = TokenCounts { input: 200, output: 20, cache_read: 1000, ..TokenCounts::default() };
    let step = |input, cache_write, cost| StepTotals {
        tokens: TokenCounts { input, output: 5, cache_write, ..TokenCounts::default() },
        cost: Cost::from_dollars(cost),
    };
    let mut steps = StepTotals::default();
    [step(100, 50, 0.01), step(200, 0, 0.02)].into_iter().for_each(|step| steps.add(step));
    let cost = Some(Cost::from_dollars(0.025));
    let used = Usage::of_message(Role::Assistant, false, Some(own), cost, Some(&steps));
    let expected = TokenCounts { input: 300, cache_write: 50, ..own };
    assert_eq!((used.tokens, used.cost.to_string()), (expected, "0.03".to_owned()));
    let copied = Usage::of_message(Role::Assistant, true, Some(own), cost, Some(&steps));
    assert_eq!(copied, Usage { messages: 1, ..Usage::default() });

    let recorded = RecordedTotals { tokens: expected, cost: Cost::from_dollars(0.03) };
    let sum = StepTotals { tokens: used.tokens, cost: used.cost };
    assert!(recorded.are_sum(&sum) && !recorded.are_sum(&steps));
    assert!(!recorded.without_copy(&step(1, 0, 0.0)).are_sum(&sum));
    assert_eq!(recorded.without_copy(&steps).cost, Cost::ZERO);
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
        for usage in all[cut..].iter().rev() {
            let mut one = UsageSum::default();
            one.add(usage);
            sum -= one;
        }
        let mut first = UsageSum::default();
        all[..cut].iter().for_each(|usage| first.add(usage));
        prop_assert_eq!(sum, first);
        prop_assert_eq!(sum.usage().messages, cut as u64);
        let inputs: i128 = all[..cut].iter().map(|usage| i128::from(usage.tokens.input)).sum();
        let clamped = inputs.clamp(i64::MIN.into(), i64::MAX.into());
        prop_assert_eq!(i128::from(sum.usage().tokens.input), clamped);
    }
}

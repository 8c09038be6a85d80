//! Ratios of timings, and the limits that judge them.

use std::fmt;

use serde::Serialize;

use crate::Timing;

/// The limits of the ratio of two contestants.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// The contestant that is judged.
    pub contestant: &'static str,
    /// The contestant that it is compared with.
    pub baseline: &'static str,
    /// The limit: a greater ratio fails.
    pub max: f64,
    /// The goal.
    pub goal: f64,
    /// A ratio that would be remarkable.
    pub stretch: f64,
}

/// The limit of the memory of a contestant.
#[derive(Debug, Clone, Copy)]
pub struct MemoryLimit {
    /// The contestant that is judged.
    pub contestant: &'static str,
    /// The limit of the peak in kilobytes (1,024 bytes), for one run alone in a process, above the
    /// memory before that run.
    pub max_kb: u64,
}

impl MemoryLimit {
    /// Judges a peak, in kilobytes.
    pub fn judge(&self, peak_kb: u64) -> Verdict {
        if peak_kb <= self.max_kb { Verdict::Pass } else { Verdict::Fail }
    }
}

/// The result of judging a ratio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the fields of Limit explain the variants")]
pub enum Verdict {
    Fail,
    Pass,
    Goal,
    Stretch,
}

impl Limit {
    /// Judges a ratio.
    pub fn judge(&self, ratio: f64) -> Verdict {
        match ratio {
            ratio if ratio <= self.stretch => Verdict::Stretch,
            ratio if ratio <= self.goal => Verdict::Goal,
            ratio if ratio <= self.max => Verdict::Pass,
            _ => Verdict::Fail, // NaN fails too
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Fail => "FAIL",
            Self::Pass => "PASS",
            Self::Goal => "PASS, goal met",
            Self::Stretch => "PASS, stretch met",
        })
    }
}

/// The ratio of two contestants over the rounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Ratio {
    /// The median of the rounds.
    pub median: f64,
    /// The least ratio of a round.
    pub min: f64,
    /// The greatest ratio of a round.
    pub max: f64,
}

impl Ratio {
    /// Computes the ratio of `contestant` to `baseline` for each round. Both need the same rounds.
    pub fn new(contestant: &Timing, baseline: &Timing) -> Self {
        let pairs = contestant.rounds.iter().zip(&baseline.rounds);
        let mut ratios: Vec<f64> =
            pairs.map(|(contestant, baseline)| contestant / baseline).collect();
        Self {
            median: median(&mut ratios),
            min: ratios.first().copied().unwrap_or(f64::NAN),
            max: ratios.last().copied().unwrap_or(f64::NAN),
        }
    }
}

impl Timing {
    /// Returns the median over the rounds, in seconds.
    pub fn median(&self) -> f64 {
        median(&mut self.rounds.clone())
    }
}

/// Sorts the values, and returns the median: the middle value, or the mean of the two middle
/// values.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => values[odd / 2],
        even => f64::midpoint(values[even / 2 - 1], values[even / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit =
        Limit { contestant: "a", baseline: "b", max: 1.35, goal: 1.2, stretch: 1.1 };

    #[test]
    fn ratios_are_paired_by_round() {
        // In the second round the machine was three times slower, for both contestants.
        let slow = Timing { name: "a", rounds: vec![2.0, 6.6, 2.4] };
        let fast = Timing { name: "b", rounds: vec![2.0, 6.0, 2.0] };
        let ratio = Ratio::new(&slow, &fast);
        assert_eq!((ratio.min, ratio.max), (1.0, 1.2));
        assert!((ratio.median - 1.1).abs() < 1e-12);
        assert_eq!(slow.median(), 2.4);
    }

    #[test]
    fn a_ratio_equal_to_the_limit_passes() {
        use Verdict::{Fail, Goal, Pass, Stretch};
        let judged = [0.9, 1.1, 1.15, 1.2, 1.35, 1.351, f64::NAN].map(|ratio| LIMIT.judge(ratio));
        assert_eq!(judged, [Stretch, Stretch, Goal, Goal, Pass, Fail, Fail]);
    }

    #[test]
    fn memory_has_a_limit() {
        let limit = MemoryLimit { contestant: "a", max_kb: 60 << 10 };
        assert_eq!(
            [1, 61_440, 61_441].map(|kb| limit.judge(kb)),
            [Verdict::Pass, Verdict::Pass, Verdict::Fail]
        );
    }

    #[test]
    fn the_median_of_an_even_count_is_a_mean() {
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&mut []).is_nan());
    }
}

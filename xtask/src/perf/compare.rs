//! Computes how much more time and how many more instructions a task takes in a new revision.

use std::fmt;

/// The most time that a task may take, relative to the old revision.
pub(super) const MAX_TIME_RATIO: f64 = 1.03;
/// The most instructions that a task may take, relative to the old revision.
pub(super) const MAX_COST_RATIO: f64 = 1.02;

/// The result of one run of a perf program, for the library.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sample {
    /// The median over its rounds, in microseconds.
    pub(super) time_us: f64,
    /// The time relative to the contestant that took turns with the library, if there is one.
    pub(super) relative: Option<f64>,
}

/// The unit of a cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Instructions outside the kernel.
    Instructions,
    /// User time. It is not exact, so the limit is the limit of time.
    UserTime,
}

/// The cost of a task in both revisions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cost {
    pub(super) unit: Unit,
    pub(super) old: f64,
    pub(super) new: f64,
}

/// The measurements of a task in two revisions.
#[derive(Debug)]
pub(super) struct Comparison {
    task: String,
    pairs: Vec<(Sample, Sample)>,
    pub(super) cost: Option<Cost>,
}

impl Comparison {
    pub(super) fn new(task: &str) -> Self {
        Self { task: task.to_owned(), pairs: Vec::new(), cost: None }
    }

    /// Adds a run of the old revision and the neighbouring run of the new revision.
    pub(super) fn add(&mut self, old: Sample, new: Sample) {
        self.pairs.push((old, new));
    }

    /// Returns the median time of the old revision, in microseconds.
    pub(super) fn old_us(&self) -> f64 {
        self.median_of(|(old, _)| old.time_us)
    }

    fn new_us(&self) -> f64 {
        self.median_of(|(_, new)| new.time_us)
    }

    /// Returns the ratio of the median times.
    fn plain_ratio(&self) -> f64 {
        self.new_us() / self.old_us()
    }

    /// Returns the ratio of the times relative to the other contestant, which cancels the machine's
    /// speed. Without another contestant, returns the plain ratio.
    fn relative_ratio(&self) -> f64 {
        let relative = |sample: &Sample| sample.relative.unwrap_or(f64::NAN);
        let ratio =
            self.median_of(|(_, new)| relative(new)) / self.median_of(|(old, _)| relative(old));
        if ratio.is_nan() { self.plain_ratio() } else { ratio }
    }

    fn median_of(&self, value: impl Fn(&(Sample, Sample)) -> f64) -> f64 {
        median(self.pairs.iter().map(value).collect())
    }

    fn is_slower(&self) -> bool {
        exceeds(self.relative_ratio(), MAX_TIME_RATIO)
    }

    fn costs_more(&self) -> bool {
        self.cost.is_some_and(|cost| cost.exceeds_limit())
    }

    /// Checks whether the task got worse by more than the limit.
    pub(super) fn is_worse(&self) -> bool {
        self.is_slower() || self.costs_more()
    }
}

impl Cost {
    fn ratio(&self) -> f64 {
        self.new / self.old
    }

    fn exceeds_limit(&self) -> bool {
        let most = if self.unit == Unit::Instructions { MAX_COST_RATIO } else { MAX_TIME_RATIO };
        exceeds(self.ratio(), most)
    }
}

/// Checks whether a ratio exceeds a limit. A NaN was not measured, and counts as exceeding.
fn exceeds(ratio: f64, most: f64) -> bool {
    ratio.is_nan() || ratio > most
}

/// Returns the median, or the mean of the two middle values; NaN if a value is NaN.
fn median(mut values: Vec<f64>) -> f64 {
    if values.is_empty() || values.iter().any(|value| value.is_nan()) {
        return f64::NAN;
    }
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        f64::midpoint(values[middle - 1], values[middle])
    }
}

/// Returns the heading of the table.
pub(super) fn header() -> String {
    format!(
        "{:<13} {:>12} {:>12} {:>8} {:>8}  new / old of",
        "task", "old", "new", "plain", "judged"
    )
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<13} {:>9.1} µs {:>9.1} µs", self.task, self.old_us(), self.new_us())?;
        write!(f, " {:>8.3} {:>8.3}", self.plain_ratio(), self.relative_ratio())?;
        match self.cost {
            Some(cost) if cost.unit == Unit::Instructions => {
                write!(f, "  instructions {:.3}", cost.ratio())?;
            }
            Some(cost) => write!(f, "  user time {:.3}", cost.ratio())?,
            None => write!(f, "  no counts")?,
        }
        if self.is_slower() {
            write!(f, "  SLOWER")?;
        }
        if self.costs_more() {
            write!(f, "  COSTS MORE")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A time, and its ratio to the time of another contestant.
    type Run = (f64, f64);

    fn comparison(pairs: &[(Run, Run)], cost: Option<(Unit, f64)>) -> Comparison {
        let sample = |(time_us, relative)| Sample { time_us, relative: Some(relative) };
        let pairs = pairs.iter().map(|(old, new)| (sample(*old), sample(*new))).collect();
        let cost = cost.map(|(unit, new)| Cost { unit, old: 1000.0, new });
        Comparison { task: "tree".to_owned(), pairs, cost }
    }

    #[test]
    fn a_slow_phase_of_the_machine_does_not_count() {
        // The machine was half as fast in two of three pairs while the new revision ran.
        let pairs =
            [((10.0, 1.1), (10.1, 1.11)), ((10.0, 1.1), (20.0, 1.1)), ((10.0, 1.1), (20.0, 1.1))];
        let comparison = comparison(&pairs, None);
        assert_eq!(
            (comparison.old_us(), comparison.new_us(), comparison.plain_ratio()),
            (10.0, 20.0, 2.0)
        );
        assert_eq!(comparison.relative_ratio(), 1.0);
        assert!(!comparison.is_worse());
    }

    #[test]
    fn three_percent_of_time_and_two_of_instructions_are_allowed() {
        let time = |ratio: f64| comparison(&[((10.0, 1.0), (10.0, ratio))], None);
        assert!(!time(0.5).is_worse() && !time(1.03).is_worse());
        assert!(time(1.031).is_worse() && time(f64::INFINITY).is_worse());

        let cost = |unit, new| comparison(&[((10.0, 1.0), (10.0, 1.0))], Some((unit, new)));
        assert!(!cost(Unit::Instructions, 1020.0).is_worse());
        assert!(cost(Unit::Instructions, 1021.0).is_worse());
        assert!(!cost(Unit::UserTime, 1030.0).is_worse());
        assert!(cost(Unit::UserTime, 1031.0).is_worse());
    }

    #[test]
    fn without_another_contestant_plain_times_count() {
        let alone = |time_us| Sample { time_us, relative: None };
        let mut comparison = Comparison::new("ls");
        assert!(comparison.is_worse(), "nothing was measured");
        for (old, new) in [(10.0, 11.0), (10.0, 10.0), (12.0, 12.0), (9.0, 10.0)] {
            comparison.add(alone(old), alone(new));
        }
        assert_eq!((comparison.old_us(), comparison.new_us()), (10.0, 10.5));
        assert_eq!(comparison.relative_ratio(), 1.05);
        assert!(comparison.is_worse());
    }

    #[test]
    fn a_line_names_the_verdict_and_the_counts() {
        let pairs = [((100.0, 1.0), (104.0, 1.04))];
        let line = comparison(&pairs, Some((Unit::Instructions, 1010.0))).to_string();
        assert!(line.ends_with("1.040    1.040  instructions 1.010  SLOWER"), "{line}");
        let pairs = [((100.0, 1.0), (90.0, 0.9))];
        let line = comparison(&pairs, Some((Unit::UserTime, 1100.0))).to_string();
        assert!(line.ends_with("0.900    0.900  user time 1.100  COSTS MORE"), "{line}");
    }
}

//! Runs contestants in turns in one process. On a machine that also does other work, only the
//! ratios within a round are meaningful.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{Checksum, Contestant};

/// The number of slices of a turn. Slices of all contestants alternate, so other work on the
/// machine affects all of them.
const SLICES: u32 = 5;

/// The length of a measurement.
#[derive(Debug, Clone, Copy)]
pub struct RoundOptions {
    /// The number of rounds; in each, every contestant has one turn.
    pub rounds: usize,
    /// The least length of a turn.
    pub turn: Duration,
}

impl Default for RoundOptions {
    fn default() -> Self {
        Self { rounds: 15, turn: Duration::from_millis(20) }
    }
}

/// The times of one contestant.
#[derive(Debug, Clone)]
pub struct Timing {
    /// The name of the contestant.
    pub name: &'static str,
    /// The mean time of a run, in seconds, for each round.
    pub rounds: Vec<f64>,
}

/// Checks that all contestants deliver the same result, and returns their common checksum.
///
/// # Errors
/// If the results differ, or a contestant fails.
pub fn check_agreement(contestants: &mut [Box<dyn Contestant>]) -> Result<Checksum> {
    let mut agreed = None;
    for contestant in contestants {
        let name = contestant.name();
        let result =
            (contestant.run().context(name)?.checksum(), contestant.proof().context(name)?);
        match &agreed {
            None => agreed = Some((name, result)),
            Some((first, (sums, whole))) => {
                if result.0 != *sums {
                    bail!("{first} and {name} differ: {sums}; {}", result.0);
                }
                if let Some(place) = difference(whole, &result.1) {
                    bail!("{first} and {name} differ in {place}");
                }
            }
        }
    }
    agreed.map(|(_, (sums, _))| sums).context("the task has no contestants")
}

/// Returns the first place where two values differ, as a JSON pointer.
fn difference(one: &Value, other: &Value) -> Option<String> {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let keys = one.keys().chain(other.keys().filter(|key| !one.contains_key(*key)));
            keys.map(|key| (key.clone(), one.get(key), other.get(key)))
                .find_map(|(key, one, other)| differ_at(&key, one, other))
        }
        (Value::Array(one), Value::Array(other)) => (0..one.len().max(other.len()))
            .find_map(|at| differ_at(&at.to_string(), one.get(at), other.get(at))),
        // JavaScript, which wrote the records, does not distinguish 0 and 0.0.
        (Value::Number(one), Value::Number(other)) if one.as_f64() == other.as_f64() => None,
        _ => (one != other).then(String::new),
    }
}

fn differ_at(key: &str, one: Option<&Value>, other: Option<&Value>) -> Option<String> {
    let inside = match (one, other) {
        (Some(one), Some(other)) => difference(one, other)?,
        _ => " (absent in one)".to_owned(),
    };
    Some(format!("/{key}{inside}"))
}

/// Runs the contestants in turns; each takes every place of a round equally often.
///
/// # Errors
/// If a contestant fails, or its checksum is not `expected`.
pub fn alternate(
    contestants: &mut [Box<dyn Contestant>],
    expected: &Checksum,
    options: &RoundOptions,
) -> Result<Vec<Timing>> {
    let mut timings = Vec::new();
    let mut repeats = Vec::new();
    for contestant in &mut *contestants {
        timings.push(Timing { name: contestant.name(), rounds: Vec::new() });
        time_turn(contestant.as_mut(), expected, 3)?; // warms the caches
        let once = time_turn(contestant.as_mut(), expected, 3)?;
        let slice = options.turn.as_secs_f64() / f64::from(SLICES);
        repeats.push((slice / once).ceil().max(1.0) as u32);
    }
    for round in 0..options.rounds {
        let mut spent = vec![0.0; contestants.len()];
        for slice in 0..SLICES as usize {
            for at in order(contestants.len(), round * SLICES as usize + slice) {
                spent[at] += time_turn(contestants[at].as_mut(), expected, repeats[at])?;
            }
        }
        for (timing, spent) in timings.iter_mut().zip(spent) {
            timing.rounds.push(spent / f64::from(SLICES));
        }
    }
    Ok(timings)
}

/// Runs a contestant, and returns the mean time of a run in seconds.
fn time_turn(contestant: &mut dyn Contestant, expected: &Checksum, repeats: u32) -> Result<f64> {
    let name = contestant.name();
    let mut spent = Duration::ZERO;
    for _ in 0..repeats {
        let start = Instant::now();
        let outcome = contestant.run().context(name)?;
        spent += start.elapsed();
        let checksum = outcome.checksum();
        if checksum != *expected {
            bail!("{name} returns {checksum} instead of {expected}");
        }
    }
    Ok(spent.as_secs_f64() / f64::from(repeats))
}

/// Returns the order of a round: rotated by the round's number, and reversed in every second round.
fn order(contestants: usize, round: usize) -> impl Iterator<Item = usize> {
    let backwards = round / contestants % 2 == 1;
    (0..contestants).map(move |at| {
        let at = (at + round) % contestants;
        if backwards { contestants - 1 - at } else { at }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{difference, order};

    #[test]
    fn a_difference_is_located() {
        let one = json!({ "a": [1, { "b": null }], "c": 1 });
        assert_eq!(difference(&one, &one), None);
        for (other, place) in [
            (json!({ "a": [1, { "b": 0 }], "c": 1 }), "/a/1/b"),
            (json!({ "a": [1], "c": 1 }), "/a/1 (absent in one)"),
            (json!({ "a": [1, { "b": null }], "c": 1, "d": null }), "/d (absent in one)"),
        ] {
            assert_eq!(difference(&one, &other).as_deref(), Some(place));
        }
    }

    #[test]
    fn every_contestant_takes_every_place_equally_often() {
        let mut orders: Vec<Vec<usize>> = (0..6).map(|round| order(3, round).collect()).collect();
        for place in 0..3 {
            let mut contestants: Vec<usize> = orders.iter().map(|order| order[place]).collect();
            contestants.sort_unstable();
            assert_eq!(contestants, [0, 0, 1, 1, 2, 2]);
        }
        orders.sort();
        orders.dedup();
        assert_eq!(orders.len(), 6, "all orders of three");
    }
}

//! The report of a task, as a table and as JSON. The JSON names must not change: `cargo xtask perf
//! --against` reads reports of older revisions.

use std::fmt;

use scrollback_benches::{
    Checksum, Limit, MemoryLimit, Ratio, RoundOptions, Task, Timing, Verdict, Work, threads,
};
use serde::Serialize;

use crate::isolated::IsolatedCost;

/// The report of one task.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    task: &'static str,
    #[serde(rename = "what")]
    description: &'static str,
    work: String,
    store: String,
    #[serde(rename = "found")]
    checksum: String,
    rounds: usize,
    turn_ms: u128,
    contestants: Vec<Row>,
    ratios: Vec<JudgedRatio>,
    memory: Option<JudgedPeak>,
    pub(crate) remarks: Vec<String>,
}

/// The results of a contestant: times of a run over the rounds, in microseconds.
#[derive(Debug, Serialize)]
struct Row {
    name: &'static str,
    median_us: f64,
    min_us: f64,
    max_us: f64,
    #[serde(flatten)]
    isolated: IsolatedCost,
}

/// A ratio of two contestants, and its limits.
#[derive(Debug, Serialize)]
struct JudgedRatio {
    #[serde(rename = "of")]
    contestant: &'static str,
    #[serde(rename = "over")]
    baseline: &'static str,
    #[serde(flatten)]
    ratio: Ratio,
    /// The ratio of the instruction counts.
    instructions: Option<f64>,
    most: f64,
    goal: f64,
    stretch: f64,
    verdict: Verdict,
}

/// A peak of memory and its limit, in kB.
#[derive(Debug, Serialize)]
struct JudgedPeak {
    #[serde(rename = "of")]
    contestant: &'static str,
    peak_kb: u64,
    most_kb: u64,
    verdict: Verdict,
}

impl Report {
    pub(crate) fn new(
        task: &'static Task,
        store: String,
        options: RoundOptions,
        checksum: &Checksum,
        timings: &[Timing],
        isolated: Vec<IsolatedCost>,
    ) -> Self {
        let contestants: Vec<Row> = timings
            .iter()
            .zip(isolated)
            .map(|(timing, isolated)| Row::new(timing, isolated))
            .collect();
        let judged = task.limits.iter().filter_map(|limit| judge(limit, timings, &contestants));
        Self {
            task: task.id,
            description: task.description,
            work: match task.work {
                Work::OneThread => "one thread".to_owned(),
                Work::Threads => format!("threads: {}", threads()),
                Work::Process => "a process for each run".to_owned(),
            },
            store,
            checksum: checksum.to_string(),
            rounds: options.rounds,
            turn_ms: options.turn.as_millis(),
            remarks: Vec::new(),
            ratios: judged.collect(),
            memory: task.memory.as_ref().and_then(|limit| judge_memory(limit, &contestants)),
            contestants,
        }
    }

    /// Returns the worst verdict. A task without anything to judge passes.
    pub(crate) fn verdict(&self) -> Verdict {
        let ratios = self.ratios.iter().map(|ratio| ratio.verdict);
        let memory = self.memory.iter().map(|peak| peak.verdict);
        // Memory has no goals, so only a failure counts.
        let spoiled = memory.filter(|verdict| *verdict == Verdict::Fail);
        ratios.chain(spoiled).min().unwrap_or(Verdict::Pass)
    }
}

impl Row {
    fn new(timing: &Timing, isolated: IsolatedCost) -> Self {
        let us = |seconds: f64| seconds * 1e6;
        let least = timing.rounds.iter().copied().fold(f64::INFINITY, f64::min);
        let most = timing.rounds.iter().copied().fold(0.0, f64::max);
        Self {
            name: timing.name,
            median_us: us(timing.median()),
            min_us: us(least),
            max_us: us(most),
            isolated,
        }
    }
}

/// Judges a ratio; `None` if one of the two contestants does not run on this system.
fn judge(limit: &Limit, timings: &[Timing], rows: &[Row]) -> Option<JudgedRatio> {
    let find = |name| timings.iter().position(|timing| timing.name == name);
    let (contestant, baseline) = (find(limit.contestant)?, find(limit.baseline)?);
    let ratio = Ratio::new(&timings[contestant], &timings[baseline]);
    let counts = rows[contestant].isolated.instructions.zip(rows[baseline].isolated.instructions);
    Some(JudgedRatio {
        contestant: limit.contestant,
        baseline: limit.baseline,
        ratio,
        instructions: counts.map(|(contestant, baseline)| contestant as f64 / baseline as f64),
        most: limit.max,
        goal: limit.goal,
        stretch: limit.stretch,
        verdict: limit.judge(ratio.median),
    })
}

/// Judges a peak; `None` if the contestant does not run, or the system does not report memory.
fn judge_memory(limit: &MemoryLimit, rows: &[Row]) -> Option<JudgedPeak> {
    let MemoryLimit { contestant, max_kb: most_kb } = *limit;
    let peak_kb = rows.iter().find(|row| row.name == contestant)?.isolated.peak_kb?;
    Some(JudgedPeak { contestant, peak_kb, most_kb, verdict: limit.judge(peak_kb) })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.task, self.description)?;
        writeln!(f, "  all results:  {}", self.checksum)?;
        writeln!(
            f,
            "  store {}; {} rounds of turns of at least {} ms; {}, warm cache\n",
            self.store, self.rounds, self.turn_ms, self.work
        )?;
        writeln!(
            f,
            "  {:<10} {:>11} {:>11} {:>11} {:>15} {:>13}",
            "a run", "median", "least", "most", "instructions", "peak memory"
        )?;
        for Row { name, median_us, min_us, max_us, isolated } in &self.contestants {
            let count = isolated.instructions.map_or_else(|| "-".to_owned(), group_digits);
            let peak =
                isolated.peak_kb.map_or_else(|| "-".to_owned(), |kb| group_digits(kb) + " kB");
            writeln!(
                f,
                "  {name:<10} {median_us:>8.1} µs {min_us:>8.1} µs {max_us:>8.1} µs {count:>15} {peak:>13}",
            )?;
        }
        writeln!(f)?;
        for judged in &self.ratios {
            let JudgedRatio { contestant, baseline, ratio, most, goal, stretch, verdict, .. } =
                judged;
            let name = format!("{contestant} / {baseline}");
            writeln!(
                f,
                "  {name:<18} {:.3} (rounds {:.3} to {:.3}), limit {most:.2}, goal {goal:.2}, \
                 stretch {stretch:.2}: {verdict}",
                ratio.median, ratio.min, ratio.max
            )?;
            if let Some(instructions) = judged.instructions {
                writeln!(f, "  {:<18} {instructions:.3} in instructions", "")?;
            }
        }
        for remark in &self.remarks {
            writeln!(f, "  {remark}")?;
        }
        if let Some(JudgedPeak { contestant, peak_kb, most_kb, verdict }) = &self.memory {
            let (peak, most) = (group_digits(*peak_kb), group_digits(*most_kb));
            writeln!(f, "  {contestant:<18} {peak} kB at its peak, limit {most} kB: {verdict}")?;
        }
        if self.ratios.is_empty() && self.memory.is_none() {
            writeln!(f, "  nothing to judge on this system")?;
        }
        Ok(())
    }
}

/// Formats 1234567 as "1,234,567".
fn group_digits(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

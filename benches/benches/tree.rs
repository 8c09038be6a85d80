//! Benchmarks the contestants of `cargo xtask perf tree` one after the other, to watch one
//! contestant over time. For ratios use `cargo xtask perf`, which runs the contestants in turns.
//!
//! `cargo bench -p scrollback-benches --bench tree`

#![expect(clippy::expect_used, reason = "a benchmark may panic")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use scrollback_benches::{Store, TASKS};

fn tree(criterion: &mut Criterion) {
    let task = TASKS.iter().find(|task| task.id == "tree").expect("the task");
    let store = Store::open(task.size, task.format, 1).expect("a generated store");
    let mut group = criterion.benchmark_group(task.id);
    for mut contestant in (task.contestants)(&store).expect("the contestants") {
        group.bench_function(contestant.name(), |bencher| {
            bencher.iter(|| black_box(contestant.run().expect("a tree")));
        });
    }
    group.finish();
}

criterion_group!(benches, tree);
criterion_main!(benches);

//! Scenario 4: a handle for each task, all alive at once, every result collected.

use std::time::Instant;

use crate::{
    peer::{Size, Waits},
    record::Figures,
    scenario::{Run, repeat},
};

/// Scenario 4: results a second, from the first submit to the last wait.
pub(crate) fn all_alive<P: Waits>(run: &Run) -> Figures {
    let pool = P::open(Size::TWO);
    let tasks = run.size(100_000, 1_000);
    batch(pool, tasks / 10);
    repeat::rate(run, || batch(pool, tasks))
}

fn batch<P: Waits>(pool: &'static P, tasks: u64) -> f64 {
    let mut alive = Vec::with_capacity(tasks as usize);
    let start = Instant::now();
    for n in 0..tasks {
        alive.push(pool.start(move || n));
    }
    let sum: u64 = alive.into_iter().map(|task| pool.wait(task)).sum();
    let taken = start.elapsed();
    assert_eq!(sum, tasks * (tasks - 1) / 2, "every result comes back once");
    tasks as f64 / taken.as_secs_f64() / 1e6
}

//! Scenario 15: a body waits for a task of its own pool that no other thread can take.
//!
//! Most pools deadlock here: the waiting body holds the only free thread.

use std::time::Instant;

use crate::{
    gate::Gate,
    peer::{Size, Waits},
    record::{Figures, figures},
    scenario::Run,
    stats,
};

/// Tasks queued before the waits begin.
const BATCH: u64 = 100;

/// Scenario 15: the wait alone, and start and wait together.
pub(crate) fn inside<P: Waits>(run: &Run) -> Figures {
    let pool = P::open(Size::TWO);
    let batches = run.size(2_000, 50);
    // The other thread stands still, so that the tasks are queued when they are waited for.
    let gate = Gate::close(pool, Size::TWO.threads - 1);
    let task = pool.start(move || (0..batches).map(|_| batch(pool)).collect::<Vec<(f64, f64)>>());
    let nanos = pool.wait(task);
    gate.open();
    let middle = |figure: fn(&(f64, f64)) -> f64| {
        stats::median(&nanos.iter().map(figure).collect::<Vec<_>>()).expect("there are batches")
    };
    figures([("wait", middle(|batch| batch.0)), ("start_and_wait", middle(|batch| batch.1))])
}

/// Nanoseconds of a wait, and of a start and a wait, in one batch.
fn batch<P: Waits>(pool: &'static P) -> (f64, f64) {
    let start = Instant::now();
    let mut tasks = Vec::with_capacity(BATCH as usize);
    for n in 0..BATCH {
        tasks.push(pool.start(move || n));
    }
    let started = Instant::now();
    let sum: u64 = tasks.into_iter().map(|task| pool.wait(task)).sum();
    let end = Instant::now();
    assert_eq!(sum, BATCH * (BATCH - 1) / 2, "every result comes back once");
    let each = |from: Instant| (end - from).as_nanos() as f64 / BATCH as f64;
    (each(started), each(start))
}

//! Scenarios 1, 1b, 1c and 2: how many tiny tasks a second go through, from the first submit to the last end.

use std::{
    hint::black_box,
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use crate::{
    countdown::Countdown,
    peer::{Pool, Size},
    record::Figures,
    scenario::{Run, repeat},
};

/// Static, so that a body needs no capture to reach it.
static TASKS: Countdown = Countdown::new();

/// Scenario 1: one producer, no handle, 8 bytes of capture.
pub(crate) fn detached<P: Pool>(run: &Run) -> Figures {
    one_producer::<P>(run, |pool, n| pool.detach(move || tiny(n)))
}

/// Scenario 1b: the same with a handle that is dropped.
pub(crate) fn dropped<P: Pool>(run: &Run) -> Figures {
    one_producer::<P>(run, |pool, n| pool.dropped(move || tiny(n)))
}

/// Scenario 1c: the same without a handle and without a capture (a box of nothing is not allocated).
pub(crate) fn capture_less<P: Pool>(run: &Run) -> Figures {
    one_producer::<P>(run, |pool, _| pool.detach(|| TASKS.hit()))
}

/// Scenario 2: four producers that start together.
pub(crate) fn four_producers<P: Pool>(run: &Run) -> Figures {
    const PRODUCERS: u64 = 4;
    measure::<P>(run, |pool, tasks| {
        let ready = Barrier::new(PRODUCERS as usize + 1);
        thread::scope(|scope| {
            for _ in 0..PRODUCERS {
                scope.spawn(|| {
                    ready.wait();
                    for n in 0..tasks / PRODUCERS {
                        pool.detach(move || tiny(n));
                    }
                });
            }
            TASKS.expect(tasks / PRODUCERS * PRODUCERS);
            ready.wait();
            let start = Instant::now();
            TASKS.wait();
            start.elapsed()
        })
    })
}

/// The body: it reads what it captured and counts itself.
fn tiny(n: u64) {
    black_box(n);
    TASKS.hit();
}

fn one_producer<P: Pool>(run: &Run, submit: impl Fn(&'static P, u64)) -> Figures {
    measure::<P>(run, |pool, tasks| {
        TASKS.expect(tasks);
        let start = Instant::now();
        for n in 0..tasks {
            submit(pool, n);
        }
        TASKS.wait();
        start.elapsed()
    })
}

/// Warms the pool up and takes the median of several floods.
fn measure<P: Pool>(run: &Run, flood: impl Fn(&'static P, u64) -> Duration) -> Figures {
    let pool = P::open(Size::TWO);
    let tasks = run.size(1_000_000, 1_000);
    flood(pool, tasks / 50);
    repeat::rate(run, || tasks as f64 / flood(pool, tasks).as_secs_f64() / 1e6)
}

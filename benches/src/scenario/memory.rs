//! Scenarios 12 and 12b: what a task costs in memory while it is queued.

use std::hint::black_box;

use crate::{
    allocations,
    countdown::Countdown,
    gate::Gate,
    peer::{Pool, Size, Waits},
    record::{Figures, figures},
    scenario::Run,
};

static TASKS: Countdown = Countdown::new();

/// Scenario 12: nobody holds a handle.
pub(crate) fn queued_detached<P: Pool>(run: &Run) -> Figures {
    let tasks = run.size(100_000, 10_000);
    while_gated::<P>(tasks, |pool| {
        for n in 0..tasks {
            let pair = (n, n + 1);
            pool.detach(move || body(pair));
        }
    })
}

/// Scenario 12b: every handle is kept, in a vector that is there before.
pub(crate) fn queued_with_handle<P: Waits>(run: &Run) -> Figures {
    let tasks = run.size(100_000, 10_000);
    let mut handles = Vec::with_capacity(tasks as usize);
    let mut figures = while_gated::<P>(tasks, |pool| {
        for n in 0..tasks {
            let pair = (n, n + 1);
            handles.push(pool.start(move || body(pair)));
        }
    });
    figures.insert("handle".to_owned(), size_of::<P::Task<()>>() as f64);
    figures
}

fn body(pair: (u64, u64)) {
    black_box(pair);
    TASKS.hit();
}

/// Counts what `submit` allocates while every thread of the pool stands at a gate.
fn while_gated<P: Pool>(tasks: u64, submit: impl FnOnce(&'static P)) -> Figures {
    let pool = P::open(Size::TWO);
    // A pool that has never run anything would be charged for its threads.
    drop_through(pool);
    let gate = Gate::close(pool, Size::TWO.threads);
    TASKS.expect(tasks);
    let allocated = allocations::count(|| submit(pool));
    gate.open();
    TASKS.wait();
    figures([("allocations", allocated.calls as f64 / tasks as f64), ("live", allocated.live as f64 / tasks as f64)])
}

fn drop_through<P: Pool>(pool: &'static P) {
    const WARM_UP: u64 = 100;
    TASKS.expect(WARM_UP);
    for n in 0..WARM_UP {
        pool.detach(move || body((n, n)));
    }
    TASKS.wait();
}

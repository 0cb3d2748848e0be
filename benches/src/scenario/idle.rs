//! Scenario 11: what a program with a pool and a hundred workers costs while nothing is to be done.

use std::{thread, time::Duration};

use crate::{
    countdown::Countdown,
    machine,
    peer::{Pool, Size},
    record::{Figures, figures},
    scenario::Run,
};

static TASKS: Countdown = Countdown::new();

/// Scenario 11 for a pool that has no workers.
pub(crate) fn idle_pool<P: Pool>(run: &Run) -> Figures {
    idle(run, |_| {
        let pool = P::open(Size::TWO);
        // Its threads may be made by the first tasks only.
        TASKS.expect(100);
        (0..100).for_each(|_| pool.detach(|| TASKS.hit()));
        TASKS.wait();
    })
}

/// Scenario 11 after `set_up`, which is told how many workers to make.
pub(crate) fn idle(run: &Run, set_up: impl FnOnce(u64)) -> Figures {
    set_up(100);
    // What the set-up has left behind comes to rest first.
    thread::sleep(Duration::from_millis(run.size(500, 20)));
    let before = (machine::process_cpu(), machine::switches());
    thread::sleep(Duration::from_millis(run.size(10_000, 100)));
    let after = (machine::process_cpu(), machine::switches());
    let mut idle = Figures::new();
    if let Some((after, before)) = after.0.zip(before.0) {
        idle.extend(figures([("cpu", (after - before).as_secs_f64() * 1e3)]));
    }
    if let Some((after, before)) = after.1.zip(before.1) {
        idle.extend(figures([("switches", (after - before) as f64)]));
    }
    idle
}

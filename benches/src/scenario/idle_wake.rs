//! Scenario 5: how long a task waits for its first instruction when the whole pool sleeps.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use crate::{
    clock, machine,
    peer::{Pool, Size},
    record::{Figures, figures},
    scenario::Run,
    stats,
};

/// When the last body began; 0 while none has.
static BEGAN: AtomicU64 = AtomicU64::new(0);

/// Scenario 5 for a pool.
pub(crate) fn from_idle<P: Pool>(run: &Run) -> Figures {
    let pool = P::open(Size::TWO);
    let submitter = &*Box::leak(Box::new(thread::current()));
    measure_wakes(run, || {
        pool.detach(|| {
            let now = clock::nanos();
            BEGAN.store(now, Ordering::Release);
            submitter.unpark();
        });
        loop {
            thread::park();
            // Acquire pairs with the body's release; a park may also return for nothing.
            match BEGAN.swap(0, Ordering::Acquire) {
                0 => {}
                began => break began,
            }
        }
    })
}

/// Calls `wake` again and again after 1 ms of sleep; it submits and returns when the body began, by [`clock::nanos`].
pub(crate) fn measure_wakes(run: &Run, mut wake: impl FnMut() -> u64) -> Figures {
    let wakes = run.size(2_000, 100);
    let mut micros = Vec::with_capacity(wakes as usize);
    for _ in 0..wakes / 10 {
        wake();
    }
    for _ in 0..wakes {
        // The submitter sleeps too, as a program with nothing to do would, and burns no core that the pool could wake on.
        thread::sleep(Duration::from_millis(1));
        let asked = clock::nanos();
        let began = wake();
        micros.push(began.saturating_sub(asked) as f64 / 1e3);
    }
    let percentile = |p| stats::percentile(&micros, p).expect("there are samples");
    let mut figures = figures([("p50", percentile(50.0)), ("p90", percentile(90.0)), ("p99", percentile(99.0))]);
    if let Some(idle) = idle_cpu(run) {
        figures.insert("idle".to_owned(), idle);
    }
    figures
}

/// CPU this process uses while nothing is to be done, in ms a second.
fn idle_cpu(run: &Run) -> Option<f64> {
    // What the last task left behind comes to rest first.
    thread::sleep(Duration::from_millis(20));
    let length = Duration::from_millis(run.size(1_000, 50));
    let before = machine::process_cpu()?;
    thread::sleep(length);
    let used = machine::process_cpu()? - before;
    Some(used.as_secs_f64() * 1e3 / length.as_secs_f64())
}

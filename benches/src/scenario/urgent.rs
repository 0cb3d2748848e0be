//! Scenarios 7 and 7b: a High task every millisecond into a pool that is full of Low ones.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::{
    clock,
    countdown::Countdown,
    gate::Gate,
    peer::{Pool, Size},
    record::{Figures, figures},
    scenario::Run,
    stats,
};

static LOW: Countdown = Countdown::new();

/// When a High task was asked for and when it began, by [`clock::nanos`].
struct Stamp {
    asked: AtomicU64,
    began: AtomicU64,
}

impl Stamp {
    /// Microseconds from the asking to the beginning, which may still be to come.
    fn latency(&self) -> f64 {
        loop {
            // Acquire pairs with the body's release, though only the stamp itself is read.
            match self.began.load(Ordering::Acquire) {
                // The last few are behind the last Low tasks. Nothing is measured any more, so a sleep spoils nothing.
                0 => thread::sleep(Duration::from_millis(1)),
                began => {
                    return began.saturating_sub(self.asked.load(Ordering::Relaxed)) as f64 / 1e3;
                }
            }
        }
    }
}

/// Scenario 7: 100 k Low tasks that spin for 20 µs each.
pub(crate) fn into_busy<P: Pool>(run: &Run) -> Figures {
    let spin = run.spin;
    measure(P::open(Size::TWO), Size::TWO, run.size(100_000, 1_000), move || clock::spin(spin))
}

/// Scenario 7b: Low tasks that block for 10 ms each, and one place above them.
///
/// A pool without reserves gets as many threads as ours may use in all.
pub(crate) fn into_blocked<P: Pool>(run: &Run) -> Figures {
    let size = Size { threads: 2, reserve: 1 };
    measure(P::open(size), size, run.size(1_000, 20), || thread::sleep(Duration::from_millis(10)))
}

fn measure<P: Pool>(pool: &'static P, size: Size, tasks: u64, low: impl Fn() + Copy + Send + 'static) -> Figures {
    /// A High task each.
    const STEP: Duration = Duration::from_millis(1);
    /// More than a run of either scenario asks for; a pool that is slower still ends after this many.
    const MOST: usize = 20_000;

    let stamps: &'static [Stamp] =
        (0..MOST).map(|_| Stamp { asked: AtomicU64::new(0), began: AtomicU64::new(0) }).collect::<Vec<_>>().leak();
    let gate = Gate::close(pool, size.low_threads::<P>());
    LOW.expect(tasks);
    for _ in 0..tasks {
        pool.low(move || {
            low();
            LOW.hit();
        });
    }
    let start = Instant::now();
    gate.open();
    let mut asked = 0;
    while asked < MOST && !LOW.is_over() {
        thread::sleep((start + STEP * asked as u32).saturating_duration_since(Instant::now()));
        let stamp = &stamps[asked];
        stamp.asked.store(clock::nanos(), Ordering::Relaxed);
        pool.high(move || {
            stamp.began.store(clock::nanos(), Ordering::Release);
        });
        asked += 1;
    }
    LOW.wait();
    let taken = start.elapsed();

    let micros: Vec<f64> = stamps[..asked].iter().map(Stamp::latency).collect();
    figures([
        ("p50", stats::percentile(&micros, 50.0).expect("there are High tasks")),
        ("p99", stats::percentile(&micros, 99.0).expect("there are High tasks")),
        ("low", tasks as f64 / taken.as_secs_f64() / 1e3),
        ("high_tasks", asked as f64),
    ])
}

//! Scenarios 14 and 14b: how long an item waits for its body when there are ten thousand a second.

use std::{
    hint,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    clock,
    countdown::Countdown,
    machine,
    peer::Mailbox,
    record::{Figures, figures},
    scenario::Run,
    stats,
};

static DONE: Countdown = Countdown::new();
/// Nanoseconds from put to run, by item.
static TOOK: OnceLock<Box<[AtomicU64]>> = OnceLock::new();

const EVERY: Duration = Duration::from_micros(100);

/// Scenario 14: the producer sleeps between two items.
pub(crate) fn from_sleeper<M: Mailbox>(run: &Run) -> Figures {
    machine::sleep_sharply();
    measure::<M>(run, |tick| thread::sleep(tick.saturating_duration_since(Instant::now())))
}

/// Scenario 14b: the producer stays awake, so the body can only begin on another core.
pub(crate) fn from_busy<M: Mailbox>(run: &Run) -> Figures {
    measure::<M>(run, |tick| {
        while Instant::now() < tick {
            hint::spin_loop();
        }
    })
}

fn measure<M: Mailbox>(run: &Run, wait: impl Fn(Instant)) -> Figures {
    let items = run.size(30_000, 500);
    let warm_up = items / 10;
    let took = TOOK.get_or_init(|| (0..items).map(|_| AtomicU64::new(0)).collect());
    DONE.expect(items);
    let mut count = 0;
    // The item is the moment of its put.
    let mailbox = M::open(None, move |item| {
        // Relaxed: the countdown publishes it.
        took[count].store(clock::nanos().saturating_sub(item), Ordering::Relaxed);
        count += 1;
        DONE.hit();
    });
    let before = (Instant::now(), machine::process_cpu());
    let mut tick = Instant::now();
    for _ in 0..items {
        tick += EVERY;
        wait(tick);
        mailbox.put(clock::nanos());
    }
    DONE.wait();
    let cpu = machine::cpu_since(before);
    let micros: Vec<f64> =
        took.iter().skip(warm_up as usize).map(|took| took.load(Ordering::Relaxed) as f64 / 1e3).collect();
    let percentile = |p| stats::percentile(&micros, p).expect("there are samples");
    let mut figures = figures([("p50", percentile(50.0)), ("p90", percentile(90.0)), ("p99", percentile(99.0))]);
    // A consumer that never sleeps is fast, and here it shows.
    figures.extend(cpu.map(|cpu| ("cpu".to_owned(), cpu)));
    figures
}

//! Scenarios 8 to 10: how late bodies on a grid of time begin, and what that costs.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    allocations, clock,
    countdown::Countdown,
    machine,
    peer::Timer,
    record::{Figures, figures},
    scenario::Run,
    stats,
};

static TICKS: Countdown = Countdown::new();
static LATE: Lateness = Lateness::new();

/// Ticks before the first one that counts.
const WARM_UP: u64 = 20;

/// Scenario 8: a body each millisecond, nothing else.
pub(crate) fn each_millisecond<T: Timer>(run: &Run) -> Figures {
    one::<T>(T::open(), Duration::from_millis(1), run.size(3_000, 50))
}

/// Scenario 8b: a body each 10 ms.
pub(crate) fn each_ten_milliseconds<T: Timer>(run: &Run) -> Figures {
    one::<T>(T::open(), Duration::from_millis(10), run.size(400, 15))
}

/// Scenario 9: a body each millisecond while both cores are busy with pieces of 20 µs.
pub(crate) fn beside_floods<T: Timer>(run: &Run) -> Figures {
    let timer = T::open();
    let spin = run.spin;
    for _ in 0..2 {
        timer.flood(move || clock::spin(spin));
    }
    let mut figures = one::<T>(timer, Duration::from_millis(1), run.size(3_000, 50));
    // It would be that of the floods.
    figures.remove("cpu");
    figures
}

fn one<T: Timer>(timer: &'static T, every: Duration, ticks: u64) -> Figures {
    LATE.make_room(ticks as usize);
    TICKS.expect(ticks + WARM_UP);
    let mut seen = 0;
    let body = move |due: Instant| {
        let now = Instant::now();
        seen += 1;
        if seen > WARM_UP {
            LATE.note(due, now);
        }
        // Not beyond: the countdown would begin anew.
        if seen <= ticks + WARM_UP {
            TICKS.hit();
        }
    };
    let before = (Instant::now(), machine::process_cpu());
    timer.start(every, std::iter::once((every, body)));
    TICKS.wait();
    let cpu = machine::cpu_since(before);
    let mut figures = LATE.figures();
    figures.extend(cpu.map(|cpu| ("cpu".to_owned(), cpu)));
    figures
}

/// Scenario 10: a hundred thousand bodies of one second each, spread evenly over it.
pub(crate) fn many<T: Timer>(run: &Run) -> Figures {
    const EVERY: Duration = Duration::from_secs(1);
    let bodies = run.size(100_000, 1_000);
    let settle = Duration::from_millis(run.size(1_000, 100));
    let window = Duration::from_millis(run.size(5_000, 300));
    LATE.make_room(bodies as usize * (1 + window.as_secs() as usize));
    LATE.pause(true);
    let timer = T::open();
    // The threads are not what a body costs.
    timer.start(EVERY, std::iter::once((Duration::ZERO, |_| ())));
    thread::sleep(Duration::from_millis(50));
    let made = allocations::count(|| {
        let phase = |n: u64| settle + EVERY.mul_f64(n as f64 / bodies as f64);
        let body = |due: Instant| LATE.note(due, Instant::now());
        timer.start(EVERY, (0..bodies).map(|n| (phase(n), body)));
    });
    // Each has had its first tick by then. In a quick run, which settles sooner, light jobs begin theirs only now.
    thread::sleep(settle + EVERY);
    LATE.pause(false);
    let before = (Instant::now(), machine::process_cpu());
    thread::sleep(window);
    let cpu = machine::cpu_since(before);
    LATE.pause(true);
    let mut figures = LATE.figures();
    figures.extend(cpu.map(|cpu| ("cpu".to_owned(), cpu)));
    figures.insert("live".to_owned(), made.live as f64 / bodies as f64);
    figures.insert("ticks".to_owned(), LATE.len() as f64 / (bodies as f64 * window.as_secs_f64()));
    figures
}

/// How late each body was, written by whatever thread it ran on.
struct Lateness {
    /// Nanoseconds; the room is made before.
    samples: OnceLock<Box<[AtomicU64]>>,
    /// Where the next one goes; beyond the room, nowhere.
    next: AtomicUsize,
    /// Nothing is noted meanwhile.
    paused: AtomicBool,
}

impl Lateness {
    const fn new() -> Self {
        Self { samples: OnceLock::new(), next: AtomicUsize::new(0), paused: AtomicBool::new(false) }
    }

    fn make_room(&self, samples: usize) {
        self.samples.get_or_init(|| (0..samples).map(|_| AtomicU64::new(0)).collect());
    }

    fn pause(&self, paused: bool) {
        self.paused.store(paused, Ordering::Relaxed);
    }

    fn note(&self, due: Instant, now: Instant) {
        // Relaxed throughout: what is read in the end was written long before.
        if self.paused.load(Ordering::Relaxed) {
            return;
        }
        let samples = self.samples.get().expect("the room is made before anything starts");
        if let Some(sample) = samples.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            sample.store(now.saturating_duration_since(due).as_nanos() as u64, Ordering::Relaxed);
        }
    }

    fn len(&self) -> usize {
        let room = self.samples.get().map_or(0, |samples| samples.len());
        self.next.load(Ordering::Relaxed).min(room)
    }

    fn figures(&self) -> Figures {
        let samples = self.samples.get().expect("the room is made before anything starts");
        let micros: Vec<f64> =
            samples.iter().take(self.len()).map(|sample| sample.load(Ordering::Relaxed) as f64 / 1e3).collect();
        let percentile = |p| stats::percentile(&micros, p).expect("there are samples");
        figures([("p50", percentile(50.0)), ("p90", percentile(90.0)), ("p99", percentile(99.0))])
    }
}

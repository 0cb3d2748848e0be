//! What is measured at each point of a curve. Figures are nanoseconds for each task or worker.

use std::{
    hint::black_box,
    str::FromStr,
    sync::{
        Arc, Barrier,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

use atasker::{Config, EventWorker, Supervisor, background_task, background_worker};

use crate::Figures;

/// What grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Curve {
    /// Tasks that are queued.
    Queue,
    /// Workers that are there.
    Workers,
    /// Threads that submit at once.
    Producers,
    /// Threads of the pool.
    Threads,
}

/// So many tasks, or what comes next to it, are measured at each point: fewer are done several times over.
const TASKS: u64 = 200_000;

impl FromStr for Curve {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let named = Self::ALL.into_iter().find(|curve| curve.name() == name);
        named.ok_or_else(|| format!("no curve is called {name}: there are queue, workers, producers, threads"))
    }
}

impl Curve {
    pub(crate) const ALL: [Self; 4] = [Self::Queue, Self::Workers, Self::Producers, Self::Threads];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Workers => "workers",
            Self::Producers => "producers",
            Self::Threads => "threads",
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Queue => "Detached tasks behind a full pool, then run off by one thread",
            Self::Workers => "Event workers: start, trigger and run, stop",
            Self::Producers => "Detached tasks from many threads at once, two pool threads",
            Self::Threads => "Detached tasks, and round trips, by pools of many threads on two cores",
        }
    }

    pub(crate) fn axis(self) -> &'static str {
        match self {
            Self::Queue => "tasks queued",
            Self::Workers => "workers",
            Self::Producers => "producers",
            Self::Threads => "pool_size",
        }
    }

    pub(crate) fn points(self) -> &'static [u64] {
        match self {
            Self::Queue => &[10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000],
            Self::Workers => &[1, 10, 100, 1_000, 10_000, 100_000],
            Self::Producers => &[1, 2, 4, 8, 16],
            Self::Threads => &[1, 2, 4, 8, 16, 32, 64],
        }
    }

    pub(crate) fn measure(self, at: u64) -> Figures {
        match self {
            Self::Queue => queue(at),
            Self::Workers => workers(at),
            Self::Producers => named([("flood", flood(2, at))]),
            Self::Threads => named([("flood", flood(at, 1)), ("round trip", round_trip(at))]),
        }
    }
}

fn named<const N: usize>(figures: [(&str, f64); N]) -> Figures {
    figures.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn pool(threads: u64) -> Supervisor {
    let config = Config::new().pool_size(threads as usize).reserve_normal(0).reserve_high(0);
    Supervisor::new("growth", config).expect("the configuration is sound")
}

/// Counts down to the end of what was submitted, and wakes who waits for it.
struct Done {
    left: AtomicU64,
    waiter: thread::Thread,
}

impl Done {
    /// Never freed: a count of owners for each task would be a part of what is measured.
    fn new(tasks: u64) -> &'static Self {
        Box::leak(Box::new(Self { left: AtomicU64::new(tasks), waiter: thread::current() }))
    }

    fn hit(&self) {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.waiter.unpark();
        }
    }

    fn wait(&self) {
        while self.left.load(Ordering::Acquire) > 0 {
            thread::park();
        }
    }
}

/// Has the pool's only thread stand still while `f` runs.
fn gated<R>(pool: &Supervisor, f: impl FnOnce() -> R) -> R {
    let gate = Arc::new(Barrier::new(2));
    let at_gate = Arc::clone(&gate);
    background_task(move || {
        at_gate.wait();
        at_gate.wait();
    })
    .supervisor(pool)
    .detach();
    gate.wait();
    let result = f();
    gate.wait();
    result
}

fn nanos_each(since: Instant, each: u64) -> f64 {
    since.elapsed().as_nanos() as f64 / each as f64
}

fn queue(tasks: u64) -> Figures {
    let pool = pool(1);
    let rounds = (TASKS / tasks).max(1);
    let (mut queued, mut ran) = (0.0, 0.0);
    for _ in 0..rounds {
        let shared = Done::new(tasks);
        queued += gated(&pool, || {
            let begun = Instant::now();
            (0..tasks).for_each(|_| background_task(move || shared.hit()).supervisor(&pool).detach());
            nanos_each(begun, tasks)
        });
        let begun = Instant::now();
        shared.wait();
        ran += nanos_each(begun, tasks);
    }
    named([("queue", queued / rounds as f64), ("run", ran / rounds as f64)])
}

fn workers(count: u64) -> Figures {
    let pool = pool(1);
    let rounds = (20_000 / count).max(1);
    let (mut start, mut run, mut stop) = (0.0, 0.0, 0.0);
    for _ in 0..rounds {
        let begun = Instant::now();
        let runs: &'static AtomicU64 = Box::leak(Box::new(AtomicU64::new(0)));
        let worker = |_| {
            let body = move || _ = runs.fetch_add(1, Ordering::Release);
            background_worker(body).supervisor(&pool).event().start().expect("the supervisor takes workers")
        };
        let workers: Vec<EventWorker> = (0..count).map(worker).collect();
        start += nanos_each(begun, count);
        let begun = Instant::now();
        gated(&pool, || workers.iter().for_each(|worker| assert!(black_box(worker.trigger()))));
        while runs.load(Ordering::Acquire) < count {
            thread::yield_now();
        }
        run += nanos_each(begun, count);
        let begun = Instant::now();
        workers.iter().for_each(EventWorker::stop);
        stop += nanos_each(begun, count);
    }
    let mean = |sum: f64| sum / rounds as f64;
    named([("start", mean(start)), ("trigger and run", mean(run)), ("stop", mean(stop))])
}

fn flood(threads: u64, producers: u64) -> f64 {
    let pool = pool(threads);
    let each = TASKS * 2 / producers;
    let round = || {
        let tasks = each * producers;
        let done = Done::new(tasks);
        let begun = Instant::now();
        thread::scope(|scope| {
            for _ in 0..producers {
                scope.spawn(|| {
                    (0..each).for_each(|_| background_task(move || done.hit()).supervisor(&pool).detach());
                });
            }
        });
        done.wait();
        nanos_each(begun, tasks)
    };
    round();
    (0..5).map(|_| round()).sum::<f64>() / 5.0
}

fn round_trip(threads: u64) -> f64 {
    let pool = pool(threads);
    let trips = 20_000;
    let trip = |n: u64| {
        let task = background_task(move || n).supervisor(&pool).start();
        assert_eq!(task.wait().expect("the body does not panic"), n);
    };
    (0..trips / 10).for_each(trip);
    let begun = Instant::now();
    (0..trips).for_each(trip);
    nanos_each(begun, trips)
}

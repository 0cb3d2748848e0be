//! What is done while something is counted. It counts nothing itself.
//!
//! Everything but a round trip is submitted while the pool's one thread stands at a gate, and run after: no thread
//! contends with another, so the counts do not depend on the scheduler.

use std::{
    hint::black_box,
    str::FromStr,
    sync::{Arc, Barrier},
};

use atasker::{Config, EventWorker, Supervisor, Task, background_task, background_worker};

/// A load that a child process runs under a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Load {
    Detached,
    Handle,
    Item,
    Trigger,
    RoundTrip,
}

impl FromStr for Load {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let all = [Self::Detached, Self::Handle, Self::Item, Self::Trigger, Self::RoundTrip];
        all.into_iter().find(|load| load.name() == name).ok_or_else(|| format!("no load is called {name}"))
    }
}

impl Load {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Detached => "detached",
            Self::Handle => "handle",
            Self::Item => "item",
            Self::Trigger => "trigger",
            Self::RoundTrip => "round_trip",
        }
    }

    pub(crate) fn run(self, times: usize) {
        let pool = supervisor(1);
        match self {
            Self::Detached => Gate::close(&pool).after(|| detach::<2>(&pool, times)),
            Self::Handle => {
                let mut handles = Vec::with_capacity(times);
                Gate::close(&pool).after(|| start(&pool, times, &mut handles));
                collect(handles);
            }
            Self::Item => {
                let worker =
                    background_worker(|item: u64| _ = black_box(item)).supervisor(&pool).queue().start().expect(TAKES);
                Gate::close(&pool).after(|| (0..times as u64).for_each(|item| worker.put(item).expect("it runs")));
            }
            Self::Trigger => {
                let workers = events(&pool, EVENTS);
                (0..times / EVENTS).for_each(|_| trigger_all(&pool, &workers));
            }
            Self::RoundTrip => round_trips(&pool, times),
        }
        pool.stop();
    }
}

/// Why starting a worker can't fail here.
pub(crate) const TAKES: &str = "the supervisor takes workers";

/// As many event workers as are triggered between two gates.
pub(crate) const EVENTS: usize = 2_500;

/// A supervisor whose threads are made and whose clock runs.
pub(crate) fn supervisor(threads: usize) -> Supervisor {
    let config = Config::new().pool_size(threads).reserve_normal(0).reserve_high(0).min_threads(threads);
    let pool = Supervisor::new("guard", config).expect("the configuration is sound");
    let soon = background_task(|| ()).supervisor(&pool).delay(std::time::Duration::from_nanos(1)).start();
    soon.wait().expect(RUNS);
    pool
}

const RUNS: &str = "the body does not panic and nobody cancels it";

/// A gate at which the one thread of a pool stands.
pub(crate) struct Gate<'a> {
    pool: &'a Supervisor,
    open: Arc<Barrier>,
}

impl<'a> Gate<'a> {
    pub(crate) fn close(pool: &'a Supervisor) -> Self {
        let (standing, open) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
        let (at_gate, opens) = (Arc::clone(&standing), Arc::clone(&open));
        let body = move || {
            at_gate.wait();
            opens.wait();
        };
        background_task(body).supervisor(pool).detach();
        standing.wait();
        Self { pool, open }
    }

    /// Lets the thread go, and returns when it has done what is queued.
    pub(crate) fn open(self) {
        // Queued before the gate opens: from then on the thread runs alone, and one wake-up ends it.
        let last = background_task(|| ()).supervisor(self.pool).start();
        self.open.wait();
        last.wait().expect(RUNS);
    }

    /// Opens after `submit`.
    pub(crate) fn after(self, submit: impl FnOnce()) {
        submit();
        self.open();
    }
}

/// Detached tasks that capture `WORDS` words.
pub(crate) fn detach<const WORDS: usize>(pool: &Supervisor, tasks: usize) {
    for n in 0..tasks {
        let words = black_box([n as u64; WORDS]);
        background_task(move || _ = black_box(words)).supervisor(pool).detach();
    }
}

/// Tasks that capture two words, and their handles.
pub(crate) fn start(pool: &Supervisor, tasks: usize, handles: &mut Vec<Task<u64>>) {
    for n in 0..tasks {
        let words = black_box([n as u64; 2]);
        handles.push(background_task(move || black_box(words)[0]).supervisor(pool).start());
    }
}

/// Results of tasks that have run.
pub(crate) fn collect(handles: Vec<Task<u64>>) {
    handles.into_iter().for_each(|task| _ = black_box(task.wait().expect(RUNS)));
}

pub(crate) fn events(pool: &Supervisor, workers: usize) -> Vec<EventWorker> {
    let worker = |n: usize| background_worker(move || _ = black_box(n)).supervisor(pool).event().start().expect(TAKES);
    (0..workers).map(worker).collect()
}

/// One trigger and one run of each.
pub(crate) fn trigger_all(pool: &Supervisor, workers: &[EventWorker]) {
    Gate::close(pool).after(|| workers.iter().for_each(|worker| assert!(worker.trigger(), "it runs")));
}

/// Submits a task and waits for it, again and again.
pub(crate) fn round_trips(pool: &Supervisor, tasks: usize) {
    for n in 0..tasks as u64 {
        background_task(move || _ = black_box(n)).supervisor(pool).start().wait().expect(RUNS);
    }
}

//! What single calls cost the caller, in nanoseconds: `cargo bench -p atasker-benches`.
//!
//! Where what is called only queues something, the pool's one thread stands at a gate meanwhile and what was queued runs
//! outside the measured time, so a figure is the caller's share alone. What a task costs in all is measured by the
//! scenarios beside.

use std::{
    hint::black_box,
    sync::{Arc, Barrier, LazyLock},
    time::{Duration, Instant, UNIX_EPOCH},
};

use atasker::{Config, Cron, EventWorker, PutError, QueueWorker, Supervisor, Task, background_task, background_worker};
use criterion::{Criterion, criterion_group, criterion_main};

criterion_group! {
    name = benches;
    // Short: what is looked for is a factor, not a percent.
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = spawns, waits, queue, events, looks, calendar
}
criterion_main!(benches);

/// Calls between two gates: enough that the clock costs nothing, few enough that memory does not run out.
const BATCH: u64 = 10_000;

const TAKES: &str = "the supervisor takes workers";
const RUNS: &str = "the body does not panic and nobody cancels it";

static POOL: LazyLock<Supervisor> = LazyLock::new(|| {
    let config = Config::new().pool_size(1).reserve_normal(0).reserve_high(0).min_threads(1);
    Supervisor::new("micro", config).expect("the configuration is sound")
});

#[background_task(supervisor = *POOL)]
fn annotated(pair: (u64, u64)) {
    black_box(pair);
}

fn spawns(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("spawn");
    group.bench_function("detached, attribute", |bencher| {
        bencher.iter_custom(|calls| gated(calls, |n| annotated::detach((n, n))));
    });
    group.bench_function("detached, builder", |bencher| {
        bencher.iter_custom(|calls| {
            gated(calls, |n| background_task(move || _ = black_box((n, n))).supervisor(&POOL).detach())
        });
    });
    group.bench_function("handle dropped", |bencher| {
        bencher.iter_custom(|calls| gated(calls, |n| drop(start(n))));
    });
    group.bench_function("cancel, queued", |bencher| bencher.iter_custom(cancels));
}

fn waits(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("wait");
    group.bench_function("from outside", |bencher| bencher.iter(|| start(1).wait().expect(RUNS)));
    group.bench_function("nested", |bencher| {
        bencher.iter_custom(|calls| {
            let body = move || {
                let begun = Instant::now();
                (0..calls).for_each(|n| _ = black_box(start(n).wait().expect(RUNS)));
                begun.elapsed()
            };
            background_task(body).supervisor(&POOL).start().wait().expect(RUNS)
        });
    });
}

fn queue(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("queue");
    let body = |item: u64| _ = black_box(item);
    let put = |worker: &QueueWorker<u64>, calls| gated(calls, |n| worker.put(n).expect("there is room"));
    let unbounded = background_worker(body).supervisor(&POOL).queue().start().expect(TAKES);
    group.bench_function("put, unbounded", |bencher| bencher.iter_custom(|calls| put(&unbounded, calls)));
    unbounded.stop();
    let bounded = background_worker(body).supervisor(&POOL).queue_bounded(BATCH as usize).start().expect(TAKES);
    group.bench_function("put, bounded", |bencher| bencher.iter_custom(|calls| put(&bounded, calls)));
    bounded.stop();
    let full = background_worker(body).supervisor(&POOL).queue_bounded(1).start().expect(TAKES);
    group.bench_function("try_put, refused", |bencher| {
        let gate = Gate::close();
        full.put(0).expect("there is room for one");
        bencher.iter(|| assert!(matches!(full.try_put(black_box(1)), Err(PutError::Full(1)))));
        gate.open();
    });
    full.stop();
}

fn events(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("trigger");
    let worker = |_| background_worker(|| ()).supervisor(&POOL).event().start().expect(TAKES);
    let workers: Vec<EventWorker> = (0..1_000).map(worker).collect();
    group.bench_function("idle", |bencher| {
        bencher.iter_custom(|calls| {
            in_batches(calls, workers.len() as u64, |batch| {
                let gate = Gate::close();
                let begun = Instant::now();
                workers[..batch as usize].iter().for_each(|worker| _ = black_box(worker.trigger()));
                let took = begun.elapsed();
                gate.open();
                took
            })
        });
    });
    group.bench_function("queued", |bencher| {
        let gate = Gate::close();
        workers[0].trigger();
        bencher.iter(|| workers[0].trigger());
        gate.open();
    });
    workers.iter().for_each(EventWorker::stop);
}

fn looks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("info");
    let worker = |_| background_worker(|| ()).supervisor(&POOL).event().start().expect(TAKES);
    let workers: Vec<EventWorker> = (0..10).map(worker).collect();
    group.bench_function("supervisor with 10 workers", |bencher| bencher.iter(|| POOL.info()));
    group.bench_function("worker", |bencher| bencher.iter(|| workers[0].info()));
    let task = start(1);
    group.bench_function("task", |bencher| bencher.iter(|| task.info()));
    workers.iter().for_each(EventWorker::stop);
}

fn start(n: u64) -> Task<u64> {
    background_task(move || black_box((n, n)).0).supervisor(&POOL).start()
}

fn cancels(calls: u64) -> Duration {
    in_batches(calls, BATCH, |batch| {
        let gate = Gate::close();
        let tasks: Vec<_> = (0..batch).map(start).collect();
        let begun = Instant::now();
        tasks.iter().for_each(|task| _ = black_box(task.cancel()));
        let took = begun.elapsed();
        gate.open();
        took
    })
}

/// The time of so many calls, while nothing of what they queue runs.
fn gated(calls: u64, call: impl Fn(u64)) -> Duration {
    in_batches(calls, BATCH, |batch| {
        let gate = Gate::close();
        let begun = Instant::now();
        (0..batch).for_each(&call);
        let took = begun.elapsed();
        gate.open();
        took
    })
}

fn in_batches(calls: u64, largest: u64, measure: impl Fn(u64) -> Duration) -> Duration {
    let batches = (0..calls).step_by(largest as usize).map(|done| largest.min(calls - done));
    batches.map(measure).sum()
}

/// A gate at which the pool's one thread stands.
struct Gate(Arc<Barrier>);

impl Gate {
    fn close() -> Self {
        let (standing, open) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
        let (at_gate, opens) = (Arc::clone(&standing), Arc::clone(&open));
        let body = move || {
            at_gate.wait();
            opens.wait();
        };
        background_task(body).supervisor(&POOL).detach();
        standing.wait();
        Self(open)
    }

    /// Lets the thread go, and returns when it has done what is queued.
    fn open(self) {
        let last = start(0);
        self.0.wait();
        last.wait().expect(RUNS);
    }
}

/// When a line comes next; ours beside croner, which has to be asked in a zone of chrono-tz.
fn calendar(criterion: &mut Criterion) {
    const SOUND: &str = "the line is sound, and it comes again";
    let mut group = criterion.benchmark_group("cron");
    let start = UNIX_EPOCH + Duration::from_secs(1_790_000_000);
    for line in ["*/15 * * * *", "0 9 * * Mon-Fri", "30 2 * * *", "0 0 L * *", "0 0 29 2 *"] {
        let ours = Cron::parse(line).expect(SOUND).tz("Europe/Prague");
        let theirs = croner::parser::CronParser::new().parse(line).expect(SOUND);
        let their_start = chrono::DateTime::<chrono::Utc>::from(start).with_timezone(&chrono_tz::Europe::Prague);
        group.bench_function(format!("next, {line}"), |bencher| {
            bencher.iter(|| ours.next_after(black_box(start)).expect(SOUND));
        });
        group.bench_function(format!("next, {line}, croner"), |bencher| {
            bencher.iter(|| theirs.find_next_occurrence(black_box(&their_start), false).expect(SOUND));
        });
    }
    group.bench_function("parse", |bencher| bencher.iter(|| Cron::parse(black_box("0 9 * * Mon-Fri")).expect(SOUND)));
}

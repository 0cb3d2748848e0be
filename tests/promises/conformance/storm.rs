//! Everything at once: thousands of mixed tasks with random cancels, resizes and stops. Each ends in exactly one state,
//! and the sums add up.
//!
//! A failure prints its seed; `ATASKER_TEST_SEED=seed` begins with that one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use atasker::{
    Config, IntervalWorker, Jitter, LoopWorker, Priority, QueueWorker, ScheduleContext, ScheduledWorker, StopReport,
    Supervisor, Task, TaskError, TaskStatus, Totals, WaitError, When, background_task, background_worker, is_cancelled,
};

use crate::support::{PATIENCE, Tested, supervisor};

const STORMS: u64 = 40;
const TASKS: u64 = 600;

/// SplitMix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn priority(&mut self) -> Priority {
        Priority::ALL[self.below(4) as usize]
    }
}

/// A task of the storm, and how often its body has begun and ended.
struct Sent {
    task: Task<u64>,
    number: u64,
    counts: Arc<(AtomicU64, AtomicU64)>,
}

/// How many tasks bodies have started themselves, and what became of those.
#[derive(Default)]
struct Nested {
    ran: AtomicU64,
    panicked: AtomicU64,
    cancelled: AtomicU64,
    rejected: AtomicU64,
}

impl Nested {
    fn count(&self, result: Result<u64, TaskError>) {
        let of = match result {
            Ok(_) => &self.ran,
            Err(TaskError::Panicked(_)) => &self.panicked,
            Err(TaskError::Cancelled) => &self.cancelled,
            Err(TaskError::Rejected) => &self.rejected,
            Err(other) => unreachable!("{other}"),
        };
        of.fetch_add(1, Ordering::SeqCst);
    }
}

fn send(s: &Supervisor, number: u64, random: &mut Random, nested: &Arc<Nested>) -> Sent {
    let counts = Arc::new((AtomicU64::new(0), AtomicU64::new(0)));
    let noted = Arc::clone(&counts);
    let (kind, own, nested, depth) = (random.below(10), s.clone(), Arc::clone(nested), random.below(4));
    let body = move || {
        noted.0.fetch_add(1, Ordering::SeqCst);
        match kind {
            0 => panic!("one in ten"),
            1..3 => nested_wait(&own, depth, &nested),
            3 => (0..50).take_while(|_| !is_cancelled()).for_each(|_| std::thread::yield_now()),
            _ => {}
        }
        noted.1.fetch_add(1, Ordering::SeqCst);
        number
    };
    let builder = background_task(body).priority(random.priority()).supervisor(s);
    let builder = match random.below(5) {
        0 => builder.delay(Duration::from_micros(random.below(3000))),
        1 => builder.delay(Duration::from_secs(3600 * random.below(2))),
        _ => builder,
    };
    Sent { task: builder.start(), number, counts }
}

fn nested_wait(s: &Supervisor, depth: u64, nested: &Arc<Nested>) {
    let (own, counts) = (s.clone(), Arc::clone(nested));
    let body = move || {
        if depth > 0 {
            nested_wait(&own, depth - 1, &counts);
        }
        assert!(depth != 2, "one of the depths");
        depth
    };
    nested.count(background_task(body).priority(Priority::ALL[depth as usize % 4]).supervisor(s).start().wait());
}

fn resize(s: &Supervisor, random: &mut Random) {
    let config = s.config().pool_size(1 + random.below(6) as usize).critical_max(random.below(3) as usize);
    let config = config.reserve_normal(random.below(3) as usize).reserve_high(random.below(3) as usize);
    s.set_config(config.keep_alive(Duration::from_millis(random.below(3)))).unwrap();
}

fn stop(s: &Supervisor, random: &mut Random) -> StopReport {
    match random.below(4) {
        0 => s.stop(),
        1 => s.stop_now(),
        2 => s.stop_timeout(PATIENCE),
        _ => std::thread::scope(|scope| {
            scope.spawn(|| s.stop());
            s.stop_now()
        }),
    }
}

/// The state of the task, held against what its body and its handle say.
fn settle(sent: Sent) -> TaskStatus {
    let Sent { task, number, counts } = sent;
    let status = task.status();
    assert!(status.is_finished(), "{number} is {status} after the stop");
    let (begun, ended) = (counts.0.load(Ordering::SeqCst), counts.1.load(Ordering::SeqCst));
    match (task.try_result(), status) {
        (Ok(result), TaskStatus::Completed) => assert_eq!((result, begun, ended), (number, 1, 1)),
        (Err(WaitError::Failed(TaskError::Panicked(_))), TaskStatus::Panicked) => assert_eq!((begun, ended), (1, 0)),
        (Err(WaitError::Failed(TaskError::Cancelled)), TaskStatus::Cancelled)
        | (Err(WaitError::Failed(TaskError::Rejected)), TaskStatus::Rejected) => assert_eq!(begun, 0, "{number}"),
        (result, status) => panic!("{number} is {status} with {result:?}"),
    }
    status
}

/// A worker that is fed meanwhile, and the items it has seen.
fn feed(s: &Supervisor) -> (QueueWorker<u64>, Arc<AtomicU64>) {
    let seen = Arc::new(AtomicU64::new(0));
    let note = Arc::clone(&seen);
    let worker = background_worker(move |_: u64| _ = note.fetch_add(1, Ordering::SeqCst)).queue_bounded(16);
    (worker.priority(Priority::High).supervisor(s).start().unwrap(), seen)
}

/// Workers by the clock, of every kind and on both clocks.
struct Timed {
    interval: IntervalWorker,
    precise: IntervalWorker,
    asynchronous: IntervalWorker,
    scheduled: ScheduledWorker,
    /// Stops by itself.
    limited: LoopWorker,
}

impl Timed {
    fn start(s: &Supervisor) -> Self {
        let every = Duration::from_micros(300);
        let soon = move |cx: &ScheduleContext| Some(When::Wall(cx.wall() + every));
        Self {
            interval: background_worker(|| ())
                .interval(every)
                .jitter(Jitter::percent(50))
                .supervisor(s)
                .start()
                .unwrap(),
            precise: background_worker(|| ()).interval(every).precise(true).supervisor(s).start().unwrap(),
            asynchronous: background_worker(|| async {}).interval(every).supervisor(s).start().unwrap(),
            scheduled: background_worker(|| ()).schedule(soon).supervisor(s).start().unwrap(),
            limited: background_worker(|| ()).times(20).supervisor(s).start().unwrap(),
        }
    }

    /// Something that anybody may do to them at any time; refused, where they have stopped.
    fn disturb(&self, random: &mut Random) {
        let every = Duration::from_micros(100 + random.below(500));
        match random.below(8) {
            0 => self.scheduled.pause(),
            1 => self.scheduled.resume(),
            2 => _ = self.scheduled.trigger(),
            3 => self.precise.pause(),
            4 => self.precise.resume(),
            5 => _ = self.interval.set_interval(every),
            6 => _ = self.asynchronous.trigger(),
            _ => self.limited.request_stop(),
        }
    }

    fn assert_ended(&self) {
        let intervals = [&self.interval, &self.precise, &self.asynchronous];
        assert!(!intervals.iter().any(|worker| worker.is_running()));
        assert!(!self.scheduled.is_running() && !self.limited.is_running());
        assert!(self.limited.info().runs <= 20);
    }
}

fn storm(s: &Tested, seed: u64) {
    let begun = Instant::now();
    let mut random = Random(seed);
    s.start().unwrap();
    let nested = Arc::new(Nested::default());
    let (queue, seen) = feed(s);
    let looping = background_worker(std::thread::yield_now).priority(Priority::Low).supervisor(s).start().unwrap();
    let timed = Timed::start(s);
    let stop_at = random.below(TASKS * 2);
    let stops = random.next();
    let (sent, put, report) = std::thread::scope(|scope| {
        let mut stopping = None;
        let mut sent = Vec::new();
        let mut put = 0;
        for number in 0..TASKS {
            sent.push(send(s, number, &mut random, &nested));
            match random.below(12) {
                0 => resize(s, &mut random),
                1..4 => _ = sent[random.below(number + 1) as usize].task.cancel(),
                4 => put += u64::from(queue.try_put(number).is_ok()),
                5..7 => timed.disturb(&mut random),
                _ => {}
            }
            if number == stop_at {
                stopping = Some(scope.spawn(move || stop(s, &mut Random(stops))));
            }
        }
        let report = match stopping {
            Some(stopping) => stopping.join().unwrap(),
            None => stop(s, &mut random),
        };
        (sent, put, report)
    });
    assert!(report.complete, "{report:?}");
    assert!(
        begun.elapsed() < PATIENCE,
        "it took {:?}: a bounded stop has hidden a wake-up that was lost",
        begun.elapsed()
    );
    assert!(!queue.is_running() && !looping.is_running());
    timed.assert_ended();
    assert_eq!(seen.load(Ordering::SeqCst) + report.discarded, put);

    let mut expected = Totals::default();
    for sent in sent {
        let of = match settle(sent) {
            TaskStatus::Completed => &mut expected.completed,
            TaskStatus::Panicked => &mut expected.panicked,
            TaskStatus::Cancelled => &mut expected.cancelled,
            TaskStatus::Rejected => &mut expected.rejected,
            other => unreachable!("{other}"),
        };
        *of += 1;
    }
    expected.completed += nested.ran.load(Ordering::SeqCst);
    expected.panicked += nested.panicked.load(Ordering::SeqCst);
    expected.cancelled += nested.cancelled.load(Ordering::SeqCst);
    expected.rejected += nested.rejected.load(Ordering::SeqCst);
    let (info, totals) = (s.info(), s.info().totals);
    assert_eq!(
        (totals.completed, totals.panicked, totals.cancelled, totals.rejected),
        (expected.completed, expected.panicked, expected.cancelled, expected.rejected)
    );
    assert_eq!(totals.submitted, totals.ran() + totals.cancelled + totals.rejected);
    assert_eq!((report.ran, report.cancelled), (totals.ran(), totals.cancelled));
    assert_eq!((info.active.total(), info.queued.total(), info.delayed.total(), info.threads), (0, 0, 0, 0));
}

#[test]
fn thousands_of_mixed_tasks_each_end_in_exactly_one_state() {
    let given = std::env::var("ATASKER_TEST_SEED").ok().map(|seed| seed.parse().expect("the seed is a number"));
    let first: u64 = given.unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        now.as_nanos() as u64
    });
    let s = supervisor(Config::new().pool_size(3));
    for seed in (0..STORMS).map(|n| first.wrapping_add(n)) {
        println!("ATASKER_TEST_SEED={seed}");
        storm(&s, seed);
    }
}

//! Who starts when: ceilings in places, strict order, first-in first-out, nothing idle.

mod model;

use std::sync::{Arc, Mutex, mpsc};

use atasker::{Config, Priority, Task, TaskStatus, background_task, background_worker, wait_completed};

use crate::support::{Gate, Latch, PATIENCE, Tested, eventually, pool, supervisor};

use Priority::{Critical, High, Low, Normal};

/// What has started, in the order of starting.
type Started<T> = Arc<Mutex<Vec<T>>>;

/// Starts a task that notes `mark` when it runs.
fn note<T: Send + 'static>(s: &Tested, priority: Priority, mark: T, started: &Started<T>) -> Task<()> {
    let started = Arc::clone(started);
    background_task(move || started.lock().unwrap().push(mark)).priority(priority).supervisor(s).start()
}

/// Starts a task that tells when it runs, and holds its place until the gate opens.
fn hold(s: &Tested, priority: Priority, gate: &Gate) -> (Task<()>, mpsc::Receiver<()>) {
    let (tell, told) = mpsc::channel();
    let gate = gate.clone();
    let body = move || {
        _ = tell.send(());
        gate.wait();
    };
    (background_task(body).priority(priority).supervisor(s).start(), told)
}

#[test]
fn no_high_starts_after_any_low_when_a_slot_opens() {
    let s = pool(1);
    let started = Started::default();
    let (gate, _blocker) = s.occupy(1, Low);
    let low: Vec<_> = (0..50).map(|_| note(&s, Low, Low, &started)).collect();
    let high: Vec<_> = (0..50).map(|_| note(&s, High, High, &started)).collect();
    gate.open();
    wait_completed(low.into_iter().chain(high)).unwrap();
    let started = started.lock().unwrap();
    assert!(started[..50].iter().all(|&priority| priority == High), "{started:?}");
}

#[test]
fn higher_priorities_start_first_and_each_in_the_order_of_coming() {
    let s = pool(1);
    let started = Started::default();
    let (gate, _blocker) = s.occupy(1, Low);
    let order = [Normal, Low, High, Low, Normal, High, High, Low, Normal];
    let tasks: Vec<_> = (0..90).map(|n| note(&s, order[n % 9], (order[n % 9], n), &started)).collect();
    gate.open();
    wait_completed(tasks).unwrap();
    let mut expected: Vec<_> = (0..90).map(|n| (order[n % 9], n)).collect();
    expected.sort_by_key(|&(priority, n)| (std::cmp::Reverse(priority), n));
    assert_eq!(*started.lock().unwrap(), expected);
}

#[test]
fn one_place_is_exactly_first_in_first_out() {
    let s = pool(1);
    let started = Started::default();
    wait_completed((0..10_000).map(|n| note(&s, Normal, n, &started)).collect::<Vec<_>>()).unwrap();
    assert!(started.lock().unwrap().iter().copied().eq(0..10_000));
}

#[test]
fn across_threads_starts_differ_by_one_batch_at_most() {
    const BATCH: usize = 32;
    let s = pool(4);
    let started = Started::default();
    let (gate, _blockers) = s.occupy(4, Low);
    let tasks: Vec<_> = (0..4000).map(|n| note(&s, Normal, n, &started)).collect();
    gate.open();
    wait_completed(tasks).unwrap();
    // A body may be overtaken between its taking and its note: by then no thread has taken more than a batch ahead.
    let first_thousand: Vec<usize> = started.lock().unwrap()[..1000].to_vec();
    let late = first_thousand.iter().filter(|&&n| n >= 1000 + 4 * BATCH).count();
    assert_eq!(late, 0, "{first_thousand:?}");
}

#[test]
fn normal_and_high_start_in_their_reserves_while_low_is_full() {
    let s = supervisor(Config::new().pool_size(2).reserve_normal(1).reserve_high(1));
    let (low_gate, low) = s.occupy(2, Low);
    let queued: Vec<_> = (0..50).map(|_| background_task(|| ()).priority(Low).supervisor(&s).start()).collect();
    let gate = Gate::new();

    let (normal, normal_started) = hold(&s, Normal, &gate);
    normal_started.recv_timeout(PATIENCE).unwrap();
    let (second_normal, _) = hold(&s, Normal, &gate);
    assert_eq!(second_normal.status(), TaskStatus::Queued);

    let (high, high_started) = hold(&s, High, &gate);
    high_started.recv_timeout(PATIENCE).unwrap();
    let (second_high, _) = hold(&s, High, &gate);
    assert_eq!(second_high.status(), TaskStatus::Queued);
    assert_eq!(s.info().active.total(), 4);
    assert!(queued.iter().all(|task| task.status() == TaskStatus::Queued));

    low_gate.open();
    gate.open();
    wait_completed(low.into_iter().chain(queued)).unwrap();
    wait_completed([normal, second_normal, high, second_high]).unwrap();
}

#[test]
fn reserves_may_be_used_by_their_own_when_the_pool_is_free() {
    let s = supervisor(Config::new().pool_size(1).reserve_normal(1).reserve_high(1));
    // Places are counted, not kept: three High tasks may run, and then no Low one, though no Low one runs.
    let (gate, high) = s.occupy(3, High);
    let (low, _) = hold(&s, Low, &gate);
    let (fourth, _) = hold(&s, High, &gate);
    let info = s.info();
    assert_eq!((info.active.high, info.queued.high, info.queued.low), (3, 1, 1));
    low.cancel();
    fourth.cancel();
    gate.open();
    wait_completed(high).unwrap();
}

#[test]
fn critical_starts_while_all_is_full_and_takes_no_ones_place() {
    let s = supervisor(Config::new().pool_size(1).reserve_normal(1).reserve_high(1));
    let (gate, high) = s.occupy(3, High);
    let (critical_gate, critical) = s.occupy(3, Critical);
    assert_eq!((s.info().active.high, s.info().active.critical), (3, 3));
    gate.open();
    wait_completed(high).unwrap();

    // The places are free although the Critical ones still run: none of them stands in a place.
    let (gate, low) = s.occupy(1, Low);
    let (gate_normal, normal) = s.occupy(1, Normal);
    let (gate_high, high) = s.occupy(1, High);
    for gate in [gate, gate_normal, gate_high, critical_gate] {
        gate.open();
    }
    wait_completed(low.into_iter().chain(normal).chain(high).chain(critical)).unwrap();
}

#[test]
fn critical_beyond_its_limit_is_admitted_like_high_and_ahead_of_it() {
    let config = Config::new().pool_size(1).reserve_normal(0).reserve_high(0).critical_max(1);
    let s = supervisor(config);
    let started = Started::default();
    let (beside_gate, beside) = s.occupy(1, Critical);
    let (gate, counted) = s.occupy(1, Critical);
    // The second one stands in the only place, so even a Low task waits.
    let low = note(&s, Low, "low", &started);
    let high = note(&s, High, "high", &started);
    let critical = note(&s, Critical, "critical", &started);
    assert_eq!(s.info().queued.total(), 3);
    gate.open();
    wait_completed(counted.into_iter().chain([low, high, critical])).unwrap();
    assert_eq!(*started.lock().unwrap(), ["critical", "high", "low"]);
    beside_gate.open();
    wait_completed(beside).unwrap();
}

#[test]
fn an_unlimited_pool_starts_everything_at_once() {
    let s = supervisor(Config::new().pool_size(0));
    for priority in Priority::ALL {
        let (gate, tasks) = s.occupy(40, priority);
        gate.open();
        wait_completed(tasks).unwrap();
    }
}

/// Nothing queues in an unlimited pool unless the system gives no more threads.
#[test]
fn an_unlimited_pool_without_threads_keeps_the_order() {
    let s = supervisor(Config::new().pool_size(0));
    let started = Started::default();
    let (gate, _blocker) = s.occupy(1, Low);
    s.set_config(s.config().stack_size(1 << 46)).unwrap();
    let order = [Low, Normal, High, Critical];
    let tasks: Vec<_> = (0..40).map(|n| note(&s, order[n % 4], (order[n % 4], n), &started)).collect();
    assert_eq!(s.info().queued.total(), 40);
    gate.open();
    wait_completed(tasks).unwrap();
    let mut expected: Vec<_> = (0..40).map(|n| (order[n % 4], n)).collect();
    expected.sort_by_key(|&(priority, n)| (std::cmp::Reverse(priority), n));
    assert_eq!(*started.lock().unwrap(), expected);
}

#[test]
fn delayed_tasks_hold_no_place() {
    let s = pool(1);
    let hour = std::time::Duration::from_secs(3600);
    let delayed: Vec<_> = (0..100).map(|_| background_task(|| ()).delay(hour).supervisor(&s).start()).collect();
    background_task(|| ()).supervisor(&s).start().wait().unwrap();
    let info = s.info();
    assert_eq!((info.delayed.normal, info.queued.total()), (100, 0));
    assert!(delayed.iter().all(|task| task.status() == TaskStatus::Delayed));
    assert_eq!(s.stop().cancelled, 100);
}

#[test]
fn a_worker_run_is_admitted_at_its_priority() {
    let s = supervisor(Config::new().pool_size(1).reserve_normal(0).reserve_high(1));
    let (gate, _blocker) = s.occupy(1, Low);
    let (tell, told) = mpsc::channel();
    let (also, low_told) = (tell.clone(), told);
    let high = background_worker(move || tell.send("high").unwrap()).event().priority(High).supervisor(&s);
    let high = high.start().unwrap();
    let low = background_worker(move || also.send("low").unwrap()).event().priority(Low).supervisor(&s);
    let low = low.start().unwrap();
    assert!(low.trigger());
    assert!(high.trigger());
    assert_eq!(low_told.recv_timeout(PATIENCE).unwrap(), "high");
    assert_eq!(s.info().queued.low, 1);
    gate.open();
    assert_eq!(low_told.recv_timeout(PATIENCE).unwrap(), "low");
}

#[test]
fn growing_starts_what_waits_and_shrinking_revokes_nothing() {
    let s = pool(4);
    let (gate, tasks) = s.occupy(4, Normal);
    s.set_config(s.config().pool_size(2)).unwrap();
    assert_eq!(s.info().active.total(), 4);
    let waiting = Latch::new(3);
    let more: Vec<_> = (0..3)
        .map(|_| {
            let (gate, waiting) = (gate.clone(), waiting.clone());
            let body = move || {
                waiting.count_down();
                gate.wait();
            };
            background_task(body).supervisor(&s).start()
        })
        .collect();
    assert_eq!(s.info().queued.total(), 3);
    s.set_config(s.config().pool_size(7)).unwrap();
    waiting.wait();
    gate.open();
    wait_completed(tasks.into_iter().chain(more)).unwrap();
    eventually("the pool rests", || s.info().active.total() == 0);
}

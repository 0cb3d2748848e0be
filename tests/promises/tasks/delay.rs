//! Delayed tasks.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use atasker::{CancelOutcome, Priority, TaskError, TaskStatus, background_task};

use crate::support::{Drops, PATIENCE, Tested, eventually, pool, start};

fn after<T: Send + 'static>(
    s: &Tested,
    delay: Duration,
    body: impl FnOnce() -> T + Send + 'static,
) -> atasker::Task<T> {
    background_task(body).delay(delay).supervisor(s).start()
}

#[test]
fn a_delayed_task_is_never_early() {
    let s = pool(4);
    for millis in [1, 7, 30, 60] {
        let delay = Duration::from_millis(millis);
        let before = Instant::now();
        let began = after(&s, delay, Instant::now).wait().unwrap();
        assert!(began - before >= delay, "{:?} of {delay:?}", began - before);
    }
}

#[test]
fn a_delay_of_zero_is_no_delay() {
    let s = pool(1);
    let (gate, _running) = s.occupy(1, Priority::Normal);
    let task = after(&s, Duration::ZERO, || 5);
    assert_eq!((task.status(), s.info().delayed.total()), (TaskStatus::Queued, 0));
    gate.open();
    assert_eq!(task.wait().unwrap(), 5);
}

#[test]
fn a_delay_without_end_waits_until_it_is_cancelled() {
    let s = pool(1);
    let drops = Drops::new();
    let captured = drops.value();
    let task = after(&s, Duration::MAX, move || drop(captured));
    assert_eq!((task.status(), s.info().delayed.total()), (TaskStatus::Delayed, 1));
    start(&s, || ()).wait().unwrap();
    assert_eq!(task.cancel(), CancelOutcome::Dequeued);
    assert_eq!((task.status(), s.info().delayed.total(), drops.count()), (TaskStatus::Cancelled, 0, 1));
    assert!(matches!(task.wait(), Err(TaskError::Cancelled)));
}

#[test]
fn a_delayed_task_holds_no_place_and_queues_when_due() {
    let s = pool(1);
    let waiting: Vec<_> = (0..10).map(|_| after(&s, Duration::MAX, || ())).collect();
    let (gate, _running) = s.occupy(1, Priority::Normal);
    let task = after(&s, Duration::from_millis(1), || 5);
    eventually("it is queued", || s.info().queued.normal == 1);
    assert_eq!(task.status(), TaskStatus::Queued);
    let info = s.info();
    assert_eq!((info.active.total(), info.queued.normal, info.delayed.normal), (1, 1, 10));
    gate.open();
    assert_eq!(task.wait().unwrap(), 5);
    assert!(waiting.iter().all(|task| task.status() == TaskStatus::Delayed));
}

/// At once: while a body still runs and the stop waits for it.
#[test]
fn a_stop_cancels_delayed_tasks_at_once_and_wakes_who_waits_for_them() {
    let s = pool(1);
    let (gate, _running) = s.occupy(1, Priority::Normal);
    let drops = Drops::new();
    let delayed = |delay| {
        let captured = drops.value();
        after(&s, delay, move || drop(captured))
    };
    let (waited, awaited) = (delayed(Duration::MAX), delayed(Duration::from_secs(3600)));
    let dropped = delayed(Duration::from_secs(3600));
    drop(dropped);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| waited.wait());
        let future = scope.spawn(|| futures_executor::block_on(awaited));
        let stop = scope.spawn(|| s.stop());
        assert!(matches!(waiter.join().unwrap(), Err(TaskError::Cancelled)));
        assert!(matches!(future.join().unwrap(), Err(TaskError::Cancelled)));
        eventually("all are dropped", || drops.count() == 3);
        assert!(!stop.is_finished());
        gate.open();
        assert_eq!(stop.join().unwrap().cancelled, 3);
    });
}

#[test]
fn a_delayed_task_whose_handle_is_dropped_still_runs() {
    let s = pool(1);
    let (tell, told) = mpsc::channel();
    drop(after(&s, Duration::from_millis(5), move || tell.send(7).unwrap()));
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), 7);
}

#[test]
fn thousands_of_delayed_tasks_each_run_once_or_say_they_were_cancelled() {
    let s = pool(2);
    let drops = Drops::new();
    let tasks: Vec<_> = (0..4_000_u64)
        .map(|number| {
            let captured = drops.value();
            after(&s, Duration::from_micros(number % 64 * 300), move || drop(captured))
        })
        .collect();
    let cancelled = tasks.iter().step_by(3).filter(|task| task.cancel() == CancelOutcome::Dequeued).count();
    let results = atasker::wait_all(tasks);
    let lost = results.iter().filter(|result| matches!(result, Err(TaskError::Cancelled))).count();
    assert_eq!((lost, drops.count()), (cancelled, 4_000));
    s.stop();
    let info = s.info();
    assert_eq!((info.delayed.total(), info.queued.total()), (0, 0));
    assert_eq!((info.totals.completed, info.totals.cancelled), (4_000 - lost as u64, lost as u64));
}

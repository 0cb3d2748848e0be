//! The protocol of a task's cell, in all its interleavings.

use std::future::{Future, poll_fn};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use super::{CancelOutcome, Cell, FutureCell, Join, Task, TaskStatus};
use crate::config::{Config, LaneConfig};
use crate::error::TaskError;
use crate::lane::{Lane, Watcher};
use crate::pool::{Job, Overseer, OwnName, Pool, Ran, Refusal, run_uncounted};
use crate::priority::Priority;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::{check_model, thread};
use crate::wait::poll_until;

/// Nobody to tell.
struct Deaf;

impl Overseer for Deaf {
    fn look_for_slow_starts(&self, _at: std::time::Instant) {}
    fn quiet(&self) {}
    fn no_thread(&self, _error: &std::io::Error, _stranded: bool) {}
    fn idle(&self) {}
}

/// A queued task that counts its runs, with the pool's end of it and its handle.
fn queued(runs: &Arc<AtomicUsize>) -> (Arc<Pool>, Arc<dyn Job>, Task<usize>) {
    let pool = Pool::new("model", &Config::new(), Weak::<Deaf>::new());
    let runs = Arc::clone(runs);
    let cell = Cell::new::<OwnName<()>, _, _>(None, move || runs.fetch_add(1, Ordering::SeqCst));
    let job: Arc<dyn Job> = Arc::<Cell>::clone(&cell);
    let task = Task::new(cell, &pool, Priority::Normal);
    (pool, job, task)
}

/// A pool thread, a nested waiter and a cancellation race for one claim; a thread waits for the end.
#[test]
fn claim_cancel_and_nested_wait() {
    check_model(|| {
        let runs = Arc::new(AtomicUsize::new(0));
        let (_pool, job, task) = queued(&runs);
        let task = Arc::new(task);
        let pool_thread = thread::spawn({
            let job = Arc::clone(&job);
            move || run_uncounted(job)
        });
        let canceller = thread::spawn({
            let task = Arc::clone(&task);
            move || task.cancel()
        });
        let nested = run_uncounted(job);
        let (ran, cancelled) = (pool_thread.join().expect("ran"), canceller.join().expect("cancelled"));
        let times = [ran, nested].iter().filter(|ran| **ran != Ran::Dead).count();
        assert_eq!(runs.load(Ordering::SeqCst), times);
        assert_eq!(cancelled == CancelOutcome::Dequeued, times == 0, "exactly one claim wins");
        let end = if times == 1 { TaskStatus::Completed } else { TaskStatus::Cancelled };
        assert_eq!(task.status(), end);
    });
}

/// Who waits is woken, however the task ends.
#[test]
fn a_waiter_is_woken_by_the_end() {
    check_model(|| {
        let runs = Arc::new(AtomicUsize::new(0));
        let (pool, job, task) = queued(&runs);
        let (second, third) = (Arc::clone(&job), Arc::clone(&job));
        let runner = thread::spawn(move || run_uncounted(second));
        let stopper = thread::spawn(move || third.refuse(&pool, Refusal::Cancelled));
        let result = task.wait();
        assert_ne!(stopper.join().expect("refused"), result.is_ok());
        assert_eq!(runner.join().expect("ran") == Ran::Dead, matches!(result, Err(TaskError::Cancelled)));
        drop(job);
    });
}

/// A handle dropped while the task ends: the result is dropped exactly once, by one of the two.
#[test]
fn a_result_is_dropped_once_when_its_handle_goes() {
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    check_model(|| {
        let drops = Arc::new(AtomicUsize::new(0));
        let pool = Pool::new("model", &Config::new(), Weak::<Deaf>::new());
        let counted = Counted(Arc::clone(&drops));
        let cell = Cell::new::<OwnName<()>, _, _>(None, move || counted);
        let job: Arc<dyn Job> = Arc::<Cell>::clone(&cell);
        let task = Task::<Counted>::new(cell, &pool, Priority::Normal);
        let runner = thread::spawn(move || {
            _ = run_uncounted(Arc::clone(&job));
            job.retire();
        });
        // Before, while, or after it runs: what it captures is what it gives.
        _ = task.cancel();
        drop(task);
        runner.join().expect("ran");
        assert_eq!(drops.load(Ordering::SeqCst), 1);
    });
}

/// Whoever asks for the result at the same moment, one gets it.
#[test]
fn a_result_is_taken_once() {
    check_model(|| {
        let cell = Cell::new::<OwnName<()>, _, _>(None, || Box::new(7));
        let (second, job) = (Arc::clone(&cell), Arc::<Cell>::clone(&cell));
        let runner = thread::spawn(move || run_uncounted(job));
        let other = thread::spawn(move || Join::<Box<i32>>::collect(&*second, None).is_some());
        let here = Join::<Box<i32>>::collect(&*cell, None).is_some();
        let there = other.join().expect("asked");
        runner.join().expect("ran");
        let left = Join::<Box<i32>>::collect(&*cell, None).is_some();
        assert_eq!([here, there, left].into_iter().filter(|&got| got).count(), 1);
    });
}

/// An async task with its handle, on a lane that counts nothing of it.
fn flying<F>(body: F) -> (Arc<FutureCell<OwnName<()>, F, usize>>, Task<usize>)
where
    F: Future<Output = usize> + Send + 'static,
{
    let watcher = Weak::<NoWatcher>::new();
    let lane = Lane::new("model", "model".to_owned(), 0, LaneConfig::new(), watcher);
    let cell = FutureCell::new(&lane, Priority::Normal, None, false, body);
    let pool = Pool::new("model", &Config::new(), Weak::<Deaf>::new());
    let task = Task::new(Arc::<FutureCell<_, _, _>>::clone(&cell), &pool, Priority::Normal);
    (cell, task)
}

/// Nobody to tell.
struct NoWatcher;

impl Watcher for NoWatcher {
    fn quiet(&self) {}

    fn look_for_slow_starts(&self, _lane: &Arc<Lane>, _at: std::time::Instant) {}
}

/// Polls a flight as a runtime would: when it is woken, until it is ready.
fn poll_to_its_end(flight: impl Future<Output = ()>) {
    let mut flight = Box::pin(flight);
    poll_until(|waker| match flight.as_mut().poll(&mut Context::from_waker(waker)) {
        Poll::Ready(()) => Some(()),
        Poll::Pending => None,
    });
}

/// A cancellation while a flight is polled, sleeps, or ends: it ends one way, and its handle and the canceller agree.
#[test]
fn cancel_poll_and_finish() {
    check_model(|| {
        let polled = AtomicBool::new(false);
        let (cell, task) = flying(poll_fn(move |cx| {
            if polled.swap(true, Ordering::SeqCst) {
                return Poll::Ready(7);
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        }));
        let runtime = thread::spawn(move || cell.fly().map(poll_to_its_end).is_some());
        let outcome = task.cancel();
        let result = task.wait();
        assert_eq!(runtime.join().expect("polled"), outcome != CancelOutcome::Dequeued);
        match result {
            Ok(value) => assert_eq!(value, 7),
            Err(error) => {
                assert!(matches!(error, TaskError::Cancelled));
                assert_ne!(outcome, CancelOutcome::TooLate);
            }
        }
    });
}

/// A handle dropped while a flight ends: one of the two drops the result, and neither waits for the cell's last owner, which
/// may be one that only notes what is in flight.
#[test]
fn an_async_result_is_dropped_once_when_its_handle_goes() {
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    check_model(|| {
        let drops = Arc::new(AtomicUsize::new(0));
        let counted = Counted(Arc::clone(&drops));
        let lane = Lane::new("model", "model".to_owned(), 0, LaneConfig::new(), Weak::<NoWatcher>::new());
        let cell = FutureCell::<OwnName<()>, _, _>::new(&lane, Priority::Normal, None, false, async move { counted });
        let pool = Pool::new("model", &Config::new(), Weak::<Deaf>::new());
        let task = Task::<Counted>::new(Arc::<FutureCell<_, _, _>>::clone(&cell), &pool, Priority::Normal);
        let runtime = thread::spawn({
            let cell = Arc::clone(&cell);
            move || cell.fly().map(poll_to_its_end).is_some()
        });
        drop(task);
        assert!(runtime.join().expect("polled"));
        assert_eq!(drops.load(Ordering::SeqCst), 1);
        drop(cell);
        assert_eq!(drops.load(Ordering::SeqCst), 1);
    });
}

/// A flight that sleeps for ever ends when it is cancelled.
#[test]
fn a_cancellation_wakes_a_flight_that_sleeps() {
    check_model(|| {
        let (cell, task) = flying(std::future::pending());
        let flight = cell.fly().expect("nobody else claims it");
        let runtime = thread::spawn(move || poll_to_its_end(flight));
        // Without a wake-up the model would deadlock here.
        assert_eq!(task.cancel(), CancelOutcome::Requested);
        assert!(matches!(task.wait(), Err(TaskError::Cancelled)));
        runtime.join().expect("polled");
    });
}

/// A flight that its runtime drops ends its task.
#[test]
fn a_dropped_flight_wakes_the_waiter() {
    check_model(|| {
        let (cell, task) = flying(std::future::pending());
        let flight = cell.fly().expect("nobody else claims it");
        let runtime = thread::spawn(move || drop(flight));
        assert!(matches!(task.wait(), Err(TaskError::Cancelled)));
        runtime.join().expect("dropped");
    });
}

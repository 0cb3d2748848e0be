//! A handle as a future, on any executor.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use atasker::{CancelOutcome, Config, Priority, Supervisor, Task, TaskError, TaskStatus, WaitError, background_task};
use futures_executor::block_on;

use crate::support::{Gate, Tested, eventually, in_time, pool, start, supervisor};

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wakes {
    fn new() -> (Arc<Self>, Waker) {
        let wakes = Arc::new(Self::default());
        (Arc::clone(&wakes), Waker::from(wakes))
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn poll<T>(task: &mut Task<T>, waker: &Waker) -> Poll<Result<T, TaskError>> {
    Pin::new(task).poll(&mut Context::from_waker(waker))
}

#[test]
fn a_task_can_be_awaited() {
    let s = pool(2);
    let sum = block_on(async { Ok::<_, TaskError>(start(&s, || 2).await? + start(&s, || 3).await?) });
    assert_eq!(sum.unwrap(), 5);
    let error = block_on(start(&s, || -> u8 { panic!("as told") })).unwrap_err();
    assert!(matches!(error, TaskError::Panicked(panic) if panic.message() == "as told"));
}

#[test]
fn an_await_and_an_end_never_miss_each_other() {
    let s = pool(2);
    in_time(move || {
        for round in 0..5_000_u32 {
            let spin = move || (0..round % 50).for_each(|_| std::hint::spin_loop());
            block_on(start(&s, spin)).unwrap();
        }
    });
}

#[test]
fn the_waker_of_the_last_poll_is_woken() {
    let s = pool(1);
    let (gate, _running) = occupied(&s);
    let mut task = start(&s, || 5);
    let ((first, first_waker), (second, second_waker)) = (Wakes::new(), Wakes::new());
    assert!(poll(&mut task, &first_waker).is_pending());
    assert!(poll(&mut task, &second_waker).is_pending());
    // The first one is not kept: an executor that dropped its side would leak.
    drop(first_waker);
    assert_eq!(Arc::strong_count(&first), 1);
    gate.open();
    eventually("it is woken", || second.count() == 1);
    assert!(matches!(poll(&mut task, &second_waker), Poll::Ready(Ok(5))));
    assert_eq!(first.count(), 0);
}

#[test]
fn a_cancelled_task_wakes_its_waiter() {
    let s = pool(1);
    let (gate, _running) = occupied(&s);
    let delayed = background_task(|| ()).delay(Duration::MAX).supervisor(&s).start();
    for mut task in [start(&s, || ()), delayed] {
        let (wakes, waker) = Wakes::new();
        assert!(poll(&mut task, &waker).is_pending());
        assert_eq!(task.cancel(), CancelOutcome::Dequeued);
        assert_eq!(wakes.count(), 1);
        assert!(matches!(poll(&mut task, &waker), Poll::Ready(Err(TaskError::Cancelled))));
    }
    gate.open();
}

#[test]
fn a_handle_may_be_dropped_or_waited_for_after_a_poll() {
    let s = pool(1);
    let (gate, _running) = occupied(&s);
    let (wakes, waker) = Wakes::new();
    let (mut dropped, mut waited) = (start(&s, || 1), start(&s, || 2));
    assert!(poll(&mut dropped, &waker).is_pending());
    assert!(poll(&mut waited, &waker).is_pending());
    drop(dropped);
    let Err(WaitError::NotReady(waited)) = waited.wait_timeout(Duration::ZERO) else { panic!("it can't be ready") };
    gate.open();
    assert_eq!(waited.wait().unwrap(), 2);
    s.stop();
    drop(waker);
    assert_eq!(Arc::strong_count(&wakes), 1);
}

/// What an executor on the pool's own threads does; another thread runs the task.
#[test]
fn a_task_can_be_awaited_on_a_pool_thread() {
    in_time(|| {
        let s = pool(2);
        let inner = s.clone();
        let task = start(&s, move || block_on(async { start(&inner, || 5).await }).unwrap());
        assert_eq!(task.wait().unwrap(), 5);
    });
}

/// A body that blocks on a future waits as one in `wait` does, and nobody else could run the task.
#[test]
fn a_task_awaited_on_the_only_pool_thread_is_run_there() {
    in_time(|| {
        let s = pool(1);
        let inner = s.clone();
        let task = start(&s, move || {
            let delayed = background_task(|| 6).delay(Duration::from_millis(5)).supervisor(&inner).start();
            (block_on(start(&inner, || 5)).unwrap(), block_on(delayed).unwrap())
        });
        assert_eq!(task.wait().unwrap(), (5, 6));
    });
}

#[test]
fn a_chain_of_awaits_deeper_than_the_nesting_completes_with_one_place() {
    fn chain(s: Supervisor, length: u32) -> u32 {
        if length == 0 {
            return 0;
        }
        let inner = s.clone();
        let mut task = start(&s, move || chain(inner, length - 1));
        // Looked at before it is waited for, as a `select` does.
        match poll(&mut task, Waker::noop()) {
            Poll::Ready(result) => result.unwrap() + 1,
            Poll::Pending => block_on(task).unwrap() + 1,
        }
    }
    in_time(|| {
        let s = supervisor(Config::new().pool_size(1).reserve_normal(0).reserve_high(0).max_nesting(2));
        let inner = s.clone();
        assert_eq!(start(&s, move || chain(inner, 300)).wait().unwrap(), 300);
        s.stop();
        let totals = s.info().totals;
        assert_eq!((totals.completed, totals.largest_active), (301, 1));
    });
}

#[test]
fn awaiting_oneself_is_a_deadlock() {
    in_time(|| {
        let s = pool(1);
        let (give, given) = mpsc::channel::<Task<()>>();
        let (tell, told) = mpsc::channel();
        give.send(start(&s, move || tell.send(block_on(given.recv().unwrap())).unwrap())).unwrap();
        assert!(matches!(told.recv().unwrap(), Err(TaskError::Deadlock)));
    });
}

#[test]
fn futures_of_many_tasks_make_progress_together() {
    let s = pool(2);
    let tasks: Vec<_> = (0..200).map(|number| start(&s, move || number)).collect();
    let sums: Vec<_> =
        tasks.into_iter().map(|task| thread::spawn(move || block_on(async move { task.await.unwrap() + 1 }))).collect();
    let sum: u32 = sums.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!(sum, (1..=200).sum());
}

#[test]
fn an_awaited_task_can_be_cancelled_while_it_runs() {
    let s = pool(1);
    let (gate, mut running) = occupied(&s);
    let mut task = running.remove(0);
    let (wakes, waker) = Wakes::new();
    assert!(poll(&mut task, &waker).is_pending());
    assert_eq!((task.cancel(), task.status()), (CancelOutcome::Requested, TaskStatus::Running));
    assert_eq!(wakes.count(), 0);
    gate.open();
    block_on(task).unwrap();
}

fn occupied(s: &Tested) -> (Gate, Vec<Task<()>>) {
    s.occupy(1, Priority::Normal)
}

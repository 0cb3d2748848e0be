//! Cancelling a task: before it starts, while it runs, after its end, and in the moment between.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use atasker::{CancelOutcome, Priority, TaskError, TaskStatus, background_task, is_cancelled};

use crate::support::{Drops, Gate, eventually, in_time, pool, start};

#[test]
fn a_task_cancelled_before_it_starts_never_runs() {
    let s = pool(1);
    let (gate, _running) = s.occupy(1, Priority::Normal);
    let drops = Drops::new();
    let runs = Arc::new(AtomicUsize::new(0));
    let (captured, counter) = (drops.value(), Arc::clone(&runs));
    let task = start(&s, move || {
        drop(captured);
        counter.fetch_add(1, Ordering::SeqCst);
    });
    assert_eq!(task.cancel(), CancelOutcome::Dequeued);
    assert_eq!((task.status(), drops.count(), s.info().queued.total()), (TaskStatus::Cancelled, 1, 0));
    assert_eq!(task.cancel(), CancelOutcome::TooLate);
    gate.open();
    assert!(matches!(task.wait(), Err(TaskError::Cancelled)));
    let report = s.stop();
    assert_eq!((report.ran, report.cancelled, runs.load(Ordering::SeqCst), drops.count()), (1, 1, 0, 1));
}

#[test]
fn a_running_body_sees_the_cancellation_and_ends_as_it_likes() {
    let s = pool(2);
    for panics in [false, true] {
        let began = Gate::new();
        let running = began.clone();
        let task = start(&s, move || {
            assert!(!is_cancelled());
            running.open();
            eventually("it sees the cancellation", is_cancelled);
            assert!(!panics, "as told");
            5
        });
        began.wait();
        // Another body sees nothing of it.
        assert_eq!(task.cancel(), CancelOutcome::Requested);
        assert!(!start(&s, is_cancelled).wait().unwrap());
        let result = task.wait();
        if panics {
            assert!(matches!(result, Err(TaskError::Panicked(panic)) if panic.message() == "as told"));
        } else {
            assert_eq!(result.unwrap(), 5);
        }
    }
    assert!(!is_cancelled());
}

#[test]
fn a_running_task_that_was_cancelled_and_ends_by_itself_is_completed() {
    let s = pool(1);
    let (gate, mut running) = s.occupy(1, Priority::Normal);
    let task = running.remove(0);
    assert_eq!((task.cancel(), task.cancel()), (CancelOutcome::Requested, CancelOutcome::Requested));
    assert_eq!(task.status(), TaskStatus::Running);
    gate.open();
    eventually("it has ended", || task.is_finished());
    assert_eq!((task.status(), task.cancel()), (TaskStatus::Completed, CancelOutcome::TooLate));
    task.wait().unwrap();
    assert_eq!(s.stop().cancelled, 0);
}

#[test]
fn a_body_may_cancel_itself() {
    let s = pool(1);
    let (give, given) = std::sync::mpsc::channel::<atasker::Task<()>>();
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&seen);
    give.send(start(&s, move || {
        let own = given.recv().unwrap();
        assert_eq!(own.cancel(), CancelOutcome::Requested);
        counter.fetch_add(usize::from(is_cancelled()), Ordering::SeqCst);
    }))
    .unwrap();
    let report = s.stop();
    assert_eq!((report.ran, report.cancelled, seen.load(Ordering::SeqCst)), (1, 0, 1));
}

#[test]
fn a_task_that_ended_is_too_late_to_cancel() {
    let s = pool(1);
    let (completed, panicked) = (start(&s, || ()), start(&s, || panic!("as told")));
    eventually("both have ended", || completed.is_finished() && panicked.is_finished());
    assert_eq!((completed.cancel(), panicked.cancel()), (CancelOutcome::TooLate, CancelOutcome::TooLate));
    assert_eq!((completed.status(), panicked.status()), (TaskStatus::Completed, TaskStatus::Panicked));
}

#[test]
fn a_task_waited_for_in_a_body_has_a_flag_of_its_own() {
    let s = pool(1);
    let (began, goes_on) = (Gate::new(), Gate::new());
    let (inner, running, go) = (s.clone(), began.clone(), goes_on.clone());
    let outer = start(&s, move || {
        running.open();
        go.wait();
        (start(&inner, is_cancelled).wait().unwrap(), is_cancelled())
    });
    began.wait();
    outer.cancel();
    goes_on.open();
    assert_eq!(outer.wait().unwrap(), (false, true));
}

/// Everything a cancellation and a start can come to, and nothing else.
#[test]
fn cancel_racing_with_start_has_exactly_one_outcome() {
    let s = pool(2);
    for round in 0..20_000_u32 {
        let runs = Arc::new(AtomicUsize::new(0));
        let drops = Drops::new();
        let (counter, captured) = (Arc::clone(&runs), drops.value());
        let body = move || {
            let _captured = captured;
            counter.fetch_add(1, Ordering::SeqCst);
            (0..round % 16).for_each(|_| std::hint::spin_loop());
        };
        let task = if round % 8 == 0 {
            background_task(body).delay(Duration::from_micros(u64::from(round % 64))).supervisor(&s).start()
        } else {
            start(&s, body)
        };
        (0..round % 301).for_each(|_| std::hint::spin_loop());
        let outcome = task.cancel();
        let (result, ran) = (task.wait(), runs.load(Ordering::SeqCst));
        match outcome {
            CancelOutcome::Dequeued => assert!(matches!(result, Err(TaskError::Cancelled)) && ran == 0),
            CancelOutcome::Requested | CancelOutcome::TooLate => assert!(result.is_ok() && ran == 1),
        }
        assert_eq!(drops.count(), 1);
    }
    let report = s.stop();
    assert_eq!(report.ran + report.cancelled, 20_000);
    let info = s.info();
    assert_eq!((info.queued.total(), info.delayed.total(), info.active.total()), (0, 0, 0));
}

#[test]
fn of_many_who_cancel_exactly_one_dequeues() {
    let s = pool(1);
    let (gate, _running) = s.occupy(1, Priority::Normal);
    for _ in 0..300 {
        let task = start(&s, || ());
        let dequeued = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| match task.cancel() {
                    CancelOutcome::Dequeued => _ = dequeued.fetch_add(1, Ordering::SeqCst),
                    outcome => assert_eq!(outcome, CancelOutcome::TooLate),
                });
            }
        });
        assert_eq!(dequeued.load(Ordering::SeqCst), 1);
    }
    gate.open();
    assert_eq!(s.stop().cancelled, 300);
}

/// A pool thread, a nested wait and a stop that cancels all go for the same task.
#[test]
fn claim_nested_wait_and_stop_have_exactly_one_outcome() {
    in_time(|| {
        for round in 0..300_u32 {
            let s = pool(2);
            let runs = Arc::new(AtomicUsize::new(0));
            let (inner, counter) = (s.clone(), Arc::clone(&runs));
            let body = move || {
                let mut completed = 0;
                for _ in 0..20 {
                    let counter = Arc::clone(&counter);
                    let task = start(&inner, move || _ = counter.fetch_add(1, Ordering::SeqCst));
                    match task.wait() {
                        Ok(()) => completed += 1,
                        Err(TaskError::Cancelled | TaskError::Rejected) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
                completed
            };
            let bodies = [start(&s, body.clone()), start(&s, body)];
            (0..round % 40 * 500).for_each(|_| std::hint::spin_loop());
            let report = s.stop_now();
            let completed: usize = bodies.into_iter().map(|body| body.wait().unwrap_or(0)).sum();
            assert_eq!(completed, runs.load(Ordering::SeqCst));
            let totals = s.info().totals;
            assert_eq!(totals.submitted, totals.ran() + totals.cancelled + totals.rejected);
            assert!(report.complete);
        }
    });
}

#[test]
fn queues_forget_the_cancelled() {
    let s = pool(1);
    let (gate, _running) = s.occupy(1, Priority::Normal);
    let drops = Drops::new();
    let tasks: Vec<_> = (0..10_000)
        .map(|_| {
            let captured = drops.value();
            start(&s, move || drop(captured))
        })
        .collect();
    let last = start(&s, || 5);
    assert!(tasks.iter().all(|task| task.cancel() == CancelOutcome::Dequeued));
    assert_eq!((s.info().queued.total(), drops.count()), (1, 10_000));
    gate.open();
    assert_eq!(last.wait().unwrap(), 5);
}

#[test]
fn stop_now_cancels_what_is_queued_and_wakes_who_waits_for_it() {
    in_time(|| {
        let s = pool(1);
        let (gate, mut running) = s.occupy(1, Priority::Normal);
        let (waited, awaited) = (start(&s, || ()), start(&s, || ()));
        thread::scope(|scope| {
            let waiter = scope.spawn(|| waited.wait());
            let future = scope.spawn(|| futures_executor::block_on(awaited));
            let stop = scope.spawn(|| s.stop_now());
            assert!(matches!(waiter.join().unwrap(), Err(TaskError::Cancelled)));
            assert!(matches!(future.join().unwrap(), Err(TaskError::Cancelled)));
            gate.open();
            let report = stop.join().unwrap();
            assert_eq!((report.ran, report.cancelled), (1, 2));
        });
        running.remove(0).wait().unwrap();
    });
}

//! Starting tasks: that each runs exactly once, what they are called, and that everything is counted.

mod attribute;
mod collection;
mod delay;
mod refused;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use atasker::{CancelOutcome, Priority, TaskError, TaskStatus, background_task};

use crate::support::{Drops, Gate, PATIENCE, eventually, pool, start};

#[test]
fn every_task_runs_exactly_once() {
    const EACH: usize = 5_000;
    let s = pool(3);
    let runs: Arc<Vec<AtomicUsize>> = Arc::new((0..4 * EACH).map(|_| AtomicUsize::new(0)).collect());
    thread::scope(|scope| {
        for from in 0..4 {
            let (s, runs) = (&s, &runs);
            scope.spawn(move || {
                let body = |number: usize| {
                    let runs = Arc::clone(runs);
                    move || {
                        runs[number].fetch_add(1, Ordering::Relaxed);
                        number
                    }
                };
                let numbers = from * EACH..(from + 1) * EACH;
                let tasks: Vec<_> = numbers.clone().map(|number| start(s, body(number))).collect();
                let results: Vec<_> = tasks.into_iter().map(|task| task.wait().unwrap()).collect();
                assert!(results.into_iter().eq(numbers));
            });
        }
    });
    assert!(runs.iter().all(|runs| runs.load(Ordering::Relaxed) == 1));
    assert_eq!(s.stop().ran, 4 * EACH as u64);
}

#[test]
fn value_unit_and_failure_reach_the_handle() {
    let s = pool(1);
    assert_eq!(start(&s, || "value".to_owned()).wait().unwrap(), "value");
    start(&s, || ()).wait().unwrap();
    assert_eq!(start(&s, || Err::<(), _>("no")).wait().unwrap(), Err("no"));
    let error = start(&s, || -> u32 { panic!("no paper") }).wait().unwrap_err();
    assert!(matches!(error, TaskError::Panicked(panic) if panic.message() == "no paper"));
}

#[test]
fn a_result_may_be_large_or_of_no_size() {
    let s = pool(1);
    assert_eq!(start(&s, || [7_u8; 10_000]).wait().unwrap(), [7; 10_000]);
    let large = [3_u64; 1_000];
    assert_eq!(start(&s, move || large.iter().sum::<u64>()).wait().unwrap(), 3_000);
}

#[test]
fn counts_are_exact_at_rest() {
    let s = pool(2);
    let (gate, running) = s.occupy(2, Priority::Normal);
    let mut queued: Vec<_> = (0..3).map(|_| start(&s, || ())).collect();
    let urgent = background_task(|| panic!("counted")).priority(Priority::High).supervisor(&s).start();
    let delayed = background_task(|| ()).priority(Priority::Low).delay(Duration::MAX).supervisor(&s).start();
    let info = s.info();
    assert_eq!((info.active.normal, info.active.total()), (2, 2));
    assert_eq!((info.queued.normal, info.queued.high, info.queued.total()), (3, 1, 4));
    assert_eq!((info.delayed.low, info.delayed.total()), (1, 1));
    assert_eq!((info.totals.submitted, info.totals.ran()), (7, 0));

    assert_eq!(queued.remove(1).cancel(), CancelOutcome::Dequeued);
    assert_eq!(delayed.cancel(), CancelOutcome::Dequeued);
    let info = s.info();
    assert_eq!((info.queued.normal, info.delayed.total(), info.totals.cancelled), (2, 0, 2));

    gate.open();
    urgent.wait().unwrap_err();
    running.into_iter().chain(queued).for_each(|task| task.wait().unwrap());
    eventually("all places are free", || s.info().active.total() == 0);
    let info = s.info();
    assert_eq!(info.queued.total(), 0);
    let totals = info.totals;
    assert_eq!((totals.submitted, totals.completed, totals.panicked, totals.cancelled), (7, 4, 1, 2));
    assert_eq!((totals.largest_active, totals.largest_threads), (2, 2));

    let report = s.stop();
    assert_eq!((report.ran, report.cancelled), (5, 2));
    _ = start(&s, || ());
    background_task(|| ()).supervisor(&s).try_start().unwrap_err();
    background_task(|| ()).supervisor(&s).detach();
    let totals = s.info().totals;
    assert_eq!((totals.submitted, totals.rejected), (10, 3));
    assert_eq!(totals.submitted, totals.ran() + totals.cancelled + totals.rejected);
}

#[test]
fn tasks_run_by_a_waiter_are_counted_once() {
    let s = pool(1);
    let inner = s.clone();
    let sum = start(&s, move || (0..10).map(|number| start(&inner, move || number).wait().unwrap()).sum::<u32>());
    assert_eq!(sum.wait().unwrap(), 45);
    s.stop();
    let info = s.info();
    assert_eq!((info.totals.submitted, info.totals.completed, info.totals.largest_active), (11, 11, 1));
    assert_eq!((info.queued.total(), info.active.total()), (0, 0));
}

/// A thread that gives its place back looks for more work itself: nobody is called for it meanwhile.
#[test]
fn a_pool_never_has_more_threads_than_places() {
    for places in [1, 2] {
        let s = pool(places);
        for number in 0..3_000 {
            match number % 3 {
                0 => start(&s, || ()).wait().unwrap(),
                1 => drop(start(&s, || ())),
                _ => background_task(|| ()).supervisor(&s).detach(),
            }
        }
        s.stop();
        let totals = s.info().totals;
        assert_eq!(totals.completed, 3_000);
        assert!(totals.largest_active <= places && totals.largest_threads <= places, "{totals:?}");
    }
}

#[test]
fn a_detached_task_runs_and_its_values_are_dropped() {
    let s = pool(2);
    let (drops, runs) = (Drops::new(), Arc::new(AtomicUsize::new(0)));
    for _ in 0..100 {
        let (argument, result, counter) = (drops.value(), drops.value(), Arc::clone(&runs));
        let body = move || {
            let _argument = argument;
            counter.fetch_add(1, Ordering::Relaxed);
            result
        };
        background_task(body).supervisor(&s).detach();
    }
    s.stop();
    assert_eq!((runs.load(Ordering::Relaxed), drops.count()), (100, 200));
}

/// Whenever its handle goes, a task runs, and what it captured and what it made is dropped exactly once.
#[test]
fn a_task_whose_handle_is_dropped_still_runs_and_leaks_nothing() {
    let s = pool(1);
    let (drops, runs) = (Drops::new(), Arc::new(AtomicUsize::new(0)));
    let task = |gates: Option<(Gate, Gate)>| {
        let (argument, result, runs) = (drops.value(), drops.value(), Arc::clone(&runs));
        start(&s, move || {
            let _argument = argument;
            runs.fetch_add(1, Ordering::Relaxed);
            if let Some((began, goes_on)) = gates {
                began.open();
                goes_on.wait();
            }
            result
        })
    };
    let (began, goes_on) = (Gate::new(), Gate::new());
    let running = task(Some((began.clone(), goes_on.clone())));
    began.wait();
    drop(task(None)); // while it is queued
    let finished = task(None);
    drop(running);
    goes_on.open();
    eventually("the last one has ended", || finished.is_finished());
    drop(finished);
    s.stop();
    assert_eq!((runs.load(Ordering::Relaxed), drops.count()), (3, 6));
}

#[test]
fn ids_are_unique() {
    let s = pool(2);
    let ids: Vec<u64> = thread::scope(|scope| {
        let ids = || (0..3_000).map(|_| start(&s, || ()).id()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(ids)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 12_000);
}

fn a_report() {}

#[test]
fn a_task_is_named_by_its_fn_its_closure_or_as_told() {
    let s = pool(1);
    assert_eq!(start(&s, a_report).name(), "a_report");
    assert!(start(&s, || ()).name().ends_with("a_task_is_named_by_its_fn_its_closure_or_as_told::{{closure}}"));
    assert_eq!(background_task(a_report).name("given").supervisor(&s).start().name(), "given");
    let made = background_task(a_report).name(format!("made-{}", 1)).supervisor(&s).start();
    assert_eq!((made.name(), made.info().name.as_str()), ("made-1", "made-1"));
}

#[test]
fn a_task_has_the_priority_it_was_given() {
    let s = pool(1);
    assert_eq!(start(&s, || ()).priority(), Priority::Normal);
    for priority in Priority::ALL {
        let task = background_task(|| ()).priority(priority).supervisor(&s).start();
        assert_eq!((task.priority(), task.info().priority), (priority, priority));
    }
}

#[test]
fn a_task_started_inside_a_body_runs_too() {
    let s = pool(1);
    let inner = s.clone();
    let task = start(&s, move || start(&inner, || 5)).wait().unwrap();
    assert_eq!(task.wait_timeout(PATIENCE).unwrap(), 5);
}

#[test]
fn a_task_that_ended_stays_as_it_ended() {
    let s = pool(1);
    let task = start(&s, || 1);
    eventually("it ends", || task.is_finished());
    s.stop_now();
    assert_eq!(task.status(), TaskStatus::Completed);
    s.start().unwrap();
    assert_eq!(task.status(), TaskStatus::Completed);
    assert_eq!(task.wait().unwrap(), 1);
}

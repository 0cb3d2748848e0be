//! The clock that a test moves: it governs all that is planned, and waits for what runs.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use atasker::{
    Error, Supervisor, TaskStatus, TestClock, WorkerContext, background_future, background_task, background_worker,
    task_supervisor,
};

use super::HOUR;
use crate::support::{child_ends_with, clocked_pool, in_child, next, pool, returns};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_year_of_ticks_passes_without_waiting_and_none_is_missed() {
    let (s, clock) = clocked_pool(2);
    let start = clock.now();
    let (tell, told) = mpsc::channel();
    let body = move |cx: &WorkerContext| tell.send((cx.run(), cx.due(), cx.missed())).unwrap();
    let worker = background_worker(body).interval(HOUR).supervisor(&s).start().unwrap();
    clock.advance(HOUR * 24 * 365);
    let ticks: Vec<_> = told.try_iter().collect();
    assert_eq!(ticks.len(), 24 * 365 + 1);
    for (number, (run, due, missed)) in (0_u32..).zip(&ticks) {
        assert_eq!((*run, *due, *missed), (u64::from(number) + 1, start + HOUR * number, 0));
    }
    assert_eq!(worker.info().next_run, Some(clock.now() + HOUR));
}

#[test]
fn it_governs_blocking_and_async_bodies_alike() {
    let (s, clock) = clocked_pool(2);
    let (tell, told) = mpsc::channel();
    let blocking = tell.clone();
    background_worker(move || blocking.send("blocking").unwrap()).interval(SECOND).supervisor(&s).start().unwrap();
    let body = move || {
        let tell = tell.clone();
        async move {
            // Its runtime's threads take it up wherever it waits.
            tokio::task::yield_now().await;
            tell.send("async").unwrap();
        }
    };
    background_worker(body).interval(SECOND).supervisor(&s).start().unwrap();
    let delayed = background_future(async { 7 }).delay(SECOND * 10).supervisor(&s).start();
    clock.advance(SECOND * 9);
    let runs: Vec<_> = told.try_iter().collect();
    for sort in ["blocking", "async"] {
        assert_eq!(runs.iter().filter(|run| **run == sort).count(), 10, "{sort}");
    }
    assert_eq!(delayed.status(), TaskStatus::Delayed);
    clock.advance(SECOND);
    assert_eq!(delayed.try_result().unwrap(), 7);
}

#[test]
fn it_goes_from_one_planned_moment_to_the_next() {
    let (s, clock) = clocked_pool(1);
    assert_eq!(clock.advance_to_next(), None);
    let tasks: Vec<_> =
        [3, 1, 2].map(|secs| background_task(move || secs).delay(SECOND * secs).supervisor(&s).start()).into();
    let began = clock.now();
    for secs in 1..=3 {
        assert_eq!(clock.advance_to_next(), Some(SECOND));
        assert_eq!(clock.now(), began + SECOND * secs);
        let done = tasks.iter().filter(|task| task.is_finished()).count();
        assert_eq!(done, usize::try_from(secs).unwrap());
    }
    assert_eq!(clock.advance_to_next(), None);
}

#[test]
fn a_delay_worker_counts_its_gap_from_the_end_of_a_run() {
    let (s, clock) = clocked_pool(1);
    let (tell, told) = mpsc::channel();
    let inside = clock.clone();
    let body = move || {
        // Takes three seconds: inside a body it moves the clock, and waits for nobody.
        inside.advance(SECOND * 3);
        tell.send(inside.now()).unwrap();
    };
    let began = clock.now();
    background_worker(body).delay(SECOND).supervisor(&s).start().unwrap();
    clock.run_until_idle();
    assert_eq!(next(&told), began + SECOND * 3);
    assert_eq!(clock.advance_to_next(), Some(SECOND * 4));
    assert_eq!(next(&told), began + SECOND * 7);
}

#[test]
fn a_jump_passes_ticks_unseen() {
    let (s, clock) = clocked_pool(1);
    let (tell, told) = mpsc::channel();
    let body = move |cx: &WorkerContext| tell.send((cx.due(), cx.missed())).unwrap();
    let worker = background_worker(body).interval(SECOND).supervisor(&s).start().unwrap();
    let began = clock.now();
    clock.run_until_idle();
    assert_eq!(next(&told), (began, 0));
    clock.jump(SECOND * 5 + SECOND / 2);
    clock.run_until_idle();
    // The tick that was planned has its run, and those behind it are missed.
    assert_eq!(next(&told), (began + SECOND, 0));
    assert_eq!(worker.info().missed, 4);
    assert_eq!(clock.advance_to_next(), Some(SECOND / 2));
    assert_eq!(next(&told), (began + SECOND * 6, 4));
}

#[test]
fn two_supervisors_go_by_one_clock() {
    let (one, clock) = clocked_pool(1);
    let other = pool(1);
    clock.govern(&other).unwrap();
    let later = background_task(|| 1).delay(HOUR).supervisor(&one).start();
    let latest = background_task(move || later.wait().unwrap() + 1).delay(HOUR * 2).supervisor(&other).start();
    clock.advance(HOUR * 2);
    assert_eq!(latest.try_result().unwrap(), 2);
}

#[test]
fn it_is_taken_before_the_start_and_once() {
    let running = pool(1);
    running.start().unwrap();
    assert!(matches!(TestClock::of(&running), Err(Error::Config(_))));
    let (s, clock) = clocked_pool(1);
    assert!(matches!(TestClock::of(&s), Err(Error::Config(_))));
    assert!(matches!(clock.govern(&s), Err(Error::Config(_))));
    // It outlives a stop, and goes on with the next run.
    s.stop();
    s.start().unwrap();
    let task = background_task(|| 1).delay(HOUR).supervisor(&s).start();
    clock.advance(HOUR);
    assert_eq!(task.wait().unwrap(), 1);
}

#[background_worker(cron = "@hourly")]
fn hourly() {}

/// In a process of its own, whose global supervisor nobody has started yet.
#[test]
fn it_takes_over_the_global_supervisor() {
    if !in_child() {
        child_ends_with("time::test_clock::it_takes_over_the_global_supervisor", 0);
        return;
    }
    let clock = TestClock::of(task_supervisor()).unwrap();
    hourly.start().unwrap();
    clock.advance(HOUR * 24);
    assert_eq!(hourly.info().runs, 24);
}

#[test]
fn a_stop_does_not_wait_for_it() {
    let (s, clock) = clocked_pool(1);
    let delayed = background_task(|| 1).delay(HOUR).supervisor(&s).start();
    background_worker(|| ()).interval(HOUR).initial(HOUR).supervisor(&s).start().unwrap();
    let stopper = Supervisor::clone(&s);
    assert!(returns(move || stopper.stop()).complete);
    assert_eq!(delayed.status(), TaskStatus::Cancelled);
    assert_eq!(clock.advance_to_next(), None);
    assert!(clock.now() <= Instant::now());
}

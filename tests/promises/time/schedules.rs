//! Schedules of the user's, limits on runs, jitter, tolerance, and precise starts.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use atasker::{
    Error, Jitter, LoopWorker, Schedule, ScheduleContext, When, WorkerContext, WorkerKind, background_worker,
};

use super::{HOUR, SOON};
use crate::support::{clocked_pool, eventually, next, pool, returns};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_schedule_is_asked_after_each_run_and_ends_the_worker() {
    let (s, clock) = clocked_pool(1);
    let began = clock.now();
    let mut gaps = [1, 10, 100].into_iter();
    let (ask, asked) = mpsc::channel();
    let schedule = move |cx: &ScheduleContext| {
        ask.send(cx.last()).unwrap();
        gaps.next().map(|secs| When::At(cx.now() + SECOND * secs))
    };
    let (tell, told) = mpsc::channel();
    let body = move |cx: &WorkerContext| tell.send(cx.due()).unwrap();
    let worker = background_worker(body).schedule(schedule).supervisor(&s).start().unwrap();
    assert_eq!(worker.info().kind, WorkerKind::Schedule);
    clock.advance(HOUR);
    let due = [1, 11, 111].map(|secs| began + SECOND * secs);
    assert_eq!(told.try_iter().collect::<Vec<_>>(), due);
    let last: Vec<_> = asked.try_iter().collect();
    assert_eq!(last, [None, Some(When::At(due[0])), Some(When::At(due[1])), Some(When::At(due[2]))]);
    eventually("it stops by itself", || !worker.is_running());
}

#[test]
fn a_trigger_beside_the_schedule_does_not_ask_it() {
    let (s, clock) = clocked_pool(1);
    let (ask, asked) = mpsc::channel();
    let schedule = move |cx: &ScheduleContext| {
        ask.send(()).unwrap();
        Some(When::At(cx.now() + HOUR))
    };
    let worker = background_worker(|| ()).schedule(schedule).supervisor(&s).start().unwrap();
    for _ in 0..5 {
        assert!(worker.trigger());
        clock.run_until_idle();
    }
    assert_eq!((worker.info().runs, asked.try_iter().count()), (5, 1));
    assert_eq!(clock.advance_to_next(), Some(HOUR));
    assert_eq!((worker.info().runs, asked.try_iter().count()), (6, 1));
}

#[test]
fn a_pause_asks_the_schedule_again() {
    let (s, clock) = clocked_pool(1);
    let worker = background_worker(|| ()).schedule(Tens).supervisor(&s).start().unwrap();
    clock.advance(SECOND * 10);
    assert_eq!(worker.info().runs, 1);
    worker.pause();
    clock.advance(SECOND * 55);
    assert_eq!(worker.info().runs, 1);
    worker.resume();
    clock.run_until_idle();
    assert_eq!((worker.info().runs, worker.info().missed), (1, 0), "what passed in the pause is gone, and not missed");
    assert_eq!(clock.advance_to_next(), Some(SECOND * 10));
    assert_eq!(worker.info().runs, 2);

    /// Ten seconds from now, and as many missed as tens have passed.
    struct Tens;

    impl Schedule for Tens {
        fn next(&mut self, cx: &ScheduleContext) -> Option<When> {
            Some(When::At(cx.now() + SECOND * 10))
        }

        fn skipped(&mut self, cx: &ScheduleContext) -> u64 {
            let Some(When::At(last)) = cx.last() else { return 0 };
            (cx.now() - last).as_secs() / 10
        }
    }
}

#[test]
fn a_schedule_that_panics_is_counted_and_ends_the_worker() {
    let (s, clock) = clocked_pool(1);
    let mut left = 2;
    let schedule = move |cx: &ScheduleContext| {
        left -= 1;
        assert!(left >= 0, "the schedule has no more");
        Some(When::At(cx.now() + SECOND))
    };
    let worker = background_worker(|| ()).schedule(schedule).supervisor(&s).start().unwrap();
    clock.advance(HOUR);
    eventually("it stops by itself", || !worker.is_running());
    assert_eq!((worker.info().runs, worker.info().panics), (2, 1));
}

/// Asked at the start, it is on the caller's thread and no body yet: the worker is not let in before it has answered.
#[test]
fn a_schedule_that_stops_its_supervisor_at_the_start_does_not_wait_for_itself() {
    let s = pool(1);
    let stopper = atasker::Supervisor::clone(&s);
    let schedule = move |_: &ScheduleContext| {
        assert!(stopper.stop().complete);
        None
    };
    let own = atasker::Supervisor::clone(&s);
    let started = returns(move || background_worker(|| ()).schedule(schedule).supervisor(&own).start().map(drop));
    assert!(matches!(started, Err(Error::Stopped)));
}

#[test]
fn times_ends_every_kind_after_so_many_runs() {
    let (s, clock) = clocked_pool(1);
    let stopped = |worker: &LoopWorker| !worker.is_running();
    let looping = background_worker(|| ()).times(3).supervisor(&s).start().unwrap();
    let failing = background_worker(|| Err::<(), _>("no")).interval(SECOND).times(3).supervisor(&s).start().unwrap();
    let delayed = background_worker(|| ()).delay(SECOND).times(3).supervisor(&s).start().unwrap();
    let event = background_worker(|| ()).event().times(1).supervisor(&s).start().unwrap();
    let asynchronous = background_worker(|| async {}).interval(SECOND).times(3).supervisor(&s).start().unwrap();
    assert!(event.trigger());
    clock.advance(HOUR);
    eventually("the loop ends", || stopped(&looping));
    eventually("the others end", || {
        let timed = [&failing, &delayed, &asynchronous].into_iter().any(|worker| worker.is_running());
        !timed && !event.is_running()
    });
    assert_eq!([looping.info(), failing.info(), delayed.info(), asynchronous.info()].map(|info| info.runs), [3; 4]);
    assert_eq!((event.info().runs, event.trigger()), (1, false));
    let refused = background_worker(|| ()).times(0).supervisor(&s).start();
    assert!(matches!(refused, Err(Error::Config(error)) if error.field() == "times"));
}

#[test]
fn until_ends_a_worker_at_that_moment() {
    let (s, clock) = clocked_pool(1);
    let at = clock.now() + SECOND * 5;
    let on_wall = clock.wall() + SECOND * 5;
    let one = background_worker(|| ()).interval(SECOND * 2).until(at).supervisor(&s).start().unwrap();
    let other = background_worker(|| ()).interval(SECOND * 2).until(on_wall).supervisor(&s).start().unwrap();
    let event = background_worker(|| ()).event().until(at).supervisor(&s).start().unwrap();
    clock.advance(SECOND * 5 - Duration::from_nanos(1));
    assert!(one.is_running() && other.is_running() && event.trigger());
    clock.advance(Duration::from_nanos(1));
    for running in [one.is_running(), other.is_running(), event.is_running()] {
        assert!(!running, "it stops then, and not at its next tick");
    }
    assert_eq!([one.info().runs, other.info().runs, event.info().runs], [3, 3, 1]);
    let past = background_worker(|| ()).until(clock.now()).supervisor(&s).start().unwrap();
    clock.run_until_idle();
    assert_eq!((past.is_running(), past.info().runs), (false, 0));
}

#[test]
fn a_jitter_makes_late_and_keeps_the_grid() {
    let (s, clock) = clocked_pool(1);
    let (tell, told) = mpsc::channel();
    let inside = clock.clone();
    let body = move |cx: &WorkerContext| tell.send((cx.due(), inside.now())).unwrap();
    let jitter = Jitter::percent(50);
    background_worker(body).interval(SECOND * 10).jitter(jitter).supervisor(&s).start().unwrap();
    let began = clock.now();
    clock.advance(SECOND * 10 * 100);
    let ticks: Vec<_> = told.try_iter().collect();
    assert!(ticks.len() >= 100);
    for (number, (due, started)) in (0_u32..).zip(&ticks) {
        assert_eq!(*due, began + SECOND * 10 * number, "the grid stays");
        assert!(*due <= *started && *started <= *due + SECOND * 5, "{:?}", *started - *due);
    }
    assert!(ticks.iter().any(|(due, started)| started != due));
}

#[test]
fn what_does_not_go_together_is_refused() {
    let s = pool(1);
    let worker = || background_worker(|| ()).interval(SECOND).supervisor(&s);
    let asynchronous = background_worker(|| async {}).interval(SECOND).supervisor(&s).precise(true);
    let percent_of_nothing = background_worker(|| ()).schedule(|cx: &ScheduleContext| Some(cx.now().into()));
    for (refused, field) in [
        (worker().jitter(SECOND * 2).start().err(), "jitter"),
        (worker().jitter(Jitter::percent(0)).start().err(), "jitter"),
        (worker().jitter(Jitter::percent(101)).start().err(), "jitter"),
        (percent_of_nothing.jitter(Jitter::percent(1)).supervisor(&s).start().err(), "jitter"),
        (worker().precise(true).jitter(SOON).start().err(), "precise"),
        (worker().precise(true).tolerance(SOON).start().err(), "precise"),
        (asynchronous.start().err(), "precise"),
    ] {
        let Some(Error::Config(error)) = refused else { panic!("{field} is refused") };
        assert_eq!(error.field(), field, "{error}");
    }
}

/// Never early, on its grid, and a stop does not wait for its moment.
#[test]
fn a_precise_worker_is_never_early() {
    let s = pool(1);
    let (tell, told) = mpsc::channel();
    let body = move |cx: &WorkerContext| tell.send((cx.due(), Instant::now(), cx.missed())).unwrap();
    let worker = background_worker(body).interval(SOON).precise(true).supervisor(&s).start().unwrap();
    let ticks: Vec<_> = (0..200).map(|_| next(&told)).collect();
    worker.stop();
    for pair in ticks.windows(2) {
        let ((last, ..), (due, started, missed)) = (pair[0], pair[1]);
        assert_eq!(due, last + SOON * u32::try_from(missed + 1).unwrap());
        assert!(due <= started);
    }
}

#[test]
fn ticks_within_a_tolerance_come_together() {
    let s = pool(1);
    let (tell, told) = mpsc::channel();
    let tolerance = Duration::from_millis(20);
    for _ in 0..10 {
        let tell = tell.clone();
        let body = move |cx: &WorkerContext| tell.send((cx.due(), Instant::now())).unwrap();
        background_worker(body).interval(tolerance).tolerance(tolerance).supervisor(&s).start().unwrap();
    }
    for _ in 0..100 {
        let (due, started) = next(&told);
        assert!(due <= started);
    }
}

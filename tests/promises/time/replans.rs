//! What is planned anew forgets where it stood: pauses, other intervals and clocks that are set owe no runs. And what ends, ends
//! in a pause too.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use atasker::{
    Align, Config, Error, IntervalWorker, MissedTick, Schedule, ScheduleContext, Supervisor, TestClock, When,
    background_task, background_worker,
};

use crate::support::{Tested, in_time, supervisor};

const S: Duration = Duration::from_secs(1);
const POLICIES: [MissedTick; 2] = [MissedTick::Skip, MissedTick::Burst];

fn clocked() -> (Tested, TestClock) {
    let s = supervisor(Config::new());
    let clock = TestClock::of(&s).unwrap();
    (s, clock)
}

fn worker(s: &Supervisor, align: Align, missed: MissedTick) -> IntervalWorker {
    background_worker(|| ()).interval(S).align(align).missed(missed).supervisor(s).start().unwrap()
}

#[test]
fn ticks_in_a_pause_are_not_made_up_for() {
    for align in [Align::Start, Align::Wall] {
        for missed in POLICIES {
            let (s, clock) = clocked();
            let ticks = worker(&s, align, missed);
            clock.advance(S * 5);
            let before = ticks.info().runs;
            ticks.pause();
            clock.advance(S * 3600);
            ticks.resume();
            clock.run_until_idle();
            assert!(ticks.info().runs - before <= 1, "{align:?} {missed:?}");
            clock.advance(S * 10);
            assert!((10..=11).contains(&(ticks.info().runs - before)), "{align:?} {missed:?}");
            assert_eq!(ticks.info().missed, 0);
        }
    }
}

/// The pause begins and ends while a run is under way.
#[test]
fn ticks_of_a_pause_within_a_run_are_not_made_up_for() {
    for align in [Align::Start, Align::Wall] {
        for missed in POLICIES {
            let (s, clock) = clocked();
            let moved = clock.clone();
            let (hand, handed) = mpsc::channel::<IntervalWorker>();
            let mut first = true;
            let body = move || {
                if std::mem::take(&mut first) {
                    let own = handed.recv().unwrap();
                    own.pause();
                    moved.jump(S * 3600);
                    own.resume();
                }
            };
            let ticks = background_worker(body).interval(S).align(align).missed(missed).supervisor(&s).start().unwrap();
            hand.send(ticks.clone()).unwrap();
            clock.advance(S * 2);
            assert!(ticks.info().runs <= 4, "{align:?} {missed:?}: {}", ticks.info().runs);
        }
    }
}

#[test]
fn a_wall_clock_that_is_set_forward_is_run_after_once() {
    for missed in POLICIES {
        let (s, clock) = clocked();
        let ticks = worker(&s, Align::Wall, missed);
        clock.advance(S * 5);
        let before = ticks.info().runs;
        clock.set_wall(clock.wall() + S * 86_400);
        assert_eq!((ticks.info().runs - before, ticks.info().missed), (1, 0), "{missed:?}");
        clock.advance(S * 5);
        assert_eq!(ticks.info().runs - before, 6);
    }
}

/// A machine without a battery for its clock begins in 1970, or before, and hears of the time later.
#[test]
fn a_machine_that_boots_in_1970_owes_nothing_and_does_nothing_early() {
    for boot in [UNIX_EPOCH, UNIX_EPOCH - S * 86_400, UNIX_EPOCH + S] {
        for missed in POLICIES {
            let (s, clock) = clocked();
            clock.set_wall(boot);
            let ticks = worker(&s, Align::Wall, missed);
            let (tell, told) = mpsc::channel();
            let seen = clock.clone();
            let at = boot + S * 100;
            let _job = s.at(at, move || tell.send(seen.wall()).unwrap()).unwrap();
            clock.advance(S * 50);
            assert!(told.try_recv().is_err(), "nothing is early");
            let now: SystemTime = UNIX_EPOCH + S * 1_800_000_000;
            clock.set_wall(now);
            assert!(told.try_recv().unwrap() >= at);
            clock.advance(S * 3);
            assert!(ticks.info().runs <= 55, "{}", ticks.info().runs);
        }
    }
}

#[test]
fn another_interval_forgets_where_the_old_grid_stood() {
    for align in [Align::Start, Align::Wall] {
        for missed in POLICIES {
            let (s, clock) = clocked();
            let hourly = background_worker(|| ()).interval(S * 3600).align(align).missed(missed);
            let ticks = hourly.supervisor(&s).start().unwrap();
            clock.advance(S * 5400);
            let before = ticks.info().runs;
            ticks.pause();
            ticks.set_interval(S).unwrap();
            clock.advance(S * 600);
            ticks.resume();
            clock.run_until_idle();
            assert!(ticks.info().runs - before <= 1, "{align:?} {missed:?}");
            clock.advance(S * 3);
            assert!((3..=4).contains(&(ticks.info().runs - before)), "{align:?} {missed:?}");
        }
    }
}

#[test]
fn the_end_comes_in_a_pause_too() {
    let wall = |clock: &TestClock| clock.wall() + S * 5;
    for on_wall in [false, true] {
        let (s, clock) = clocked();
        let endless = background_worker(|| ()).interval(S);
        let until = if on_wall { endless.until(wall(&clock)) } else { endless.until(clock.now() + S * 5) };
        let ticks = until.supervisor(&s).start().unwrap();
        let event = background_worker(|| ()).event().until(clock.now() + S * 5).supervisor(&s).start().unwrap();
        ticks.pause();
        event.pause();
        clock.advance(S * 4);
        assert!(ticks.is_running() && ticks.trigger() && event.trigger());
        clock.advance(S * 3600);
        assert!(!ticks.trigger() && !event.trigger(), "no run will start");
        assert!(!ticks.is_running() && !event.is_running());
    }
}

#[test]
fn an_end_that_is_put_off_by_the_wall_clock_comes_later() {
    let (s, clock) = clocked();
    let ticks = background_worker(|| ()).interval(S).until(clock.wall() + S * 10).supervisor(&s).start().unwrap();
    clock.run_until_idle();
    ticks.pause();
    clock.set_wall(clock.wall() - S * 100);
    clock.advance(S * 50);
    assert!(ticks.is_running());
    ticks.resume();
    clock.advance(S * 30);
    assert!(ticks.is_running() && ticks.info().runs >= 30);
    clock.advance(S * 31);
    assert!(!ticks.is_running());
}

#[test]
fn a_tolerance_or_a_jitter_beyond_the_interval_is_refused_at_the_start_and_at_each_change() {
    let (s, clock) = clocked();
    let refused = |result: Result<IntervalWorker, Error>, field: &str| match result {
        Err(Error::Config(fault)) => assert!(fault.to_string().contains(field), "{fault}"),
        other => panic!("{other:?}"),
    };
    refused(background_worker(|| ()).interval(S).tolerance(S * 2).supervisor(&s).start(), "tolerance");
    refused(background_worker(|| ()).interval(S).jitter(S * 2).supervisor(&s).start(), "jitter");
    let tolerant = background_worker(|| ()).interval(S * 2).tolerance(S).supervisor(&s).start().unwrap();
    let jittery = background_worker(|| ()).interval(S * 2).jitter(S).supervisor(&s).start().unwrap();
    for worker in [&tolerant, &jittery] {
        assert!(matches!(worker.set_interval(S / 2), Err(Error::Config(_))));
        worker.set_interval(S).unwrap();
    }
    let part = atasker::Jitter::percent(100);
    let part = background_worker(|| ()).interval(S * 600).jitter(part).supervisor(&s).start().unwrap();
    part.set_interval(S).unwrap();
    clock.advance(S * 600);
    assert!(part.info().runs >= 250, "a percentage is one of the new interval: {}", part.info().runs);
}

/// A schedule of the user's that has no measure.
struct Lavish;

impl Schedule for Lavish {
    fn next(&mut self, cx: &ScheduleContext) -> Option<When> {
        Some((cx.now() + S).into())
    }

    fn skipped(&mut self, _cx: &ScheduleContext) -> u64 {
        u64::MAX
    }
}

#[test]
fn a_schedule_that_has_skipped_more_than_can_be_counted_harms_nobody() {
    let (s, clock) = clocked();
    let lavish = background_worker(|| ()).schedule(Lavish).supervisor(&s).start().unwrap();
    clock.advance(S * 5);
    let info = lavish.info();
    assert!((4..=6).contains(&info.runs) && info.missed == u64::MAX, "{info:?}");
}

#[test]
fn an_advance_for_ever_ends_where_nothing_comes_again() {
    in_time(|| {
        let (s, clock) = clocked();
        let far = background_task(|| 1).delay(S * 86_400 * 365).supervisor(&s).start();
        let before = clock.now();
        clock.advance(Duration::MAX);
        assert_eq!(far.wait().unwrap(), 1);
        assert_eq!(clock.now() - before, S * 86_400 * 365);
        clock.jump(Duration::MAX);
        let next = background_task(|| 2).delay(S).supervisor(&s).start();
        clock.advance(S);
        assert_eq!(next.wait().unwrap(), 2);
    });
}

#[test]
fn threads_that_advance_one_clock_lose_no_time() {
    in_time(|| {
        let (s, clock) = clocked();
        let ticks = worker(&s, Align::Start, MissedTick::Skip);
        let before: Instant = clock.now();
        let clock = Arc::new(clock);
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let clock = Arc::clone(&clock);
                thread::spawn(move || (0..25).for_each(|_| clock.advance(S)))
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(clock.now() - before, S * 100);
        clock.run_until_idle();
        // The first at once, and then each tick once: none is missed because another thread has moved the clock on.
        assert_eq!((ticks.info().runs, ticks.info().missed), (101, 0));
    });
}

//! Bodies longer than their interval: they never overlap, and missed ticks are treated as said.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use atasker::{MissedTick, Priority, WorkerContext, background_worker};

use super::{HOUR, SOON, Tick, assert_on_one_grid};
use crate::support::{eventually, next, pool};

const EVERY: Duration = SOON;

/// So many runs of a body that takes `long` each, with nobody else in the pool.
fn runs_of(missed: MissedTick, count: usize, long: impl Fn(u64) -> Duration + Send + 'static) -> Vec<Tick> {
    let s = pool(2);
    let (tell, told) = mpsc::channel();
    let inside = Arc::new(AtomicBool::new(false));
    let body = move |cx: &WorkerContext| {
        assert!(!inside.swap(true, Ordering::SeqCst), "it overlaps itself");
        let tick = Tick::of(cx);
        // Time is what the body is to take.
        while tick.started.elapsed() < long(tick.run) {
            std::thread::yield_now();
        }
        tell.send(tick).unwrap();
        inside.store(false, Ordering::SeqCst);
    };
    let worker = background_worker(body).interval(EVERY).missed(missed).supervisor(&s).start().unwrap();
    let ticks: Vec<_> = (0..count).map(|_| next(&told)).collect();
    worker.stop();
    let total: u64 = ticks.iter().map(|tick| tick.missed).sum();
    assert!(worker.info().missed >= total, "counted in the info too");
    assert_eq!(worker.info().panics, 0);
    ticks
}

#[test]
fn skip_misses_ticks_and_keeps_the_grid() {
    let ticks = runs_of(MissedTick::Skip, 20, |_| EVERY * 5 / 2);
    assert_on_one_grid(&ticks, EVERY);
    let passed = (ticks[19].due - ticks[0].due).as_nanos() / EVERY.as_nanos() + 1;
    let missed: u64 = ticks.iter().map(|tick| tick.missed).sum();
    assert_eq!(u128::from(20 + missed), passed, "runs + missed = ticks passed");
    assert!(ticks[1..].iter().all(|tick| tick.missed >= 2), "2.5 intervals of body pass two ticks: {ticks:?}");
    for pair in ticks.windows(2) {
        assert!(pair[1].due >= pair[0].started + EVERY * 5 / 2, "none of those that passed is made up for");
    }
}

#[test]
fn burst_runs_every_tick() {
    let ticks = runs_of(MissedTick::Burst, 30, |run| if run == 1 { EVERY * 10 } else { Duration::ZERO });
    for (number, tick) in ticks.iter().enumerate() {
        assert_eq!(tick.due, ticks[0].due + EVERY * u32::try_from(number).unwrap(), "{tick:?}");
        assert!(tick.missed == 0 && tick.started >= tick.due, "{tick:?}");
    }
    let catching_up = &ticks[1..10];
    assert!(catching_up.iter().all(|tick| tick.due < ticks[0].started + EVERY * 10));
}

#[test]
fn delay_runs_a_late_tick_at_once_and_moves_the_grid() {
    let ticks = runs_of(MissedTick::Delay, 10, |run| if run == 1 { EVERY * 21 / 2 } else { Duration::ZERO });
    let late = ticks[1];
    let ended = ticks[0].started + EVERY * 21 / 2;
    assert!(late.due >= ended, "as soon as possible is when the body ends");
    assert!(late.missed >= 9, "ticks 2 to 10 are missed, the first late one has its run: {late:?}");
    for pair in ticks[1..].windows(2) {
        assert!(pair[1].due >= pair[0].due + EVERY, "no second tick within an interval: {pair:?}");
        assert!(pair[1].started >= pair[1].due, "{pair:?}");
    }
}

/// Ticks pass while the worker waits for a place: one run for them, the rest is missed.
#[test]
fn ticks_that_pass_while_the_pool_is_full_are_missed() {
    let s = pool(1);
    let (tell, told) = mpsc::channel();
    let body = move |cx: &WorkerContext| tell.send(Tick::of(cx)).unwrap();
    let (gate, _full) = s.occupy(1, Priority::Normal);
    let worker = background_worker(body).interval(EVERY).supervisor(&s).start().unwrap();
    let until = Instant::now() + EVERY * 20;
    eventually("twenty ticks pass", || Instant::now() >= until);
    assert_eq!(s.info().queued.normal, 1, "it waits once, not once for each tick");
    gate.open();
    let (first, second) = (next(&told), next(&told));
    worker.stop();
    assert!(first.due + EVERY * 19 < until && first.missed == 0, "{first:?}");
    assert!(second.missed >= 19, "{second:?}");
    assert_on_one_grid(&[first, second], EVERY);
}

/// An interval far below what a run takes is no flood: every run is followed by a tick to come.
#[test]
fn an_interval_of_a_nanosecond_counts_exactly() {
    let s = pool(1);
    let every = Duration::from_nanos(1);
    let (worker, ticks) = super::ticker(&s, every);
    let ticks: Vec<_> = (0..100).map(|_| next(&ticks)).collect();
    worker.stop();
    assert_on_one_grid(&ticks, every);
}

#[test]
fn a_trigger_within_a_late_run_does_not_touch_the_grid() {
    let s = pool(2);
    let (tell, told) = mpsc::channel();
    let (handle, own) = mpsc::channel::<atasker::IntervalWorker>();
    let mut held = None;
    let body = move |cx: &WorkerContext| {
        let own = held.get_or_insert_with(|| next(&own));
        if cx.run() == 1 {
            assert!(own.trigger());
        }
        tell.send(Tick::of(cx)).unwrap();
    };
    let worker = background_worker(body).interval(HOUR).supervisor(&s).start().unwrap();
    handle.send(worker.clone()).unwrap();
    let (first, second) = (next(&told), next(&told));
    assert!(second.run == 2 && second.due >= first.due, "the trigger has its run");
    eventually("the grid stands", || worker.info().next_run == Some(first.due + HOUR));
    worker.stop();
}

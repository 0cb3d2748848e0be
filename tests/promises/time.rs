//! Time: grids without drift, gaps never too short, and nothing early.

mod changes;
mod clock_thread;
mod cron;
mod missed;
mod random;
mod replans;
mod schedules;
mod test_clock;
mod wall;

use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use atasker::{Error, IntervalWorker, WorkerContext, background_task, background_worker};

use crate::support::{Tested, eventually, next, pool, returns};

const HOUR: Duration = Duration::from_secs(3600);
const SOON: Duration = Duration::from_millis(1);

/// What a run of a ticker tells: when it was due, when it started, and what was missed before it.
#[derive(Clone, Copy, Debug)]
struct Tick {
    run: u64,
    due: Instant,
    started: Instant,
    missed: u64,
}

impl Tick {
    fn of(cx: &WorkerContext) -> Self {
        Self { run: cx.run(), due: cx.due(), started: Instant::now(), missed: cx.missed() }
    }
}

/// An interval worker that tells of each tick.
fn ticker(s: &Tested, every: Duration) -> (IntervalWorker, Receiver<Tick>) {
    let (tell, told) = mpsc::channel();
    let body = move |cx: &WorkerContext| tell.send(Tick::of(cx)).unwrap();
    (background_worker(body).interval(every).supervisor(s).start().unwrap(), told)
}

/// Each tick is exactly so many periods after the one before as `missed` says, and none is early.
fn assert_on_one_grid(ticks: &[Tick], every: Duration) {
    for pair in ticks.windows(2) {
        let periods = u32::try_from(pair[1].missed + 1).unwrap();
        assert_eq!(pair[1].due - pair[0].due, every * periods, "{pair:?}");
    }
    let early = ticks.iter().find(|tick| tick.started < tick.due);
    assert!(early.is_none(), "{early:?}");
}

#[test]
fn an_interval_runs_first_at_once_and_then_on_one_grid() {
    let s = pool(2);
    for every in [Duration::from_micros(50), SOON, Duration::from_nanos(1_234_567)] {
        let before = Instant::now();
        let (worker, ticks) = ticker(&s, every);
        let after = Instant::now();
        let ticks: Vec<_> = (0..200).map(|_| next(&ticks)).collect();
        worker.stop();
        assert!(before <= ticks[0].due && ticks[0].due <= after, "the first is due at the start");
        assert_eq!((ticks[0].run, ticks[0].missed), (1, 0));
        assert_on_one_grid(&ticks, every);
        let span = ticks[199].due - ticks[0].due;
        let passed = span.as_nanos() / every.as_nanos() + 1;
        let missed: u64 = ticks.iter().map(|tick| tick.missed).sum();
        assert_eq!(u128::from(200 + missed), passed, "runs + missed = ticks passed");
    }
}

/// From 100 ms on, ticks of many workers come together, which moves no grid and no gap.
#[test]
fn ticks_that_come_together_stay_on_their_grids_and_keep_their_gaps() {
    const EVERY: Duration = Duration::from_millis(100);
    let s = pool(2);
    let tickers: Vec<_> = (0..20).map(|_| ticker(&s, EVERY)).collect();
    let (tell, told) = mpsc::channel();
    let body = move |cx: &WorkerContext| tell.send((Tick::of(cx), Instant::now())).unwrap();
    let delayed = background_worker(body).delay(EVERY).supervisor(&s).start().unwrap();
    for (worker, ticks) in &tickers {
        let ticks: Vec<_> = (0..4).map(|_| next(ticks)).collect();
        worker.stop();
        assert_on_one_grid(&ticks, EVERY);
    }
    let runs: Vec<_> = (0..3).map(|_| next(&told)).collect();
    delayed.stop();
    for pair in runs.windows(2) {
        let ((_, ended), (tick, _)) = (pair[0], pair[1]);
        assert!(tick.due >= ended + EVERY && tick.started >= tick.due, "{pair:?}");
    }
}

/// Many ticks, each so late after the last that a period counted from the start of a run would show.
#[test]
fn a_grid_does_not_drift() {
    let s = pool(2);
    let every = Duration::from_micros(20);
    let (worker, ticks) = ticker(&s, every);
    let ticks: Vec<_> = (0..20_000).map(|_| next(&ticks)).collect();
    worker.stop();
    assert_on_one_grid(&ticks, every);
    let last = ticks.last().unwrap();
    assert_eq!((last.due - ticks[0].due).as_nanos() % every.as_nanos(), 0);
    // Counted by the clock: no more ticks than periods.
    let periods = (last.started - ticks[0].due).as_nanos() / every.as_nanos() + 1;
    assert!(ticks.len() as u128 <= periods);
}

#[test]
fn the_gap_of_a_delay_is_never_shorter_than_said() {
    let s = pool(2);
    let (tell, told) = mpsc::channel();
    let body = move |cx: &WorkerContext| {
        let tick = Tick::of(cx);
        std::thread::yield_now();
        tell.send((tick, Instant::now())).unwrap();
    };
    let worker = background_worker(body).delay(SOON).supervisor(&s).start().unwrap();
    let runs: Vec<_> = (0..100).map(|_| next(&told)).collect();
    worker.stop();
    for pair in runs.windows(2) {
        let ((_, ended), (tick, _)) = (pair[0], pair[1]);
        assert!(tick.due >= ended + SOON && tick.started >= tick.due, "{pair:?}");
        assert_eq!(tick.missed, 0);
    }
}

#[test]
fn an_initial_delay_is_waited_for_and_never_cut_short() {
    let s = pool(3);
    let (tell, told) = mpsc::channel();
    let body = |kind: &'static str| {
        let tell = tell.clone();
        move |cx: &WorkerContext| {
            tell.send((kind, Tick::of(cx))).unwrap();
            cx.request_stop();
        }
    };
    let initial = 5 * SOON;
    let before = Instant::now();
    background_worker(body("loop")).initial(initial).supervisor(&s).start().unwrap();
    background_worker(body("interval")).interval(HOUR).initial(initial).supervisor(&s).start().unwrap();
    background_worker(body("delay")).initial(initial).delay(HOUR).supervisor(&s).start().unwrap();
    let mut kinds: Vec<_> = (0..3)
        .map(|_| {
            let (kind, tick) = next(&told);
            assert!(tick.due >= before + initial || kind == "loop", "{kind}: {tick:?}");
            assert!(tick.started >= tick.due && tick.started >= before + initial, "{kind}: {tick:?}");
            assert_eq!((tick.run, tick.missed), (1, 0));
            kind
        })
        .collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["delay", "interval", "loop"]);
}

#[test]
fn no_tick_and_no_task_is_early() {
    let s = pool(4);
    let delays = (0..200_u32).map(|n| Duration::from_micros(u64::from(n * 37 % 5000)));
    let tasks: Vec<_> = delays
        .map(|delay| {
            let due = Instant::now() + delay;
            (due, background_task(Instant::now).delay(delay).supervisor(&s).start())
        })
        .collect();
    for (due, task) in tasks {
        assert!(task.wait().unwrap() >= due);
    }
}

#[test]
fn a_duration_of_zero_is_an_error() {
    let s = pool(1);
    let refused = [
        background_worker(|| ()).interval(Duration::ZERO).supervisor(&s).start().map(drop),
        background_worker(|| ()).delay(Duration::ZERO).supervisor(&s).start().map(drop),
    ];
    for (error, field) in refused.into_iter().zip(["interval", "delay"]) {
        match error {
            Err(Error::Config(error)) => assert_eq!((error.field(), error.value()), (field, "0ns")),
            other => panic!("{other:?}"),
        }
    }
    let (worker, ticks) = ticker(&s, HOUR);
    next(&ticks);
    assert!(matches!(worker.set_interval(Duration::ZERO), Err(Error::Config(_))));
    assert_eq!(worker.info().kind, atasker::WorkerKind::Interval(HOUR), "it goes on as it was");
    worker.stop();
}

#[test]
fn the_longest_durations_never_come_and_never_panic() {
    let s = pool(2);
    for long in
        [Duration::MAX, Duration::from_secs(u64::MAX), Duration::from_secs(i64::MAX as u64 / 2), Duration::MAX / 4]
    {
        let (worker, ticks) = ticker(&s, long);
        next(&ticks);
        let delay = background_worker(|| ()).delay(long).supervisor(&s).start().unwrap();
        let initial = background_worker(|| ()).initial(long).supervisor(&s).start().unwrap();
        let both = background_worker(|| ()).interval(long).initial(long).supervisor(&s).start().unwrap();
        eventually("both have had their first run", || delay.info().runs == 1 && worker.info().runs == 1);
        // The clock still works with these in it.
        let (other, others) = ticker(&s, SOON);
        next(&others);
        next(&others);
        other.stop();
        worker.set_interval(Duration::MAX).unwrap();
        worker.pause();
        worker.resume();
        assert_eq!((worker.info().runs, delay.info().runs, initial.info().runs, both.info().runs), (1, 1, 0, 0));
        returns(move || {
            worker.stop();
            delay.stop();
            initial.stop();
            both.stop();
        });
    }
}

#[test]
fn a_stop_during_a_long_initial_delay_returns_at_once() {
    let s = pool(2);
    let builders = [
        background_worker(|| ()).interval(HOUR).initial(HOUR).supervisor(&s).start().unwrap(),
        background_worker(|| ()).delay(HOUR).initial(HOUR).supervisor(&s).start().unwrap(),
    ];
    let repeating = background_worker(|| ()).initial(HOUR).supervisor(&s).start().unwrap();
    let left = background_worker(|| ()).initial(HOUR).supervisor(&s).start().unwrap();
    let start = Instant::now();
    returns(move || {
        builders.iter().for_each(IntervalWorker::stop);
        repeating.stop();
    });
    let stopper = atasker::Supervisor::clone(&s);
    assert!(returns(move || stopper.stop()).complete);
    assert!(start.elapsed() < HOUR);
    assert_eq!((left.is_running(), left.info().runs), (false, 0));
}

/// All of them run, one that is due a moment later comes too, and what is cancelled meanwhile is gone at once.
#[test]
fn a_hundred_thousand_deadlines_in_one_instant_do_not_stall_the_clock() {
    let s = pool(2);
    let soon = Duration::from_millis(200);
    (0..100_000).for_each(|_| background_task(|| ()).delay(soon).supervisor(&s).detach());
    let later = background_task(|| 1).delay(soon + Duration::from_millis(1)).supervisor(&s).start();
    let cancelled = background_task(|| 2).delay(soon).supervisor(&s).start();
    cancelled.cancel();
    assert!(cancelled.wait().is_err());
    assert_eq!(returns(move || later.wait()).unwrap(), 1);
    let report = s.stop();
    assert_eq!((report.ran, report.cancelled), (100_001, 1));
}

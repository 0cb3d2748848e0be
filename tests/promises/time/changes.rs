//! Changes of a running worker's time: they take effect now, from inside and outside.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use atasker::{Error, IntervalWorker, Priority, WorkerContext, WorkerKind, background_worker};

use super::{HOUR, SOON, Tick, assert_on_one_grid, ticker};
use crate::support::{Gate, eventually, next, pool, returns};

#[test]
fn a_shorter_interval_takes_effect_now_and_begins_a_new_grid() {
    let s = pool(2);
    let (worker, ticks) = ticker(&s, HOUR);
    let first = next(&ticks);
    eventually("it waits for its next tick", || worker.info().next_run == Some(first.due + HOUR));
    let before = Instant::now();
    worker.set_interval(SOON).unwrap();
    let after = Instant::now();
    let ticks: Vec<_> = (0..10).map(|_| next(&ticks)).collect();
    worker.stop();
    assert!(before + SOON <= ticks[0].due && ticks[0].due <= after + SOON, "one new interval from now");
    assert_eq!(ticks[0].missed, 0);
    assert_on_one_grid(&ticks, SOON);
}

#[test]
fn a_longer_interval_takes_effect_now() {
    let s = pool(1);
    let (worker, ticks) = ticker(&s, HOUR);
    next(&ticks);
    let before = Instant::now();
    worker.set_interval(5 * HOUR).unwrap();
    // The run may still be ending; the plan is made then.
    eventually("the new plan stands", || worker.info().next_run.is_some_and(|next| next >= before + 5 * HOUR));
    worker.stop();
}

#[test]
fn a_changed_delay_takes_effect_now() {
    let s = pool(2);
    let (tell, told) = mpsc::channel();
    let body = move || tell.send(()).unwrap();
    let worker = background_worker(body).delay(HOUR).supervisor(&s).start().unwrap();
    next(&told);
    worker.set_interval(SOON).unwrap();
    next(&told);
    next(&told);
    assert_eq!(worker.info().kind, WorkerKind::Delay(SOON));
    worker.stop();
}

#[test]
fn a_change_during_the_initial_delay_takes_effect_now() {
    let s = pool(1);
    let (tell, told) = mpsc::channel();
    let body = move || tell.send(()).unwrap();
    let worker = background_worker(body).interval(HOUR).initial(HOUR).supervisor(&s).start().unwrap();
    worker.set_interval(SOON).unwrap();
    next(&told);
    worker.stop();
}

/// A worker whose body calls `act` with its own handle, and tells of its ticks.
fn acting(
    s: &crate::support::Tested,
    every: Duration,
    mut act: impl FnMut(&IntervalWorker, u64) + Send + 'static,
) -> (IntervalWorker, mpsc::Receiver<Tick>) {
    let ((tell, told), (send, handle)) = (mpsc::channel(), mpsc::channel());
    let mut own = None;
    let body = move |cx: &WorkerContext| {
        let own = own.get_or_insert_with(|| next(&handle));
        act(own, cx.run());
        tell.send(Tick::of(cx)).unwrap();
    };
    let worker = background_worker(body).interval(every).supervisor(s).start().unwrap();
    send.send(worker.clone()).unwrap();
    (worker, told)
}

#[test]
fn a_change_from_its_own_body_takes_effect_now() {
    let s = pool(2);
    let (worker, ticks) = acting(&s, HOUR, |own, run| {
        if run == 1 {
            own.set_interval(SOON).unwrap();
        }
    });
    let ticks: Vec<_> = (0..10).map(|_| next(&ticks)).collect();
    worker.stop();
    assert_on_one_grid(&ticks[1..], SOON);
    assert!(ticks[1].due < ticks[0].due + HOUR);
}

/// The tick of the old grid is with the clock while the triggered run goes on.
#[test]
fn a_change_within_a_triggered_run_takes_effect_now() {
    let s = pool(2);
    let (worker, ticks) = acting(&s, HOUR, |own, run| {
        if run == 2 {
            own.set_interval(SOON).unwrap();
        }
    });
    let first = next(&ticks);
    eventually("the old grid is planned", || worker.info().next_run == Some(first.due + HOUR));
    worker.trigger();
    assert_eq!(next(&ticks).run, 2);
    assert_eq!(next(&ticks).run, 3, "one new interval after the change");
    worker.stop();
}

/// The tick of the old grid waits for a place.
#[test]
fn a_change_while_a_tick_waits_counts_from_the_change() {
    let s = pool(1);
    let (gate, _full) = s.occupy(1, Priority::Normal);
    let (worker, ticks) = ticker(&s, 2 * HOUR);
    let started = worker.info().next_run.expect("its first tick waits");
    eventually("time passes", || Instant::now() > started);
    let before = Instant::now();
    worker.set_interval(HOUR).unwrap();
    gate.open();
    assert_eq!(next(&ticks).due, started);
    eventually("the next is planned", || worker.info().next_run.is_some_and(|next| next > started));
    let planned = worker.info().next_run.unwrap();
    assert!(planned >= before + HOUR, "one new interval from the change, not from the tick before it");
    worker.stop();
}

#[test]
fn a_worker_stops_and_reschedules_itself_again_and_again() {
    let s = pool(2);
    let (worker, ticks) = acting(&s, SOON, |own, run| match run {
        50 => own.stop(),
        run => own.set_interval(Duration::from_micros(10 * run)).unwrap(),
    });
    let ticks: Vec<_> = (0..50).map(|_| next(&ticks)).collect();
    eventually("it has stopped itself", || !worker.is_running());
    assert!(ticks.iter().all(|tick| tick.started >= tick.due));
    assert_eq!(worker.info().runs, 50);
}

#[test]
fn a_worker_that_asks_for_its_stop_has_no_further_tick() {
    let s = pool(2);
    let (tell, told) = mpsc::channel();
    let body = move |cx: &WorkerContext| {
        cx.request_stop();
        tell.send(()).unwrap();
    };
    let worker = background_worker(body).interval(Duration::from_nanos(1)).supervisor(&s).start().unwrap();
    next(&told);
    eventually("it has stopped", || !worker.is_running());
    assert_eq!(worker.info().runs, 1);
}

#[test]
fn changes_from_many_threads_leave_one_grid() {
    let s = pool(2);
    let (worker, ticks) = ticker(&s, SOON);
    std::thread::scope(|scope| {
        for thread in 1..4_u64 {
            let worker = &worker;
            scope.spawn(move || {
                for round in 1..500_u64 {
                    worker.set_interval(Duration::from_micros(thread * round)).unwrap();
                    if round % 7 == 0 {
                        worker.pause();
                        worker.resume();
                    }
                }
            });
        }
    });
    worker.set_interval(SOON).unwrap();
    let changed = Instant::now();
    let ticks: Vec<_> =
        std::iter::repeat_with(|| next(&ticks)).skip_while(|tick| tick.due < changed).take(10).collect();
    worker.stop();
    assert_on_one_grid(&ticks, SOON);
}

#[test]
fn a_stopped_or_stopping_worker_takes_no_interval() {
    let s = pool(2);
    let (gate, (tell, told)) = (Gate::new(), mpsc::channel());
    let held = gate.clone();
    let body = move || {
        tell.send(()).unwrap();
        held.wait();
    };
    let worker = background_worker(body).interval(HOUR).supervisor(&s).start().unwrap();
    next(&told);
    worker.request_stop();
    assert!(matches!(worker.set_interval(SOON), Err(Error::NotRunning)));
    gate.open();
    let stopper = worker.clone();
    returns(move || stopper.stop());
    assert!(matches!(worker.set_interval(SOON), Err(Error::NotRunning)));
}

/// End to start: the run that a trigger asked for is the last run, too.
#[test]
fn a_triggered_run_of_a_delay_worker_begins_its_gap_anew() {
    let s = pool(2);
    let (tell, told) = mpsc::channel();
    let body = move |cx: &WorkerContext| tell.send(Tick::of(cx)).unwrap();
    let worker = background_worker(body).delay(HOUR).supervisor(&s).start().unwrap();
    next(&told);
    eventually("the gap is planned", || worker.info().next_run.is_some_and(|next| next > Instant::now()));
    worker.trigger();
    let second = next(&told);
    comes_to_rest(&worker);
    let planned = worker.info().next_run.unwrap();
    assert!(planned >= second.started + HOUR, "the gap is shorter than said");
    worker.stop();
}

/// Waits until no run of it is under way.
fn comes_to_rest(worker: &IntervalWorker) {
    eventually("it is at rest", || worker.info().state == atasker::WorkerState::Idle);
}

/// The tick of the grid comes while a triggered run goes on: it has its run after that.
#[test]
fn a_tick_that_comes_in_a_triggered_run_is_not_missed() {
    let s = pool(2);
    let every = 50 * SOON;
    loop {
        let (tell, told) = mpsc::channel();
        let mut first = None;
        let body = move |cx: &WorkerContext| {
            let tick = Tick::of(cx);
            let first = *first.get_or_insert(tick.due);
            if tick.run == 2 {
                eventually("the next tick is due", || Instant::now() > first + every);
            }
            tell.send(tick).unwrap();
        };
        let worker = background_worker(body).interval(every).supervisor(&s).start().unwrap();
        let first = next(&told);
        worker.trigger();
        let (second, third) = (next(&told), next(&told));
        worker.stop();
        // Else the machine was too slow for the trigger to come first.
        if second.due < first.due + every {
            return assert_eq!((third.run, third.due, third.missed), (3, first.due + every, 0));
        }
    }
}

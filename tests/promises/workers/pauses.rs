//! Pauses: no run starts in one, and nothing is lost by one.

use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Instant;

use atasker::{IntervalWorker, Priority, WorkerContext, WorkerState, background_task, background_worker};

use super::{HOUR, SOON};
use crate::support::{Gate, Tested, eventually, next, pool};

/// A task of the same priority at pool size 1: whatever was queued before it has run.
fn everything_before_has_run(s: &Tested) {
    background_task(|| ()).supervisor(s).start().wait().unwrap();
}

#[test]
fn puts_queue_up_in_a_pause_and_are_worked_off_after_it() {
    let s = pool(1);
    let (run, runs) = mpsc::channel();
    let worker = background_worker(move |item: u32| run.send(item).unwrap()).queue().supervisor(&s).start().unwrap();
    worker.pause();
    for item in 0..10 {
        worker.put(item).unwrap();
    }
    everything_before_has_run(&s);
    assert_eq!((worker.len(), worker.info().runs, worker.info().state), (10, 0, WorkerState::Paused));
    worker.resume();
    for item in 0..10 {
        assert_eq!(next(&runs), item);
    }
    worker.stop();
}

#[test]
fn a_pause_in_the_middle_of_a_queue_keeps_the_rest() {
    let s = pool(1);
    let (gate, (entered, runs)) = (Gate::new(), mpsc::channel());
    let body = {
        let gate = gate.clone();
        move |item: u32| {
            entered.send(item).unwrap();
            gate.wait();
        }
    };
    let worker = background_worker(body).queue().supervisor(&s).start().unwrap();
    for item in 0..3 {
        worker.put(item).unwrap();
    }
    assert_eq!(next(&runs), 0);
    worker.pause();
    gate.open();
    everything_before_has_run(&s);
    assert_eq!((worker.len(), worker.info().runs), (2, 1));
    worker.resume();
    assert_eq!([next(&runs), next(&runs)], [1, 2]);
    worker.stop();
}

#[test]
fn one_trigger_is_kept_in_a_pause() {
    let s = pool(1);
    let (run, runs) = mpsc::channel();
    let worker = background_worker(move || run.send(()).unwrap()).event().supervisor(&s).start().unwrap();
    worker.pause();
    worker.pause();
    for _ in 0..10 {
        assert!(worker.trigger());
    }
    everything_before_has_run(&s);
    assert_eq!(worker.info().runs, 0);
    worker.resume();
    worker.resume();
    next(&runs);
    everything_before_has_run(&s);
    worker.stop();
    assert_eq!(worker.info().runs, 1);
}

#[test]
fn a_queued_run_does_not_start_in_a_pause() {
    let s = pool(1);
    let (gate, _tasks) = s.occupy(1, Priority::Normal);
    let (run, runs) = mpsc::channel();
    let worker = background_worker(move || run.send(()).unwrap()).event().supervisor(&s).start().unwrap();
    worker.trigger();
    worker.pause();
    gate.open();
    everything_before_has_run(&s);
    assert_eq!(worker.info().runs, 0);
    worker.resume();
    next(&runs);
    worker.stop();
}

/// The due time of each run, and what was missed before it.
type Runs = Receiver<(Instant, u64)>;

/// A body that tells of each run, and ends it when it gets a permit (or can get none any more).
fn permitted() -> (impl FnMut(&WorkerContext) + Send + 'static, Runs, Sender<()>) {
    let ((run, runs), (permit, permits)) = (mpsc::channel(), mpsc::channel());
    let body = move |cx: &WorkerContext| {
        run.send((cx.due(), cx.missed())).unwrap();
        _ = permits.recv();
    };
    (body, runs, permit)
}

#[test]
fn a_paused_loop_rests_and_goes_on() {
    let s = pool(1);
    let (body, runs, permit) = permitted();
    let worker = background_worker(body).supervisor(&s).start().unwrap();
    next(&runs);
    worker.pause();
    permit.send(()).unwrap();
    everything_before_has_run(&s);
    everything_before_has_run(&s);
    assert_eq!(worker.info().runs, 1);
    worker.resume();
    next(&runs);
    assert_eq!(worker.info().runs, 2);
    worker.request_stop();
    drop(permit);
}

fn ticking(s: &Tested, every: std::time::Duration) -> (IntervalWorker, Runs) {
    let (run, runs) = mpsc::channel();
    let body = move |cx: &WorkerContext| run.send((cx.due(), cx.missed())).unwrap();
    (background_worker(body).interval(every).supervisor(s).start().unwrap(), runs)
}

/// Yields until so much time has passed: time is what the promise is about.
fn pass(time: std::time::Duration) {
    let until = Instant::now() + time;
    eventually("time passes", || Instant::now() >= until);
}

/// The pause begins in a run and goes on after it.
#[test]
fn ticks_in_a_pause_are_not_missed_and_the_grid_stays() {
    let s = pool(1);
    let every = 5 * SOON;
    let (body, ticks, permit) = permitted();
    let worker = background_worker(body).interval(every).supervisor(&s).start().unwrap();
    let (first, _) = next(&ticks);
    permit.send(()).unwrap();
    next(&ticks);
    let missed = worker.info().missed;
    worker.pause();
    pass(10 * every);
    permit.send(()).unwrap();
    everything_before_has_run(&s);
    pass(10 * every);
    everything_before_has_run(&s);
    assert_eq!(worker.info().runs, 2, "no tick has its run in a pause");
    let resumed = Instant::now();
    worker.resume();
    let (due, missed_now) = next(&ticks);
    assert!(due >= resumed, "the grid goes on with its next tick");
    assert_eq!((due - first).as_nanos() % every.as_nanos(), 0, "on the grid");
    assert_eq!((missed_now, worker.info().missed), (0, missed));
    worker.request_stop();
    drop(permit);
}

/// The pause ends while the run that it began in still goes on.
#[test]
fn a_pause_within_a_run_leaves_the_grid() {
    let s = pool(2);
    let (gate, (entered, ticks)) = (Gate::new(), mpsc::channel());
    let body = {
        let gate = gate.clone();
        move |cx: &WorkerContext| {
            entered.send(cx.due()).unwrap();
            gate.wait();
        }
    };
    let worker = background_worker(body).interval(HOUR).supervisor(&s).start().unwrap();
    let first = next(&ticks);
    worker.pause();
    worker.resume();
    gate.open();
    eventually("the grid is planned", || worker.info().next_run == Some(first + HOUR));
    worker.stop();
}

#[test]
fn a_pause_of_an_idle_timed_worker_leaves_its_plan() {
    let s = pool(2);
    let (worker, ticks) = ticking(&s, HOUR);
    let (first, _) = next(&ticks);
    eventually("the grid is planned", || worker.info().next_run == Some(first + HOUR));
    worker.pause();
    assert_eq!(worker.info().next_run, None, "nothing is planned in a pause");
    worker.resume();
    assert_eq!(worker.info().next_run, Some(first + HOUR));
    worker.stop();

    let delayed = background_worker(|| ()).delay(HOUR).initial(HOUR).supervisor(&s).start().unwrap();
    let planned = delayed.info().next_run;
    delayed.pause();
    delayed.resume();
    assert_eq!(delayed.info().next_run, planned);
    delayed.stop();
}

#[test]
fn a_delay_that_ends_in_a_pause_has_its_run_after_it() {
    let s = pool(1);
    let (run, runs) = mpsc::channel();
    let body = move |cx: &WorkerContext| run.send(cx.due()).unwrap();
    let worker = background_worker(body).delay(HOUR).initial(HOUR).supervisor(&s).start().unwrap();
    worker.pause();
    worker.set_interval(SOON).unwrap();
    pass(5 * SOON);
    everything_before_has_run(&s);
    assert_eq!(worker.info().runs, 0);
    let resumed = Instant::now();
    worker.resume();
    assert!(next(&runs) < resumed, "it was due in the pause");
    worker.stop();
}

/// The tick came before the pause, so it is none of the ticks in the pause, and the run it stands for is still to come.
#[test]
fn a_tick_that_waits_for_a_place_outlives_a_pause() {
    let s = pool(1);
    let (gate, _tasks) = s.occupy(1, Priority::Normal);
    let (worker, ticks) = ticking(&s, HOUR);
    assert_eq!(worker.info().state, WorkerState::Queued);
    worker.pause();
    worker.resume();
    gate.open();
    everything_before_has_run(&s);
    assert_eq!(ticks.try_iter().count(), 1, "an interval worker runs first at once");
    worker.stop();
}

#[test]
fn a_stop_ends_the_pause_and_drains() {
    let s = pool(1);
    let (run, runs) = mpsc::channel();
    let worker = background_worker(move |item: u32| run.send(item).unwrap()).queue().supervisor(&s).start().unwrap();
    worker.pause();
    for item in 0..10 {
        worker.put(item).unwrap();
    }
    worker.stop();
    assert_eq!(runs.try_iter().collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
    worker.pause();
    assert_eq!(worker.info().state, WorkerState::Stopped, "there is nothing to pause");
}

#[test]
fn the_supervisors_stop_ends_a_pause_and_drains() {
    let s = pool(1);
    let (run, runs) = mpsc::channel();
    let worker = background_worker(move |item: u32| run.send(item).unwrap()).queue().supervisor(&s).start().unwrap();
    let timed = background_worker(|| ()).interval(HOUR).initial(HOUR).supervisor(&s).start().unwrap();
    worker.pause();
    timed.pause();
    for item in 0..10 {
        worker.put(item).unwrap();
    }
    let report = s.stop();
    assert!(report.complete);
    assert_eq!((runs.try_iter().count(), report.discarded), (10, 0));
}

#[test]
fn a_worker_that_is_paused_for_ever_stops() {
    let s = pool(1);
    let (run, runs) = mpsc::channel();
    let repeating = background_worker(move || _ = run.send(())).supervisor(&s).start().unwrap();
    next(&runs);
    repeating.pause();
    let event = background_worker(|| ()).event().supervisor(&s).start().unwrap();
    event.pause();
    assert!(event.trigger());
    repeating.stop();
    event.stop();
    assert_eq!(event.info().runs, 0, "a stop comes before the kept trigger");
}

//! What a worker tells of itself.

use std::ops::ControlFlow;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use atasker::{Priority, WorkerContext, WorkerInfo, WorkerKind, WorkerState, background_worker};

use super::HOUR;
use crate::support::{Gate, eventually, next, pool};

#[test]
fn info_tells_kind_priority_and_name() {
    let s = pool(4);
    let repeating = background_worker(|cx: &WorkerContext| cx.request_stop()).name("a").supervisor(&s).start().unwrap();
    let interval = background_worker(|| ()).interval(HOUR).name("b").supervisor(&s).start().unwrap();
    let delay = background_worker(|| ()).delay(2 * HOUR).priority(Priority::Low).supervisor(&s).start().unwrap();
    let event = background_worker(|| ()).event().priority(Priority::Critical).supervisor(&s).start().unwrap();
    let queue = background_worker(|_: u8| ()).queue().priority(Priority::High).supervisor(&s).start().unwrap();
    let bounded = background_worker(|_: u8| ()).queue_bounded(3).supervisor(&s).start().unwrap();
    bounded.pause();
    bounded.put(1).unwrap();
    bounded.put(2).unwrap();

    let of = |info: WorkerInfo| (info.kind, info.priority);
    assert_eq!(of(repeating.info()), (WorkerKind::Loop, Priority::Normal));
    assert_eq!(of(interval.info()), (WorkerKind::Interval(HOUR), Priority::Normal));
    assert_eq!(of(delay.info()), (WorkerKind::Delay(2 * HOUR), Priority::Low));
    assert_eq!(of(event.info()), (WorkerKind::Event, Priority::Critical));
    assert_eq!(of(queue.info()), (WorkerKind::Queue { len: 0, capacity: None }, Priority::High));
    assert_eq!(of(bounded.info()), (WorkerKind::Queue { len: 2, capacity: Some(3) }, Priority::Normal));
    assert_eq!((bounded.len(), bounded.is_empty(), queue.is_empty()), (2, false, true));
    assert_eq!(repeating.info().name, "a");

    interval.set_interval(3 * HOUR).unwrap();
    assert_eq!(interval.info().kind, WorkerKind::Interval(3 * HOUR));
    assert_eq!(s.info().worker("b").unwrap().kind, WorkerKind::Interval(3 * HOUR));
    assert_eq!(s.info().workers.len(), 6, "stopped ones too, as long as there is a handle");
}

#[test]
fn info_tells_the_state() {
    let s = pool(1);
    let (gate, (entered, is_in)) = (Gate::new(), mpsc::channel());
    let body = {
        let gate = gate.clone();
        move || {
            entered.send(()).unwrap();
            gate.wait();
        }
    };
    let worker = background_worker(body).event().supervisor(&s).start().unwrap();
    assert_eq!(worker.info().state, WorkerState::Idle);
    let (full, tasks) = s.occupy(1, Priority::Normal);
    worker.trigger();
    assert_eq!(worker.info().state, WorkerState::Queued);
    worker.pause();
    assert_eq!(worker.info().state, WorkerState::Paused);
    worker.resume();
    full.open();
    next(&is_in);
    assert_eq!(worker.info().state, WorkerState::Running);
    worker.request_stop();
    assert_eq!(worker.info().state, WorkerState::Stopping);
    assert!(worker.is_running(), "until it has ended");
    gate.open();
    worker.stop();
    assert_eq!((worker.info().state, worker.is_running()), (WorkerState::Stopped, false));
    drop(tasks);
}

#[test]
fn info_counts_runs_errors_and_panics_and_keeps_them_after_the_end() {
    let s = pool(2);
    let body = |item: u32| match item {
        0 => Err("zero"),
        1 => panic!("one"),
        9 => Ok(ControlFlow::Break(())),
        _ => Ok(ControlFlow::Continue(())),
    };
    let worker = background_worker(body).queue().name("q").on_error(|_| ()).supervisor(&s).start().unwrap();
    for item in [0, 1, 2, 0, 3, 1, 0, 9] {
        worker.put(item).unwrap();
    }
    eventually("Break stops it", || !worker.is_running());
    for info in [worker.info(), s.info().worker("q").unwrap().clone()] {
        assert_eq!((info.runs, info.errors, info.panics, info.missed, info.discarded), (8, 3, 2, 0, 0));
    }
}

#[test]
fn info_tells_the_last_and_the_next_run() {
    let s = pool(2);
    let (run, runs) = mpsc::channel();
    let body = move |cx: &WorkerContext| run.send((cx.due(), Instant::now())).unwrap();
    let (gate, _full) = s.occupy(2, Priority::Normal);
    let before = Instant::now();
    let worker = background_worker(body).interval(HOUR).initial(HOUR).supervisor(&s).start().unwrap();
    let after = Instant::now();
    let info = worker.info();
    let first = info.next_run.expect("it waits for its first run");
    assert!(info.last_run.is_none() && first >= before + HOUR && first <= after + HOUR);
    gate.open();

    worker.trigger();
    let (due, now) = next(&runs);
    let info = worker.info();
    let last = info.last_run.expect("it has run");
    assert!(after <= last && last <= now && due <= now, "a run is told with its start");
    assert_eq!(info.next_run, Some(first), "a run off the grid does not move it");

    worker.set_interval(Duration::MAX).unwrap();
    assert_eq!(worker.info().next_run, None, "never");
    worker.stop();
    assert_eq!(worker.info().next_run, None);
}

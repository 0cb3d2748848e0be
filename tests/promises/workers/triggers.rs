//! Triggers: none is lost, and any number come to one run.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Instant;

use atasker::{Priority, WorkerContext, background_worker};

use super::HOUR;
use crate::support::{Gate, child_ends_with, eventually, held, in_limited_child, next, pool};

#[test]
fn any_number_of_triggers_during_a_run_come_to_exactly_one_more() {
    let s = pool(2);
    let (gate, (entered, runs)) = (Gate::new(), mpsc::channel());
    let body = {
        let gate = gate.clone();
        move |cx: &WorkerContext| {
            entered.send(cx.run()).unwrap();
            gate.wait();
        }
    };
    let worker = background_worker(body).event().supervisor(&s).start().unwrap();
    worker.trigger();
    assert_eq!(next(&runs), 1);
    for _ in 0..1000 {
        assert!(worker.trigger());
    }
    gate.open();
    assert_eq!(next(&runs), 2);
    eventually("it is at rest", || worker.info().state == atasker::WorkerState::Idle);
    worker.stop();
    assert_eq!(worker.info().runs, 2);
}

#[test]
fn any_number_of_triggers_while_it_waits_for_a_place_come_to_one_run() {
    let s = pool(1);
    let (gate, tasks) = s.occupy(1, Priority::Normal);
    let worker = background_worker(|| ()).event().supervisor(&s).start().unwrap();
    for _ in 0..1000 {
        assert!(worker.trigger());
    }
    gate.open();
    eventually("it is at rest", || worker.info().state == atasker::WorkerState::Idle);
    worker.stop();
    assert_eq!(worker.info().runs, 1);
    drop(tasks);
}

#[test]
fn a_trigger_from_its_own_body_gives_one_more_run() {
    let s = pool(1);
    let (send, handle) = mpsc::channel::<atasker::EventWorker>();
    let (tell, told) = mpsc::channel();
    let mut own = None;
    let body = move |cx: &WorkerContext| {
        let own = own.get_or_insert_with(|| next(&handle));
        if cx.run() < 100 {
            assert!(own.trigger() && own.trigger());
        } else {
            tell.send(cx.run()).unwrap();
        }
    };
    let worker = background_worker(body).event().supervisor(&s).start().unwrap();
    send.send(worker.clone()).unwrap();
    worker.trigger();
    assert_eq!(next(&told), 100);
    worker.stop();
    assert_eq!(worker.info().runs, 100);
}

/// Each of many triggers from many threads is followed by the start of a run.
#[test]
fn no_trigger_is_lost() {
    let s = pool(2);
    let stamp = Arc::new(AtomicU64::new(0));
    let seen = Arc::new(AtomicU64::new(0));
    let body = {
        let (stamp, seen) = (Arc::clone(&stamp), Arc::clone(&seen));
        move || seen.store(stamp.load(Ordering::SeqCst), Ordering::SeqCst)
    };
    let worker = background_worker(body).event().supervisor(&s).start().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..2000 {
                    let mine = stamp.fetch_add(1, Ordering::SeqCst) + 1;
                    assert!(worker.trigger());
                    eventually("a run has started since", || seen.load(Ordering::SeqCst) >= mine);
                }
            });
        }
    });
    worker.stop();
    assert!(worker.info().runs <= 8000);
}

#[test]
fn trigger_is_false_from_the_ask_for_a_stop_on() {
    let s = pool(2);
    let (gate, (entered, is_in)) = (Gate::new(), mpsc::channel());
    let body = {
        let gate = gate.clone();
        move || {
            entered.send(()).unwrap();
            gate.wait();
        }
    };
    let worker = background_worker(body).event().supervisor(&s).start().unwrap();
    worker.trigger();
    next(&is_in);
    worker.request_stop();
    assert!(!worker.trigger());
    gate.open();
    worker.stop();
    assert!(!worker.trigger());
    assert_eq!(worker.info().runs, 1);

    let interval = background_worker(|| ()).interval(HOUR).supervisor(&s).start().unwrap();
    assert!(interval.trigger());
    interval.stop();
    assert!(!interval.trigger());
}

#[test]
fn a_trigger_on_a_timed_worker_runs_it_off_the_grid() {
    let s = pool(2);
    let (run, runs) = mpsc::channel();
    let body = move |cx: &WorkerContext| run.send((cx.run(), cx.due(), cx.missed())).unwrap();
    let worker = background_worker(body).interval(HOUR).supervisor(&s).start().unwrap();
    let (_, first, _) = next(&runs);
    eventually("the grid is planned", || worker.info().next_run == Some(first + HOUR));
    for run in 2..5 {
        let asked = Instant::now();
        assert!(worker.trigger());
        let (number, due, missed) = next(&runs);
        assert_eq!((number, missed), (run, 0));
        assert!(due >= asked, "a run that was not planned is due at its start");
        assert_eq!(worker.info().next_run, Some(first + HOUR), "the grid stays");
    }
    worker.stop();

    let (run, runs) = mpsc::channel();
    let worker = background_worker(move || run.send(()).unwrap()).delay(HOUR).supervisor(&s).start().unwrap();
    next(&runs);
    worker.trigger();
    next(&runs);
    worker.stop();
}

#[test]
fn a_trigger_runs_a_timed_worker_before_its_initial_delay_is_over() {
    let s = pool(1);
    let (run, runs) = mpsc::channel();
    let body = move || run.send(()).unwrap();
    let worker = background_worker(body).interval(HOUR).initial(HOUR).supervisor(&s).start().unwrap();
    let first = worker.info().next_run;
    worker.trigger();
    next(&runs);
    assert_eq!(worker.info().next_run, first);
    worker.stop();
}

#[test]
fn a_body_never_runs_twice_at_once() {
    let s = pool(4);
    let (inside, runs) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let body = {
        let (inside, runs) = (Arc::clone(&inside), Arc::clone(&runs));
        move || {
            assert!(!inside.swap(true, Ordering::SeqCst), "twice at once");
            std::thread::yield_now();
            runs.fetch_add(1, Ordering::SeqCst);
            inside.store(false, Ordering::SeqCst);
        }
    };
    let every = std::time::Duration::from_nanos(1);
    let worker = background_worker(body).interval(every).on_error(|_| ()).supervisor(&s).start().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for round in 0..3000 {
                    worker.trigger();
                    if round % 100 == 0 {
                        worker.pause();
                        worker.resume();
                        worker.set_interval(every).unwrap();
                    }
                }
            });
        }
    });
    worker.stop();
    let info = worker.info();
    assert_eq!((info.panics, info.runs), (0, runs.load(Ordering::SeqCst)));
}

/// In a process of its own, whose memory nobody else uses.
#[test]
fn a_storm_of_a_million_triggers_takes_constant_memory() {
    if !in_limited_child() {
        _ = child_ends_with("workers::triggers::a_storm_of_a_million_triggers_takes_constant_memory", 0);
        return;
    }
    let s = pool(1);
    let (gate, tasks) = s.occupy(1, Priority::Normal);
    let worker = background_worker(|| ()).event().supervisor(&s).start().unwrap();
    worker.trigger();
    let before = held();
    for _ in 0..1_000_000 {
        assert!(worker.trigger());
    }
    let grown = held().saturating_sub(before);
    assert!(grown < 2_048, "it grew by {grown} kB");
    assert_eq!(s.info().queued.normal, 1);
    gate.open();
    eventually("it is at rest", || worker.info().state == atasker::WorkerState::Idle);
    assert_eq!(worker.info().runs, 1);
    drop(tasks);
}

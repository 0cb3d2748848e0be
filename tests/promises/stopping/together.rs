//! Several who stop at once, and stops that become more urgent.

use std::sync::{Arc, Barrier};
use std::time::Duration;

use atasker::{Priority, SupervisorState, TaskError, background_task, background_worker, is_cancelled};

use super::running;
use crate::support::{Gate, PATIENCE, eventually, pool};

#[test]
fn all_who_stop_at_once_return_with_the_same_report() {
    let s = pool(2);
    for _ in 0..20 {
        s.start().unwrap();
        let tasks: Vec<_> = (0..50).map(|n| background_task(move || n).supervisor(&s).start()).collect();
        let begin = Barrier::new(16);
        let reports: Vec<_> = std::thread::scope(|scope| {
            let stops: Vec<_> = (0..16)
                .map(|n| {
                    let (s, begin) = (&s, &begin);
                    scope.spawn(move || {
                        begin.wait();
                        match n % 4 {
                            0 => futures_executor::block_on(s.stop_async()),
                            1 => s.stop_timeout(PATIENCE),
                            _ => s.stop(),
                        }
                    })
                })
                .collect();
            stops.into_iter().map(|stop| stop.join().unwrap()).collect()
        });
        assert!(reports.iter().all(|report| *report == reports[0]), "{reports:?}");
        assert_eq!((reports[0].complete, reports[0].ran), (true, 50));
        assert_eq!(s.stop(), reports[0], "a late one too");
        drop(tasks);
    }
}

#[test]
fn the_second_to_stop_waits_for_the_first() {
    let s = pool(1);
    let (gate, _blocker) = s.occupy(1, Priority::Normal);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| s.stop());
        eventually("a stop is asked for", || s.info().state == SupervisorState::Stopping);
        let second = scope.spawn(|| s.stop());
        let third = scope.spawn(|| futures_executor::block_on(s.stop_async()));
        std::thread::yield_now();
        assert!(!second.is_finished() && !third.is_finished());
        gate.open();
        let report = first.join().unwrap();
        assert!(report.complete);
        assert_eq!((second.join().unwrap(), third.join().unwrap()), (report.clone(), report));
    });
}

/// Whoever returns first starts it again at once; the others still get the report of the stop they joined.
#[test]
fn a_restart_does_not_swallow_the_report_of_those_who_stopped_together() {
    let s = pool(2);
    for _ in 0..300 {
        s.start().unwrap();
        background_task(|| ()).supervisor(&s).start().wait().unwrap();
        let begin = Barrier::new(4);
        std::thread::scope(|scope| {
            for n in 0..4 {
                let (s, begin) = (&s, &begin);
                scope.spawn(move || {
                    begin.wait();
                    let report = if n == 0 { futures_executor::block_on(s.stop_async()) } else { s.stop() };
                    assert!(report.complete, "{report:?}");
                    // A stop that is under way refuses it; that is fine here.
                    _ = s.start();
                });
            }
        });
    }
}

#[test]
fn start_and_stop_racing_leave_a_legal_state() {
    let s = pool(2);
    for _ in 0..200 {
        let begin = Barrier::new(3);
        std::thread::scope(|scope| {
            let task = scope.spawn(|| {
                begin.wait();
                background_task(|| ()).supervisor(&s).start().wait()
            });
            let start = scope.spawn(|| {
                begin.wait();
                s.start()
            });
            begin.wait();
            let report = s.stop();
            assert!(report.complete);
            _ = start.join().unwrap();
            assert!(matches!(task.join().unwrap(), Ok(()) | Err(TaskError::Rejected)));
        });
        let state = s.info().state;
        assert!(matches!(state, SupervisorState::Running | SupervisorState::Stopped), "{state:?}");
        assert!(s.stop().complete);
        assert_eq!((s.info().threads, s.info().active.total(), s.info().queued.total()), (0, 0, 0));
    }
}

#[test]
fn stop_now_from_elsewhere_hurries_a_stop() {
    let s = pool(1);
    let task = running(&s, || {
        while !is_cancelled() {
            std::thread::yield_now();
        }
    });
    let queued: Vec<_> = (0..10).map(|_| background_task(|| ()).supervisor(&s).start()).collect();
    let worker = background_worker(|_: u8| ()).queue().supervisor(&s).start().unwrap();
    (0..3).for_each(|n| worker.put(n).unwrap());
    std::thread::scope(|scope| {
        // The body runs until it is asked to end, so this stop alone would never return.
        let patient = scope.spawn(|| s.stop());
        eventually("a stop is asked for", || s.info().state == SupervisorState::Stopping);
        let report = s.stop_now();
        assert_eq!((report.complete, report.ran, report.cancelled, report.discarded), (true, 1, 10, 3));
        assert_eq!(patient.join().unwrap(), report);
    });
    task.wait().unwrap();
    assert!(queued.into_iter().all(|task| matches!(task.wait(), Err(TaskError::Cancelled))));
}

#[test]
fn stop_timeout_from_elsewhere_ends_a_stop() {
    for hurry in [false, true] {
        let s = pool(1);
        let gate = Gate::new();
        let held = gate.clone();
        let task = running(&s, move || held.wait());
        std::thread::scope(|scope| {
            let patient = scope.spawn(|| if hurry { s.stop_now() } else { s.stop() });
            eventually("a stop is asked for", || s.info().state == SupervisorState::Stopping);
            let later = scope.spawn(|| s.stop_timeout(PATIENCE * 10));
            let report = s.stop_timeout(Duration::from_millis(20));
            assert_eq!((report.complete, report.abandoned.len()), (false, 1));
            // The sooner bound counts for all of them.
            assert_eq!(patient.join().unwrap(), report);
            assert_eq!(later.join().unwrap(), report);
        });
        gate.open();
        task.wait().unwrap();
    }
}

#[test]
fn a_stop_asked_for_from_inside_can_be_joined_and_hurried_from_outside() {
    let s = pool(1);
    let own = (*s).clone();
    let task = running(&s, move || {
        assert!(!own.stop().complete);
        while !is_cancelled() {
            std::thread::yield_now();
        }
    });
    eventually("a stop is asked for", || s.info().state == SupervisorState::Stopping);
    let report = s.stop_now();
    assert_eq!((report.complete, report.ran), (true, 1));
    task.wait().unwrap();
}

#[test]
fn dropping_the_future_of_stop_async_does_not_call_the_stop_off() {
    let s = pool(1);
    let (gate, blocker) = s.occupy(1, Priority::Normal);
    {
        let mut stop = Box::pin(s.stop_async());
        let waker = std::task::Waker::noop();
        assert!(stop.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_pending());
    }
    assert_eq!(s.info().state, SupervisorState::Stopping);
    gate.open();
    s.block();
    assert_eq!(s.info().state, SupervisorState::Stopped);
    blocker.into_iter().for_each(|task| task.wait().unwrap());
}

/// Delays that come due while the stop is under way: each task runs or is cancelled, and the report knows of it.
#[test]
fn delays_due_during_a_stop_are_accounted_for() {
    let s = pool(2);
    for round in 0..200_u64 {
        s.start().unwrap();
        let due = |n: u64| Duration::from_micros(50 + 7 * ((n + round) % 40));
        let tasks: Vec<_> = (0..40).map(|n| background_task(|| ()).delay(due(n)).supervisor(&s).start()).collect();
        let report = if round % 2 == 0 { s.stop() } else { s.stop_now() };
        assert!(report.complete);
        assert_eq!(report.ran + report.cancelled, 40, "{report:?}");
        assert!(tasks.iter().all(|task| task.is_finished()));
        let ran = tasks.into_iter().filter(|task| task.status() == atasker::TaskStatus::Completed).count();
        assert_eq!(report.ran, ran as u64);
    }
}

#[test]
fn one_who_only_clones_joins_the_same_stop() {
    let s = Arc::new(pool(1));
    let clone = (**s).clone();
    background_task(|| ()).supervisor(&clone).start().wait().unwrap();
    let report = clone.stop();
    assert_eq!(s.stop(), report);
}

//! Nested waits.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use atasker::{Priority, Supervisor, Task, TaskError, TaskStatus, WaitError, background_task};

use crate::support::{Gate, eventually, in_time, pool, start};

fn fibonacci(s: Supervisor, n: u32) -> u64 {
    if n < 2 {
        return u64::from(n);
    }
    let task = |n| {
        let inner = s.clone();
        start(&s, move || fibonacci(inner, n))
    };
    let (a, b) = (task(n - 1), task(n - 2));
    a.wait().unwrap() + b.wait().unwrap()
}

#[test]
fn a_tree_of_waits_completes_on_any_number_of_places() {
    in_time(|| {
        for places in [1, 2, 3, 8] {
            let s = pool(places);
            let inner = s.clone();
            assert_eq!(start(&s, move || fibonacci(inner, 15)).wait().unwrap(), 610);
            s.stop();
            let totals = s.info().totals;
            assert_eq!(totals.submitted, totals.completed);
            assert!(totals.largest_active <= places);
        }
    });
}

/// On the waiter's thread, in its place, and no other task but the one that is waited for.
#[test]
fn a_waiter_runs_the_task_itself_and_never_another() {
    in_time(|| {
        let s = pool(1);
        let inner = s.clone();
        let outer = start(&s, move || {
            let before = background_task(|| ()).priority(Priority::Critical).delay(Duration::MAX).supervisor(&inner);
            let others: Vec<_> = [Priority::Low, Priority::Normal, Priority::High]
                .map(|priority| background_task(|| ()).priority(priority).supervisor(&inner).start())
                .into_iter()
                .chain([before.start()])
                .collect();
            let place = inner.clone();
            let body = move || (thread::current().id(), place.info().active.total());
            let (there, active) =
                background_task(body).priority(Priority::Low).supervisor(&inner).start().wait().unwrap();
            assert_eq!((there, active), (thread::current().id(), 1));
            assert!(others.iter().all(|task| !task.is_finished()));
            assert_eq!(inner.info().queued.total(), 3);
            others
        });
        let mut others = outer.wait().unwrap();
        others.pop().unwrap().cancel();
        others.into_iter().for_each(|task| task.wait().unwrap());
    });
}

#[test]
fn a_task_that_runs_elsewhere_is_waited_for() {
    in_time(|| {
        let s = pool(2);
        let (gate, mut running) = s.occupy(1, Priority::Normal);
        let running = running.remove(0);
        let (tell, told) = mpsc::channel();
        let outer = start(&s, move || {
            tell.send(()).unwrap();
            running.wait()
        });
        told.recv().unwrap();
        gate.open();
        outer.wait().unwrap().unwrap();
    });
}

#[test]
fn a_delayed_task_is_run_by_its_waiter_when_it_is_due() {
    in_time(|| {
        let s = pool(1);
        let inner = s.clone();
        let outer = start(&s, move || {
            let before = std::time::Instant::now();
            let delay = Duration::from_millis(20);
            let task = background_task(|| thread::current().id()).delay(delay).supervisor(&inner).start();
            let there = task.wait().unwrap();
            assert!(before.elapsed() >= delay);
            there == thread::current().id()
        });
        assert!(outer.wait().unwrap());
    });
}

#[test]
fn a_stop_ends_a_body_s_wait_for_a_delayed_task() {
    in_time(|| {
        let s = pool(1);
        let (tell, told) = mpsc::channel();
        let inner = s.clone();
        let outer = start(&s, move || {
            let task = background_task(|| ()).delay(Duration::MAX).supervisor(&inner).start();
            tell.send(()).unwrap();
            task.wait()
        });
        told.recv().unwrap();
        let report = s.stop();
        assert_eq!((report.complete, report.cancelled), (true, 1));
        assert!(matches!(outer.wait().unwrap(), Err(TaskError::Cancelled)));
    });
}

#[test]
fn a_task_of_another_supervisor_is_waited_for_and_not_run_here() {
    in_time(|| {
        let (here, there) = (pool(1), pool(1));
        let (gate, _running) = there.occupy(1, Priority::Normal);
        let other = there.clone();
        let (tell, told) = mpsc::channel();
        let outer = start(&here, move || {
            let task = start(&other, || thread::current().name().unwrap().to_owned());
            tell.send(()).unwrap();
            task.wait().unwrap()
        });
        told.recv().unwrap();
        gate.open();
        let place = outer.wait().unwrap();
        assert!(place.starts_with(&format!("{}-", there.name())), "{place}");
    });
}

#[test]
fn wait_timeout_never_runs_the_task_itself() {
    in_time(|| {
        let s = pool(1);
        let inner = s.clone();
        let outer = start(&s, move || {
            let task = start(&inner, || 5);
            for timeout in [Duration::ZERO, Duration::from_millis(1)] {
                let results = atasker::wait_completed_timeout([start(&inner, || 6)], timeout);
                assert!(matches!(&results[..], [Err(WaitError::NotReady(_))]));
            }
            let Err(WaitError::NotReady(task)) = task.wait_timeout(Duration::from_millis(5)) else {
                panic!("nobody could run it")
            };
            assert_eq!(task.status(), TaskStatus::Queued);
            let Err(WaitError::NotReady(task)) = task.try_result() else { panic!("nobody could run it") };
            task.wait().unwrap()
        });
        assert_eq!(outer.wait().unwrap(), 5);
    });
}

#[test]
fn a_body_waits_for_tasks_of_every_priority_whatever_its_own() {
    in_time(|| {
        let s = pool(1);
        for own in Priority::ALL {
            let inner = s.clone();
            let body = move || {
                let tasks = Priority::ALL
                    .map(|priority| background_task(move || priority).priority(priority).supervisor(&inner).start());
                tasks.map(|task| task.wait().unwrap())
            };
            let task = background_task(body).priority(own).supervisor(&s).start();
            assert_eq!(task.wait().unwrap(), Priority::ALL);
        }
        s.stop();
        assert_eq!(s.info().totals.completed, 4 + 16);
    });
}

/// What is waited for is started by nobody else: its place in the queue is behind a thousand others.
#[test]
fn a_waiter_does_not_queue_up() {
    in_time(|| {
        let s = pool(1);
        let gate = Gate::new();
        let (inner, opened) = (s.clone(), gate.clone());
        let outer = start(&s, move || {
            opened.wait();
            let task = start(&inner, || 5);
            (task.wait().unwrap(), inner.info().queued.normal)
        });
        let others: Vec<Task<()>> = (0..1_000).map(|_| start(&s, || ())).collect();
        gate.open();
        assert_eq!(outer.wait().unwrap(), (5, 1_000));
        atasker::wait_completed(others).unwrap();
        eventually("all are counted", || s.info().totals.completed == 1_002);
    });
}

#[test]
fn a_cancelled_or_refused_task_ends_a_nested_wait() {
    in_time(|| {
        let s = pool(1);
        let (inner, closed) = (s.clone(), pool(1));
        closed.stop();
        let outer = start(&s, move || {
            let cancelled = start(&inner, || ());
            cancelled.cancel();
            (cancelled.wait(), start(&closed, || ()).wait())
        });
        assert!(matches!(outer.wait().unwrap(), (Err(TaskError::Cancelled), Err(TaskError::Rejected))));
    });
}

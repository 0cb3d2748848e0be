//! Waits in the Drop of what a task captured or made.

use std::sync::mpsc;
use std::time::Duration;

use atasker::{Priority, Supervisor, Task, TaskStatus, background_task};

use crate::support::{Gate, OnDrop, Tested, eventually, in_time, pool, start};

/// A task whose argument joins: when it is dropped, it waits for the task that is sent to it, and tells how that ended.
fn joining(s: &Supervisor, delay: Duration, tell: &mpsc::Sender<bool>) -> (Task<()>, mpsc::Sender<Task<()>>) {
    let (give, given) = mpsc::channel::<Task<()>>();
    let tell = tell.clone();
    let guard = OnDrop::new(move || tell.send(given.recv().unwrap().wait().is_ok()).unwrap());
    (background_task(move || drop(guard)).delay(delay).supervisor(s).start(), give)
}

#[test]
fn a_drop_in_a_body_may_wait_with_one_place() {
    in_time(|| {
        let s = pool(1);
        let (gate, _running) = s.occupy(1, Priority::Normal);
        let (tell, told) = mpsc::channel();
        let (first, first_joins) = joining(&s, Duration::ZERO, &tell);
        let (second, second_joins) = joining(&s, Duration::ZERO, &tell);
        second_joins.send(start(&s, || ())).unwrap();
        first_joins.send(second).unwrap();
        gate.open();
        assert!(told.recv().unwrap() && told.recv().unwrap());
        first.wait().unwrap();
    });
}

/// The end of each is told before any of their values is dropped: a stop runs on one thread.
#[test]
fn a_drop_of_a_cancelled_task_may_wait_for_another_cancelled_task() {
    fn check(delay: Duration, end: impl FnOnce(&Tested) + Send + 'static) {
        in_time(move || {
            let s = pool(1);
            let (gate, _running) = s.occupy(1, Priority::Normal);
            let (tell, told) = mpsc::channel();
            // Each waits for the one that comes behind it, or for the one that came before.
            let (first, first_joins) = joining(&s, delay, &tell);
            first_joins.send(background_task(|| ()).delay(delay).supervisor(&s).start()).unwrap();
            let (third, third_joins) = joining(&s, delay, &tell);
            third_joins.send(first).unwrap();
            std::thread::scope(|scope| {
                let stop = scope.spawn(|| end(&s));
                assert!(!told.recv().unwrap() && !told.recv().unwrap());
                gate.open();
                stop.join().unwrap();
            });
            assert_eq!(third.status(), TaskStatus::Cancelled);
        });
    }
    let queued = Duration::ZERO;
    check(queued, |s| _ = s.stop_now());
    check(Duration::MAX, |s| _ = s.stop());
    check(Duration::from_secs(3_600), |s| _ = s.stop_now());
}

#[test]
fn a_drop_of_a_result_may_wait_with_one_place() {
    in_time(|| {
        let s = pool(1);
        let (tell, told) = mpsc::channel();
        let inner = s.clone();
        let result = move || OnDrop::new(move || tell.send(start(&inner, || 5).wait().unwrap()).unwrap());
        background_task(result).supervisor(&s).detach();
        assert_eq!(told.recv().unwrap(), 5);
    });
}

#[test]
fn a_cancelled_task_s_drop_may_start_and_cancel_others() {
    in_time(|| {
        let s = pool(1);
        let (gate, _running) = s.occupy(1, Priority::Normal);
        let other = start(&s, || ());
        let (inner, (tell, told)) = (s.clone(), mpsc::channel());
        let guard = OnDrop::new(move || tell.send((other.cancel(), start(&inner, || 5))).unwrap());
        assert_eq!(start(&s, move || drop(guard)).cancel(), atasker::CancelOutcome::Dequeued);
        let (outcome, new) = told.recv().unwrap();
        assert_eq!(outcome, atasker::CancelOutcome::Dequeued);
        gate.open();
        assert_eq!(new.wait().unwrap(), 5);
    });
}

/// Their Drop runs under no lock of ours: it may call everything.
#[test]
fn a_drop_may_ask_and_change_everything() {
    in_time(|| {
        let s = pool(1);
        let (gate, _running) = s.occupy(1, Priority::Normal);
        let counted = Gate::new();
        let (inner, opened) = (s.clone(), counted.clone());
        let guard = OnDrop::new(move || {
            assert_eq!(inner.info().active.normal, 1);
            inner.set_config(inner.config().pool_size(2)).unwrap();
            opened.open();
        });
        let task = start(&s, move || drop(guard));
        task.cancel();
        counted.wait();
        let ended = start(&s, || ());
        eventually("there is a second place now", || ended.is_finished());
        gate.open();
    });
}

//! Waits in the Drop of what a task captured or made.

use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context, Waker};
use std::time::Duration;

use atasker::{Config, Priority, Supervisor, Task, TaskStatus, background_task};

use crate::support::{Gate, OnDrop, Tested, eventually, in_time, pool, start, supervisor};

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

/// A pool with one place, and a result of such a task that is dropped by a thread between two bodies: the task was too deep to
/// run where it was waited for, so another thread ran it; nobody has its handle, and its entry in the queue is its last owner.
fn dropped_between_two_bodies(dropped: impl FnOnce(&Supervisor) + Send + 'static) -> Tested {
    let s = supervisor(Config::new().pool_size(1).reserve_normal(0).reserve_high(0).max_nesting(1));
    let (give, given) = mpsc::channel::<Task<_>>();
    let (inner, let_go, (begin, has_begun)) = ((*s).clone(), Gate::new(), mpsc::channel());
    let opener = let_go.clone();
    let outer = start(&s, move || {
        let nested = start(&inner, move || {
            let mut task = given.recv().unwrap();
            assert!(Pin::new(&mut task).poll(&mut Context::from_waker(Waker::noop())).is_pending());
            // On the other thread: this one might else take it next, and its drop would be a part of it.
            has_begun.recv().unwrap();
            drop(task);
            opener.open();
        });
        nested.wait().unwrap();
    });
    let inner = (*s).clone();
    let task = start(&s, move || {
        begin.send(()).unwrap();
        let_go.wait();
        OnDrop::new(move || dropped(&inner))
    });
    give.send(task).unwrap();
    outer.wait().unwrap();
    s
}

#[test]
fn a_stop_in_the_drop_of_a_result_that_a_dead_entry_owns_only_asks() {
    in_time(|| {
        let (tell, told) = mpsc::channel();
        let s = dropped_between_two_bodies(move |s| tell.send(s.stop().complete).unwrap());
        assert!(!told.recv().unwrap(), "a pool thread would wait for itself");
        s.block();
    });
}

/// While it lasts, the pool has other threads come for what is there.
#[test]
fn a_drop_between_two_bodies_keeps_nobody_from_what_comes_meanwhile() {
    in_time(|| {
        let ((tell, told), (go, gone)) = (mpsc::channel(), mpsc::channel::<()>());
        let s = dropped_between_two_bodies(move |_| {
            tell.send(()).unwrap();
            _ = gone.recv();
        });
        told.recv().unwrap();
        assert_eq!(start(&s, || 5).wait().unwrap(), 5);
        drop(go);
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

//! Stops: what is in flight is worked off, asked to end, or named.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use atasker::{LaneConfig, Priority, Supervisor, TaskError, TaskStatus, background_future, background_task};

use super::{fly, held};
use crate::support::{Drops, Latch, OnDrop, eventually, in_time, next, pool};

#[test]
fn a_stop_works_off_what_waits_and_is_over_only_after_the_last_async_body() {
    let s = pool(1);
    s.lane("io", LaneConfig::new().threads(1).pool_size(1)).unwrap();
    let (end, first) = held(&s, Some("io"), Priority::Normal);
    let second = background_future(async { 2 }).supervisor(&s).lane("io").start();
    let stopping = std::thread::spawn({
        let s = s.clone();
        move || s.stop()
    });
    while !matches!(fly(&s, async {}).status(), TaskStatus::Rejected) {
        std::thread::yield_now();
    }
    assert_eq!((first.status(), second.status()), (TaskStatus::Running, TaskStatus::Queued));
    end.send(()).unwrap();
    let report = in_time(move || stopping.join().unwrap());
    assert!(report.complete);
    assert!(first.is_finished() && second.is_finished());
    let totals = s.info().totals;
    assert_eq!(report.ran, totals.completed);
    assert_eq!(totals.submitted, totals.completed + totals.rejected);
}

/// On a runtime that no stop of ours joins, so that nothing but our own order of steps makes it so.
#[test]
fn a_stop_is_complete_only_when_every_result_is_there_and_what_is_dropped_is_gone() {
    const TASKS: usize = 20_000;
    let own = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let s = pool(1);
    s.set_runtime(own.handle().clone()).unwrap();
    for _ in 0..3 {
        s.start().unwrap();
        let (bodies, results) = (Drops::new(), Drops::new());
        let mut kept = Vec::new();
        for number in 0..TASKS {
            let (body, result) = (bodies.value(), results.value());
            let task = fly(&s, async move {
                let _body = body;
                result
            });
            // Every second one is let go: what it gives is dropped where it ends.
            if number % 2 == 0 {
                kept.push(task);
            }
        }
        assert!(s.stop().complete);
        assert_eq!((bodies.count(), results.count()), (TASKS, TASKS / 2));
        let there = kept.into_iter().map(|task| task.try_result()).filter(Result::is_ok).count();
        assert_eq!(there, TASKS / 2);
        assert_eq!(results.count(), TASKS);
    }
}

#[test]
fn a_stop_waits_for_the_drop_of_a_result_that_nobody_collects() {
    let own = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let s = pool(1);
    s.set_runtime(own.handle().clone()).unwrap();
    let (dropping, is_dropping) = mpsc::channel();
    let (go, gone) = mpsc::channel::<()>();
    let over = Latch::new(1);
    let dropped = over.clone();
    let lingering = OnDrop::new(move || {
        dropping.send(()).unwrap();
        _ = gone.recv();
        dropped.count_down();
    });
    let (let_go, handle_gone) = tokio::sync::oneshot::channel::<()>();
    let task = fly(&s, async move {
        _ = handle_gone.await;
        lingering
    });
    // Before it ends: else the result would be dropped with the handle, here.
    drop(task);
    drop(let_go);
    next(&is_dropping);
    assert_eq!((s.info().active.total(), s.info().totals.completed), (0, 1), "its result was let go: it has ended");
    let report = s.stop_timeout(Duration::from_millis(2));
    assert!(!report.complete, "its place is given back behind the drop");
    assert_eq!(report.abandoned.len(), 1);
    drop(go);
    over.wait();
}

#[test]
fn a_waker_that_stops_its_supervisor_does_not_wait_for_itself() {
    struct Stopper(Supervisor, mpsc::Sender<bool>);
    impl Wake for Stopper {
        fn wake(self: Arc<Self>) {
            _ = self.1.send(self.0.stop().complete);
        }
    }
    let s = pool(1);
    let (end, mut task) = held(&s, None, Priority::Normal);
    let (tell, told) = mpsc::channel();
    let waker = Waker::from(Arc::new(Stopper((*s).clone(), tell)));
    assert!(Pin::new(&mut task).poll(&mut Context::from_waker(&waker)).is_pending());
    end.send(()).unwrap();
    assert!(!next(&told), "it is called where the body ends, so it only asks");
    s.block();
}

#[test]
fn a_stop_in_a_destructor_of_a_lane_threads_locals_only_asks() {
    type AtEnd = OnDrop<Box<dyn FnOnce()>>;
    thread_local! {
        static AT_END: RefCell<Option<AtEnd>> = const { RefCell::new(None) };
    }
    let s = pool(1);
    s.lane("io", LaneConfig::new().threads(1)).unwrap();
    let (tell, told) = mpsc::channel();
    let inner = (*s).clone();
    let body = async move {
        let at_end = AtEnd::new(Box::new(move || tell.send(inner.stop().complete).unwrap()));
        AT_END.set(Some(at_end));
    };
    background_future(body).supervisor(&s).lane("io").start().wait().unwrap();
    assert!(s.stop().complete);
    assert!(!next(&told), "the stop joins this very thread");
}

#[test]
fn stop_now_drops_what_runs_at_its_next_await_and_cancels_what_waits() {
    let s = pool(1);
    s.lane("io", LaneConfig::new().threads(1).pool_size(1)).unwrap();
    let (_end, first) = held(&s, Some("io"), Priority::Normal);
    let second = background_future(async { 2 }).supervisor(&s).lane("io").start();
    let report = s.stop_now();
    assert!(matches!(first.wait(), Err(TaskError::Cancelled)));
    assert!(matches!(second.wait(), Err(TaskError::Cancelled)));
    assert_eq!((report.complete, report.ran, report.cancelled), (true, 0, 2));
}

#[test]
fn stop_now_racing_with_starts_ends() {
    let s = pool(1);
    for _ in 0..300 {
        s.start().unwrap();
        let starter = std::thread::spawn({
            let s = s.clone();
            move || (0..8).map(|_| fly(&s, std::future::pending::<()>())).collect::<Vec<_>>()
        });
        let stopped = s.clone();
        assert!(in_time(move || stopped.stop_now()).complete);
        for task in starter.join().unwrap() {
            assert!(matches!(task.wait(), Err(TaskError::Cancelled | TaskError::Rejected)));
        }
    }
}

#[test]
fn a_bounded_stop_names_what_is_in_flight_and_then_aborts_it() {
    let s = pool(1);
    let (_end, task) = held(&s, None, Priority::Normal);
    let report = s.stop_timeout(Duration::from_millis(2));
    assert!(!report.complete);
    assert_eq!(report.abandoned.len(), 1);
    assert_eq!(report.abandoned[0].name, "held");
    assert!(report.abandoned[0].running_for >= Duration::from_millis(1));
    assert!(matches!(task.wait(), Err(TaskError::Cancelled)));
    s.start().unwrap();
    assert_eq!(fly(&s, async { 1 }).wait().unwrap(), 1, "a restart makes a new runtime");
    assert_eq!(s.info().totals.submitted, 1, "the late end disturbs no count");
}

#[test]
fn a_body_that_never_awaits_is_named_and_left_alone() {
    let s = pool(1);
    let (started, when_started) = mpsc::channel();
    let (go, gone) = mpsc::channel::<()>();
    let task = background_future(async move {
        started.send(()).unwrap();
        _ = gone.recv();
        "late"
    })
    .name("stubborn")
    .supervisor(&s)
    .start();
    next(&when_started);
    let report = s.stop_timeout(Duration::from_millis(2));
    assert_eq!(report.abandoned[0].name, "stubborn");
    drop(go);
    assert_eq!(task.wait().unwrap(), "late");
}

#[test]
fn stops_inside_an_async_body_only_ask() {
    let s = pool(1);
    let lane = s.lane("io", LaneConfig::new().threads(1)).unwrap();
    let inner = s.clone();
    let task = lane.start(async move {
        let asked = inner.find_lane("io").unwrap().stop();
        let again = inner.stop();
        let awaited = inner.stop_async().await;
        inner.block();
        [asked, again, awaited].iter().any(|report| report.complete)
    });
    assert!(!in_time(move || task.wait().unwrap()));
    s.block();
    assert!(s.stop().complete);
}

#[test]
fn a_stop_in_the_drop_of_an_async_body_does_not_wait_for_itself() {
    let s = pool(1);
    let inner = s.clone();
    let guard = crate::support::OnDrop::new(move || _ = inner.stop());
    let started = Latch::new(1);
    let latch = started.clone();
    let task = fly(&s, async move {
        let _guard = guard;
        latch.count_down();
        std::future::pending::<()>().await;
    });
    started.wait();
    task.cancel();
    in_time(move || task.wait().unwrap_err());
}

#[test]
fn threads_leave_with_the_stop() {
    let s = pool(1);
    fly(&s, async {}).wait().unwrap();
    if cfg!(target_os = "linux") {
        eventually("its threads are named", || s.threads().iter().any(|name| name.contains("-async-")));
    }
    background_task(|| ()).supervisor(&s).start().wait().unwrap();
    assert!(s.stop().complete);
    eventually("they are gone", || s.threads().is_empty());
}

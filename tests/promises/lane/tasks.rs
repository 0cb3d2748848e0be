//! A result, a panic, a cancellation: what the handle of an async task tells.

use std::sync::mpsc;
use std::time::Duration;

use atasker::{
    CancelOutcome, Config, Priority, TaskError, TaskStatus, WaitError, background_future, background_task, is_cancelled,
};
use tokio::sync::oneshot;

use super::{fly, held};
use crate::support::{Drops, Latch, OnDrop, next, pool, supervisor};

#[test]
fn value_and_failure_reach_the_handle_and_the_counts_are_exact() {
    let s = pool(1);
    assert_eq!(fly(&s, async { 2 + 2 }).wait().unwrap(), 4);
    let error = fly(&s, async { panic!("no paper") as () }).wait().unwrap_err();
    assert!(matches!(error, TaskError::Panicked(panic) if panic.message() == "no paper"));
    assert_eq!(fly(&s, async { "the runtime lives" }).wait().unwrap(), "the runtime lives");
    let totals = s.info().totals;
    assert_eq!((totals.submitted, totals.completed, totals.panicked), (3, 2, 1));
}

#[test]
fn a_body_may_use_the_timers_of_tokio() {
    let s = pool(1);
    let task = fly(&s, async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        tokio::spawn(async { 5 }).await.unwrap()
    });
    assert_eq!(task.wait().unwrap(), 5);
}

#[test]
fn a_handle_does_not_tell_which_lane_its_body_runs_in() {
    let s = supervisor(Config::new().task_times(true));
    let blocking = background_task(|| 1).name("one").priority(Priority::High).supervisor(&s).start();
    let flying = background_future(async { 1 }).name("one").priority(Priority::High).supervisor(&s).start();
    for task in [blocking, flying] {
        while !task.is_finished() {
            std::thread::yield_now();
        }
        let info = task.info();
        assert_eq!((info.name.as_str(), info.priority, info.status), ("one", Priority::High, TaskStatus::Completed));
        assert!(info.submitted_at <= info.started_at && info.started_at <= info.finished_at);
        assert!(info.finished_at.is_some());
        assert_eq!(task.cancel(), CancelOutcome::TooLate);
        assert_eq!(task.try_result().unwrap(), 1);
    }
}

#[test]
fn a_running_body_is_dropped_at_its_next_await_when_it_is_cancelled() {
    let s = pool(1);
    let drops = Drops::new();
    let value = drops.value();
    let (started, when_started) = mpsc::channel();
    let task = fly(&s, async move {
        let _value = value;
        started.send(()).unwrap();
        std::future::pending::<()>().await;
    });
    next(&when_started);
    assert_eq!(task.status(), TaskStatus::Running);
    assert_eq!(task.cancel(), CancelOutcome::Requested);
    assert!(matches!(task.wait(), Err(TaskError::Cancelled)));
    assert_eq!(drops.count(), 1, "it is dropped before its handle tells of the end");
    assert_eq!(s.info().totals.cancelled, 1);
}

#[test]
fn a_body_that_ends_by_itself_is_completed_though_it_was_cancelled() {
    let s = pool(1);
    let (started, when_started) = mpsc::channel();
    let task = fly(&s, async move {
        started.send(()).unwrap();
        while !is_cancelled() {
            std::thread::yield_now();
        }
        "seen"
    });
    next(&when_started);
    assert_eq!(task.cancel(), CancelOutcome::Requested);
    assert_eq!(task.wait().unwrap(), "seen");
}

#[test]
fn a_delayed_async_task_is_due_or_cancelled() {
    let s = pool(1);
    let late = background_future(async { 1 }).delay(Duration::from_millis(2)).supervisor(&s).start();
    assert_eq!(late.wait().unwrap(), 1);
    let never = background_future(async { 2 }).delay(Duration::from_secs(3600)).supervisor(&s).start();
    assert_eq!((never.status(), s.info().delayed.normal), (TaskStatus::Delayed, 1));
    assert_eq!(never.cancel(), CancelOutcome::Dequeued);
    assert!(matches!(never.wait(), Err(TaskError::Cancelled)));
    let dropped = background_future(async { 3 }).delay(Duration::from_secs(3600)).supervisor(&s).start();
    let report = s.stop();
    assert!(matches!(dropped.wait(), Err(TaskError::Cancelled)));
    assert_eq!((report.ran, report.cancelled), (1, 2));
    let totals = s.info().totals;
    assert_eq!((totals.submitted, s.info().delayed.total()), (3, 0));
}

#[test]
fn a_refused_future_comes_back() {
    let s = pool(1);
    s.stop();
    let rejected = background_future(async { 7 }).supervisor(&s).try_start().unwrap_err();
    let task = fly(&s, async { 8 });
    assert_eq!(task.status(), TaskStatus::Rejected);
    s.start().unwrap();
    assert_eq!(fly(&s, rejected.into_inner()).wait().unwrap(), 7);
}

#[test]
fn an_async_task_whose_handle_is_dropped_still_runs_and_leaks_nothing() {
    let s = pool(1);
    let drops = Drops::new();
    let (value, result) = (drops.value(), drops.value());
    let (tell, told) = mpsc::channel();
    drop(fly(&s, async move {
        tell.send(()).unwrap();
        drop(value);
        result
    }));
    next(&told);
    s.stop();
    assert_eq!(drops.count(), 2);
}

#[test]
fn panics_in_drops_of_a_body_and_a_result_are_contained() {
    let s = pool(1);
    let bomb = || OnDrop::new(|| panic!("in a drop"));
    let (one, two) = (bomb(), bomb());
    drop(fly(&s, async move { one }));
    let task = fly(&s, async move {
        let _two = two;
        std::future::pending::<()>().await;
    });
    while task.status() != TaskStatus::Running {
        std::thread::yield_now();
    }
    task.cancel();
    assert!(matches!(task.wait(), Err(TaskError::Cancelled)));
    assert_eq!(fly(&s, async { 3 }).wait().unwrap(), 3);
}

#[test]
fn an_async_body_awaits_blocking_tasks_and_the_other_way_round() {
    let s = pool(1);
    let inner = s.clone();
    let outer = fly(&s, async move {
        let blocking = background_task(|| 20).supervisor(&inner).start();
        let flying = background_future(async { 1 }).supervisor(&inner).start();
        blocking.await.unwrap() + flying.await.unwrap()
    });
    let inner = s.clone();
    let waiting = background_task(move || background_future(async { 3 }).supervisor(&inner).start().wait().unwrap());
    assert_eq!((outer.wait().unwrap(), waiting.supervisor(&s).start().wait().unwrap()), (21, 3));
}

#[test]
fn a_wait_for_a_queued_async_task_does_not_run_it_here() {
    let s = pool(1);
    s.lane("one", atasker::LaneConfig::new().threads(1).pool_size(1)).unwrap();
    let (end, first) = held(&s, Some("one"), Priority::Normal);
    let inner = s.clone();
    let waiting = Latch::new(1);
    let about = waiting.clone();
    let outer = background_task(move || {
        let queued = background_future(async { 1 }).supervisor(&inner).lane("one").start();
        assert_eq!(queued.status(), TaskStatus::Queued);
        about.count_down();
        queued.wait().unwrap()
    });
    let outer = outer.supervisor(&s).start();
    waiting.wait();
    end.send(()).unwrap();
    assert!(first.wait().unwrap());
    assert_eq!(outer.wait().unwrap(), 1);
}

#[test]
fn a_thousand_cancellations_racing_with_ends_give_one_outcome_each() {
    let s = pool(1);
    for _ in 0..1_000 {
        let (go, gone) = oneshot::channel::<()>();
        let task = fly(&s, async move { gone.await.is_ok() });
        go.send(()).unwrap();
        let outcome = task.cancel();
        match task.wait() {
            Ok(true) => assert_ne!(outcome, CancelOutcome::Dequeued),
            Err(TaskError::Cancelled) => assert_ne!(outcome, CancelOutcome::TooLate),
            other => panic!("{other:?}"),
        }
    }
    let totals = s.info().totals;
    assert_eq!(totals.submitted, totals.completed + totals.cancelled);
}

#[test]
fn wait_timeout_gives_an_unfinished_async_task_back() {
    let s = pool(1);
    let (end, task) = held(&s, None, Priority::Normal);
    let Err(WaitError::NotReady(task)) = task.wait_timeout(Duration::from_millis(1)) else { panic!("it is in flight") };
    end.send(()).unwrap();
    assert!(task.wait().unwrap());
}

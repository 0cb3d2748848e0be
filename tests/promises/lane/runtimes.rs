//! Whose runtime it is, and what happens when it goes.

use std::time::Duration;

use atasker::{Error, Priority, TaskError, TaskStatus, background_future};
use tokio::runtime::{Builder, Runtime};

use super::{fly, held};
use crate::support::{Drops, in_time, pool};

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).thread_name("users").enable_all().build().unwrap()
}

#[test]
fn bodies_run_on_a_runtime_that_was_handed_in() {
    let s = pool(1);
    let own = runtime();
    s.set_runtime(own.handle().clone()).unwrap();
    let name = fly(&s, async { std::thread::current().name().map(str::to_owned) }).wait().unwrap();
    assert_eq!(name.as_deref(), Some("users"));
    assert!(matches!(s.set_runtime(own.handle().clone()), Err(Error::Config(_))));
    assert!(s.stop().complete);
    assert_eq!(own.block_on(async { 1 }), 1, "a stop leaves it alone");
}

#[test]
fn a_runtime_that_is_dropped_cancels_its_tasks_and_a_stop_still_ends() {
    let s = pool(1);
    let own = runtime();
    s.set_runtime(own.handle().clone()).unwrap();
    let drops = Drops::new();
    let value = drops.value();
    let (_end, first) = held(&s, None, Priority::Normal);
    let second = fly(&s, async move {
        let _value = value;
        std::future::pending::<()>().await;
    });
    own.shutdown_timeout(Duration::from_secs(10));
    assert!(matches!(in_time(move || first.wait()), Err(TaskError::Cancelled)));
    assert!(matches!(in_time(move || second.wait()), Err(TaskError::Cancelled)));
    assert_eq!(drops.count(), 1);
    assert!(matches!(
        in_time({
            let s = s.clone();
            move || fly(&s, async {}).wait()
        }),
        Err(TaskError::Cancelled)
    ));
    let s = s.clone();
    let report = in_time(move || s.stop());
    assert_eq!((report.complete, report.cancelled), (true, 3));
}

#[test]
fn however_many_tasks_are_on_a_runtime_that_is_dropped_all_end() {
    let s = pool(1);
    let own = runtime();
    s.set_runtime(own.handle().clone()).unwrap();
    let waiting: Vec<_> = (0..50_000).map(|_| fly(&s, std::future::pending::<()>())).collect();
    own.shutdown_timeout(Duration::from_secs(10));
    in_time(move || waiting.into_iter().for_each(|task| assert!(task.wait().is_err())));
}

#[test]
fn a_stop_called_on_a_thread_of_another_runtime_does_not_panic() {
    let s = pool(1);
    assert_eq!(fly(&s, async { 1 }).wait().unwrap(), 1);
    let other = runtime();
    let inner = s.clone();
    let report = other.block_on(async move { inner.stop() });
    assert!(report.complete);
    s.start().unwrap();
    let inner = s.clone();
    let report = other.block_on(async move {
        assert_eq!(background_future(async { 2 }).supervisor(&inner).start().await.unwrap(), 2);
        inner.stop_async().await
    });
    assert!(report.complete);
}

#[test]
fn a_program_without_async_bodies_makes_no_runtime() {
    let s = pool(1);
    crate::support::start(&s, || ()).wait().unwrap();
    assert!(!s.threads().iter().any(|name| name.contains("async")), "{:?}", s.threads());
}

#[test]
fn what_a_user_leaves_in_the_runtime_does_not_hold_up_a_stop() {
    let s = pool(1);
    let (go, gone) = std::sync::mpsc::channel::<()>();
    let task = fly(&s, async move {
        tokio::task::spawn_blocking(move || gone.recv().is_err());
        tokio::spawn(std::future::pending::<()>());
    });
    task.wait().unwrap();
    let inner = s.clone();
    assert!(in_time(move || inner.stop()).complete);
    drop(go);
    assert_eq!(s.info().active.total(), 0);
    assert_eq!(fly(&s, async {}).status(), TaskStatus::Rejected);
}

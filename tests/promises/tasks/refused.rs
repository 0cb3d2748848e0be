//! What is refused is told by its handle, or given back.

use std::time::Duration;

use atasker::{CancelOutcome, Error, TaskError, TaskStatus, WaitError, background_task};

use crate::support::{Drops, Tested, eventually, pool, start};

fn stopped() -> Tested {
    let s = pool(1);
    s.start().unwrap();
    s.stop();
    s
}

#[test]
fn a_refused_task_says_rejected_in_every_way() {
    let s = stopped();
    let drops = Drops::new();
    let refused = || {
        let captured = drops.value();
        start(&s, move || drop(captured))
    };
    let task = refused();
    assert_eq!(
        (task.status(), task.is_finished(), task.cancel()),
        (TaskStatus::Rejected, true, CancelOutcome::TooLate)
    );
    assert_eq!(drops.count(), 1);
    assert!(matches!(task.try_result(), Err(WaitError::Failed(TaskError::Rejected))));
    assert!(matches!(refused().wait(), Err(TaskError::Rejected)));
    assert!(matches!(refused().wait_timeout(Duration::ZERO), Err(WaitError::Failed(TaskError::Rejected))));
    assert!(matches!(futures_executor::block_on(refused()), Err(TaskError::Rejected)));
    assert_eq!((drops.count(), s.info().totals.rejected), (4, 4));
}

#[test]
fn a_refused_delayed_task_says_rejected_and_is_not_counted_as_delayed() {
    let s = stopped();
    let task = background_task(|| ()).delay(Duration::from_secs(3600)).supervisor(&s).start();
    assert_eq!(task.status(), TaskStatus::Rejected);
    assert!(matches!(task.wait(), Err(TaskError::Rejected)));
    let info = s.info();
    assert_eq!((info.delayed.total(), info.totals.submitted, info.totals.rejected), (0, 1, 1));
}

#[test]
fn a_task_spawned_inside_a_body_after_the_ask_is_taken_and_a_delayed_one_is_rejected() {
    let s = pool(1);
    let inner = s.clone();
    let task = start(&s, move || {
        inner.stop();
        let delayed = background_task(|| ()).delay(Duration::from_secs(3600)).supervisor(&inner).start();
        (start(&inner, || ()).wait(), delayed.status())
    });
    let (ran, delayed) = task.wait().unwrap();
    assert!(ran.is_ok());
    assert_eq!(delayed, TaskStatus::Rejected);
    assert!(s.stop().complete);
}

#[test]
fn try_start_gives_the_body_back() {
    let s = stopped();
    let drops = Drops::new();
    for delay in [Duration::ZERO, Duration::from_secs(3600)] {
        let captured = drops.value();
        let body = move || {
            drop(captured);
            "run here"
        };
        let rejected = background_task(body).delay(delay).supervisor(&s).try_start().unwrap_err();
        let before = drops.count();
        assert_eq!(rejected.into_inner()(), "run here");
        assert_eq!(drops.count(), before + 1);
    }
    s.start().unwrap();
    assert_eq!(background_task(|| 5).supervisor(&s).try_start().unwrap().wait().unwrap(), 5);
}

#[test]
fn a_rejection_tells_why_and_converts() {
    let s = stopped();
    let rejected = background_task(|| ()).supervisor(&s).try_start().unwrap_err();
    assert!(rejected.to_string().contains("stopped"), "{rejected}");
    assert_eq!(format!("{rejected:?}"), rejected.to_string());
    assert!(matches!(rejected.reason(), Error::Stopped));
    assert!(matches!(Error::from(rejected), Error::Task(TaskError::Rejected)));
}

#[test]
fn a_panic_in_drop_of_a_refused_body_stays_there() {
    let s = stopped();
    let captured = crate::support::OnDrop::new(|| panic!("dropped"));
    let task = start(&s, move || drop(captured));
    assert_eq!(task.status(), TaskStatus::Rejected);
    let captured = crate::support::OnDrop::new(|| panic!("dropped"));
    background_task(move || drop(captured)).supervisor(&s).detach();
}

#[test]
fn after_a_new_start_tasks_are_taken_in_again() {
    let s = stopped();
    assert_eq!(start(&s, || ()).status(), TaskStatus::Rejected);
    s.start().unwrap();
    assert_eq!(start(&s, || 7).wait().unwrap(), 7);
    eventually("it is counted", || s.info().totals.completed == 1);
}

//! The last owner asks for a stop when it goes, and waits for nothing.

use std::sync::mpsc;
use std::time::Duration;

use atasker::{Config, Priority, Supervisor, SupervisorState, WorkerContext, background_task, background_worker};

use crate::support::{Gate, PATIENCE};

fn owned() -> Supervisor {
    Supervisor::new("owned", Config::new().pool_size(1).reserve_normal(0).reserve_high(0)).unwrap()
}

/// Starts a task that tells when it runs and ends with the gate.
fn hold(s: &Supervisor, gate: &Gate) -> atasker::Task<()> {
    let (tell, told) = mpsc::channel();
    let gate = gate.clone();
    let body = move || {
        tell.send(()).unwrap();
        gate.wait();
    };
    let task = background_task(body).supervisor(s).start();
    told.recv_timeout(PATIENCE).unwrap();
    task
}

#[test]
fn dropping_the_last_owner_asks_for_a_stop_and_does_not_wait() {
    let s = owned();
    let gate = Gate::new();
    let running = hold(&s, &gate);
    let queued = background_task(|| 42).supervisor(&s).start();
    let delayed = background_task(|| ()).delay(Duration::from_secs(3600)).supervisor(&s).start();
    drop(s);
    // It has returned although the body goes on. What is delayed is cancelled, what is queued is worked off.
    assert_eq!(running.status(), atasker::TaskStatus::Running);
    assert!(matches!(delayed.wait(), Err(atasker::TaskError::Cancelled)));
    gate.open();
    running.wait().unwrap();
    assert_eq!(queued.wait().unwrap(), 42);
}

#[test]
fn an_owner_that_is_left_keeps_it_running() {
    let s = owned();
    let other = s.clone();
    let third = other.clone();
    drop(s);
    drop(third);
    background_task(|| ()).supervisor(&other).start().wait().unwrap();
    assert_eq!(other.info().state, SupervisorState::Running);
}

#[test]
fn workers_and_tasks_own_nothing() {
    let s = owned();
    let (tell, told) = mpsc::channel();
    let looping = background_worker(move |cx: &WorkerContext| {
        _ = cx.supervisor().info();
        _ = tell.send(());
    });
    let looping = looping.supervisor(&s).start().unwrap();
    let timed = background_worker(|| ()).interval(Duration::from_secs(3600)).supervisor(&s).start().unwrap();
    told.recv_timeout(PATIENCE).unwrap();
    drop(s);
    // The workers end, and with them the channel.
    while told.recv_timeout(PATIENCE).is_ok() {}
    crate::support::eventually("both have ended", || !looping.is_running() && !timed.is_running());
}

#[test]
fn dropping_the_last_owner_inside_its_own_body_does_not_wait_for_itself() {
    let s = owned();
    let (hand_over, handed_over) = mpsc::channel::<Supervisor>();
    let body = move || {
        drop(handed_over.recv().unwrap());
        "dropped"
    };
    let task = background_task(body).supervisor(&s).start();
    let queued = background_task(|| "worked off").supervisor(&s).start();
    hand_over.send(s).unwrap();
    assert_eq!(task.wait_timeout(PATIENCE).unwrap(), "dropped");
    assert_eq!(queued.wait_timeout(PATIENCE).unwrap(), "worked off");
}

#[test]
fn a_body_may_capture_the_last_owner() {
    let s = owned();
    let captured = s.clone();
    let gate = Gate::new();
    let blocker = hold(&s, &gate);
    let task = background_task(move || captured.info().state).priority(Priority::Low).supervisor(&s).start();
    drop(s);
    gate.open();
    blocker.wait().unwrap();
    // The queued body is the last owner: it runs, and then asks for the stop of the pool it runs on.
    assert_eq!(task.wait_timeout(PATIENCE).unwrap(), SupervisorState::Running);
}

#[test]
fn a_worker_may_hold_the_last_owner_as_its_state() {
    let s = owned();
    let captured = s.clone();
    let (tell, told) = mpsc::channel();
    let worker = background_worker(move || tell.send(captured.info().state).unwrap()).event().supervisor(&s);
    let worker = worker.start().unwrap();
    drop(s);
    assert!(worker.trigger());
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), SupervisorState::Running);
    // The end of the worker drops its state, and with it the last owner.
    worker.stop();
    assert!(told.recv_timeout(PATIENCE).is_err());
}

#[test]
fn dropping_what_was_never_started_or_is_stopped_does_nothing() {
    drop(owned());
    let s = owned();
    background_task(|| ()).supervisor(&s).start().wait().unwrap();
    s.stop();
    drop(s);
}

//! What blocking verbs do inside an async body: they are refused, and never hang.

use std::sync::mpsc;
use std::time::Duration;

use atasker::{Error, PutError, TaskError, WaitError, background_task, background_worker, wait_all, wait_completed};

use super::fly;
use crate::support::{Gate, in_time, next, pool, start};

#[test]
fn a_wait_inside_an_async_body_would_block_and_an_await_works() {
    let s = pool(1);
    let gate = Gate::new();
    let (inner, opener) = (s.clone(), gate.clone());
    let seen = fly(&s, async move {
        let blocked = || {
            let gate = gate.clone();
            start(&inner, move || gate.wait())
        };
        let waited = blocked().wait();
        let timed = blocked().wait_timeout(Duration::from_secs(3600));
        let many = wait_completed([blocked()]);
        let all = wait_all([blocked()]);
        let awaited = blocked();
        opener.open();
        awaited.await.unwrap();
        let done = start(&inner, || 9);
        while !done.is_finished() {
            tokio::task::yield_now().await;
        }
        assert_eq!(done.wait().unwrap(), 9, "what is there is given");
        assert!(matches!(timed, Err(WaitError::Failed(TaskError::WouldBlock))));
        assert!(matches!(many, Err(TaskError::WouldBlock)));
        assert!(matches!(all[..], [Err(TaskError::WouldBlock)]));
        matches!(waited, Err(TaskError::WouldBlock))
    });
    assert!(in_time(move || seen.wait().unwrap()));
}

#[test]
fn a_put_to_a_full_queue_inside_an_async_body_is_full_and_a_stop_only_asks() {
    let s = pool(1);
    let gate = Gate::new();
    let held = gate.clone();
    let (started, when_started) = mpsc::channel();
    let worker = background_worker(move |_: u8| {
        _ = started.send(());
        held.wait();
    });
    let worker = worker.queue_bounded(1).supervisor(&s).start().unwrap();
    worker.put(1).unwrap();
    next(&when_started);
    let inner = worker.clone();
    let seen = fly(&s, async move {
        inner.put(2).unwrap();
        let full = [inner.put(3), inner.put_timeout(3, Duration::from_secs(3600))];
        inner.stop();
        (full, inner.is_running())
    });
    let (full, running) = in_time(move || seen.wait().unwrap());
    assert_eq!(full, [Err(PutError::Full(3)), Err(PutError::Full(3))]);
    assert!(running, "it was only asked");
    gate.open();
    worker.stop();
}

#[test]
fn a_blocking_body_that_an_async_block_on_runs_may_wait() {
    let s = pool(1);
    let lane = s.lane("io", atasker::LaneConfig::new().threads(1)).unwrap();
    let inner = s.clone();
    let outer = background_task(move || {
        let deeper = inner.clone();
        let task = start(&inner, move || start(&deeper, || 5).wait().unwrap());
        // The only place is here: the await of the queued task runs it.
        lane.block_on(task).unwrap().unwrap()
    });
    assert_eq!(outer.supervisor(&s).start().wait().unwrap(), 5);
}

#[test]
fn block_inside_an_async_body_returns_at_once() {
    let s = pool(1);
    let inner = s.clone();
    let (tell, told) = mpsc::channel();
    let task = fly(&s, async move {
        inner.block();
        tell.send(()).unwrap();
    });
    next(&told);
    task.wait().unwrap();
    let error = Error::WouldBlock;
    assert_eq!(error.to_string(), "the call would block an async body: use its async form there");
}

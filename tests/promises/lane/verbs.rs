//! What blocking verbs do inside an async body: they are refused, and never hang.

use std::sync::mpsc;
use std::time::Duration;

use atasker::{
    Error, PutError, TaskError, WaitError, background_task, background_worker, wait_all, wait_all_async,
    wait_completed, wait_completed_async, wait_completed_timeout,
};

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
fn waits_for_many_inside_an_async_body_lose_nothing() {
    let s = pool(1);
    let (inner, gate) = ((*s).clone(), Gate::new());
    let seen = fly(&s, async move {
        let held = |number| {
            let gate = gate.clone();
            let body = move || {
                gate.wait();
                number
            };
            start(&inner, body)
        };
        // One that starts them has started none; one that is lent has them all.
        let mut lazy = (0..3).map(|_| panic!("none is to be started")).map(|_: ()| held(0));
        assert!(matches!(wait_completed(&mut lazy), Err(TaskError::WouldBlock)));
        let mut lent = vec![held(1), held(2)].into_iter();
        assert!(matches!(wait_completed(&mut lent), Err(TaskError::WouldBlock)));
        let done = start(&inner, || 0);
        gate.open();
        while !done.is_finished() {
            tokio::task::yield_now().await;
        }
        let later = fly(&inner, async {
            tokio::task::yield_now().await;
            9
        });
        let mut results = wait_completed_timeout(lent.chain([done, later]), Duration::from_secs(3600));
        let Some(Err(WaitError::NotReady(later))) = results.pop() else { panic!("it comes back") };
        assert!(matches!(results.pop(), Some(Ok(0))), "what is there is given");
        let first: Vec<i32> =
            results.into_iter().map(|ended| ended.expect("it ended before the one behind it")).collect();
        let both = wait_completed_async([start(&inner, || 3), later]).await.unwrap();
        let each = wait_all_async([start(&inner, || 4), start(&inner, || panic!("on purpose"))]).await;
        assert!(matches!(each[..], [Ok(4), Err(TaskError::Panicked(_))]));
        [first, both].concat()
    });
    assert_eq!(in_time(move || seen.wait().unwrap()), [1, 2, 3, 9]);
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
    assert!(Error::WouldBlock.to_string().contains("use its async form there"));
}

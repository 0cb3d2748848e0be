//! `put_async`: it waits for room, gives items back, and can be dropped.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use atasker::{PutError, background_task, background_worker};

use super::fly;
use crate::support::{Drops, Gate, in_time, pool};

#[test]
fn put_async_waits_for_room_and_every_item_is_run() {
    let s = pool(1);
    let (tell, told) = std::sync::mpsc::channel();
    let worker =
        background_worker(move |n: u32| tell.send(n).unwrap()).queue_bounded(2).supervisor(&s).start().unwrap();
    let putters: Vec<_> = (0..4)
        .map(|_| {
            let worker = worker.clone();
            fly(&s, async move {
                for n in 0..250 {
                    worker.put_async(n).await.unwrap();
                }
            })
        })
        .collect();
    in_time(move || putters.into_iter().for_each(|putter| putter.wait().unwrap()));
    worker.stop();
    assert_eq!(told.try_iter().count(), 1_000);
}

#[test]
fn a_put_async_to_its_own_full_queue_is_full_and_a_stop_gives_the_item_back() {
    let s = pool(1);
    let (tell, told) = std::sync::mpsc::channel();
    let slot = std::sync::Arc::new(std::sync::OnceLock::<atasker::QueueWorker<u32>>::new());
    let own = slot.clone();
    let worker = background_worker(move |n: u32| {
        let (own, tell) = (own.clone(), tell.clone());
        async move {
            if n == 1 {
                let own = own.get().unwrap();
                while own.try_put(2).is_ok() {}
                tell.send(own.put_async(3).await).unwrap();
            }
        }
    });
    let worker = worker.queue_bounded(1).supervisor(&s).start().unwrap();
    slot.set(worker.clone()).unwrap();
    worker.put(1).unwrap();
    assert_eq!(crate::support::next(&told), Err(PutError::Full(3)));
    worker.stop();
    assert_eq!(futures_executor::block_on(worker.put_async(9)), Err(PutError::NotRunning(9)));
}

#[test]
fn a_dropped_put_passes_its_room_on() {
    let s = pool(1);
    let gate = Gate::new();
    let held = gate.clone();
    let drops = Drops::new();
    let (started, when_started) = std::sync::mpsc::channel();
    let worker = background_worker(move |_item| {
        _ = started.send(());
        held.wait();
    });
    let worker = worker.queue_bounded(1).supervisor(&s).start().unwrap();
    worker.put(drops.value()).unwrap();
    crate::support::next(&when_started);
    worker.put(drops.value()).unwrap();
    let before = drops.count();
    {
        let mut cx = Context::from_waker(Waker::noop());
        let mut first = pin!(worker.put_async(drops.value()));
        assert!(matches!(first.as_mut().poll(&mut cx), Poll::Pending));
    }
    assert_eq!(drops.count(), before + 1, "the item goes with its future");
    let (other, value) = (worker.clone(), drops.value());
    let second = fly(&s, async move { other.put_async(value).await.is_ok() });
    // One that is ahead in the list is woken for the room, and dropped instead of polled.
    let mut cx = Context::from_waker(Waker::noop());
    let mut first = Box::pin(worker.put_async(drops.value()));
    assert!(first.as_mut().poll(&mut cx).is_pending());
    gate.open();
    drop(first);
    assert!(in_time(move || second.wait().unwrap()));
    worker.stop();
}

#[test]
fn a_waiting_put_async_gets_its_item_back_when_the_worker_stops() {
    let s = pool(1);
    let worker = background_worker(|_: u8| ()).queue_bounded(1).supervisor(&s).start().unwrap();
    worker.pause();
    worker.put(1).unwrap();
    let mut waiting = Box::pin(worker.put_async(2));
    assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    worker.stop();
    assert_eq!(futures_executor::block_on(waiting), Err(PutError::NotRunning(2)));
}

#[test]
fn a_body_in_the_only_place_that_blocks_on_put_async_runs_the_consumer_itself() {
    let s = pool(1);
    let worker = background_worker(|_: u8| ()).queue_bounded(1).supervisor(&s).start().unwrap();
    let inner = worker.clone();
    let task = background_task(move || (0..10).for_each(|n| futures_executor::block_on(inner.put_async(n)).unwrap()));
    let task = task.supervisor(&s).start();
    in_time(move || task.wait().unwrap());
    worker.stop();
    assert_eq!(worker.info().runs, 10);
}

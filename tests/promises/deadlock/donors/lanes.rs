//! Bodies that are pending on a lane with limits, and ways over lanes.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, mpsc};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use atasker::{Lane, LaneConfig, QueueWorker, TaskStatus, background_future, background_worker};

use super::{by_async, most_active};
use crate::support::{in_time, next, pool, start};

#[test]
fn a_pending_body_lends_its_place_on_a_lane_with_limits() {
    in_time(|| {
        let s = pool(1);
        let lane = s.lane("io", LaneConfig::new().threads(1).pool_size(1)).unwrap();
        let inner = lane.clone();
        let outer = lane.start(async move {
            let tasks: Vec<_> = (0..100).map(|number| inner.start(async move { number })).collect();
            let mut sum = 0;
            for task in tasks.into_iter().rev() {
                sum += task.await.unwrap();
            }
            (sum, inner.info().active.total())
        });
        assert_eq!(outer.wait().unwrap(), (4950, 1));
    });
}

/// Each body is the guest of the one before it, and a stranger that waits in between is not.
#[test]
fn guests_have_guests_and_no_stranger_is_one() {
    fn chain(lane: Lane, length: u32) -> Pin<Box<dyn Future<Output = u32> + Send>> {
        Box::pin(async move {
            if length == 0 {
                return 0;
            }
            lane.start(chain(lane.clone(), length - 1)).await.unwrap() + 1
        })
    }
    in_time(|| {
        let s = pool(1);
        let lane = s.lane("io", LaneConfig::new().threads(2).pool_size(1)).unwrap();
        let inner = lane.clone();
        let outer = lane.start(async move {
            let stranger = inner.start(async {});
            (chain(inner, 200).await, stranger.is_finished(), stranger)
        });
        let (length, stranger_ran, stranger) = outer.wait().unwrap();
        assert_eq!((length, stranger_ran), (200, false));
        stranger.wait().unwrap();
        let info = lane.info();
        assert_eq!((info.active.total(), info.queued.total(), info.totals.completed), (0, 0, 202));
    });
}

/// The waiting body is on the lane, and between it and the other is a body on a pool thread.
#[test]
fn the_way_from_a_lane_leads_over_a_pool_thread_and_back() {
    in_time(|| {
        let s = pool(1);
        let lane = s.lane("io", LaneConfig::new().threads(1).pool_size(1)).unwrap();
        let (inner, supervisor) = (lane.clone(), s.clone());
        let outer = lane.start(async move { start(&supervisor, move || inner.start(async { 5 }).wait()).await });
        assert_eq!(outer.wait().unwrap().unwrap().unwrap(), 5);
    });
}

#[test]
fn a_host_that_ends_first_leaves_its_place_to_its_guest() {
    in_time(|| {
        let s = pool(1);
        let lane = s.lane("io", LaneConfig::new().threads(1).pool_size(1)).unwrap();
        let (open, opened) = tokio::sync::oneshot::channel::<()>();
        let inner = lane.clone();
        let host = lane.start(async move {
            let mut guest = inner.start(async move { drop(opened.await) });
            // Looked at until it has begun, and then left alone.
            std::future::poll_fn(|cx| match (Pin::new(&mut guest).poll(cx), guest.status()) {
                (_, TaskStatus::Running) => Poll::Ready(()),
                _ => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
            })
            .await;
            Some(guest)
        });
        let guest = host.wait().unwrap().unwrap();
        let stranger = lane.start(async {});
        assert_eq!((lane.info().active.total(), lane.info().queued.total()), (1, 1));
        open.send(()).unwrap();
        guest.wait().unwrap();
        stranger.wait().unwrap();
    });
}

#[test]
fn a_pending_body_becomes_a_host_where_its_lane_gets_limits() {
    in_time(|| {
        let s = pool(1);
        let lane = s.lane("io", LaneConfig::new().threads(1)).unwrap();
        let (inner, supervisor) = (lane.clone(), s.clone());
        let (tell, told) = mpsc::channel();
        let outer = lane.start(async move {
            let later =
                background_future(async { 5 }).delay(Duration::from_millis(50)).supervisor(&supervisor).lane("io");
            let later = later.start();
            tell.send(()).unwrap();
            drop(inner);
            later.await.unwrap()
        });
        next(&told);
        lane.set_config(LaneConfig::new().threads(1).pool_size(1)).unwrap();
        assert_eq!(outer.wait().unwrap(), 5);
    });
}

/// The lane belongs to another supervisor, since a stop of one's own only asks.
#[test]
fn a_stop_of_a_lane_runs_what_its_bodies_await() {
    in_time(|| {
        let (here, there) = (pool(1), pool(1));
        let lane = there.lane("io", LaneConfig::new().threads(1)).unwrap();
        let inner = here.clone();
        start(&here, move || {
            let back = inner.clone();
            let body = lane.start(async move { start(&back, || 5).await.unwrap() });
            assert!(lane.stop().complete);
            assert_eq!(body.wait().unwrap(), 5);
        })
        .wait()
        .unwrap();
    });
}

#[test]
fn block_on_in_a_body_runs_what_its_future_awaits() {
    in_time(|| {
        let s = pool(1);
        let inner = s.clone();
        let lane = s.lane("io", LaneConfig::new().threads(1)).unwrap();
        let outer = start(&s, move || {
            let own = thread::current().id();
            let here = lane
                .block_on(async {
                    let (first, second) = (start(&inner, || thread::current().id()), by_async(&inner));
                    (first.await.unwrap(), second.await.unwrap())
                })
                .unwrap();
            here == (own, 42)
        });
        assert!(outer.wait().unwrap());
        assert_eq!(most_active(&s), 1);
    });
}

/// What runs in its place waits for it, and it waits for something else meanwhile, which stands behind in the queue.
#[test]
fn the_place_on_a_lane_goes_to_what_is_next_where_all_in_it_wait() {
    in_time(|| {
        let s = pool(1);
        let lane = s.lane("io", LaneConfig::new().threads(1).pool_size(1)).unwrap();
        let ((to_itself, itself), (tell, told)) = (mpsc::channel::<QueueWorker<u32>>(), mpsc::channel());
        let (inner, itself) = (lane.clone(), Arc::new(Mutex::new(itself)));
        let worker = background_worker(move |item: u32| {
            let (inner, tell, own) = (inner.clone(), tell.clone(), next(&itself.lock().unwrap()));
            async move {
                let waits_for_us = inner.start(async move { own.stop_async().await });
                let next = inner.start(async move { item + 1 });
                let mut both = (waits_for_us, next);
                let result = std::future::poll_fn(|cx| {
                    assert!(Pin::new(&mut both.0).poll(cx).is_pending());
                    Pin::new(&mut both.1).poll(cx)
                });
                tell.send(result.await.unwrap()).unwrap();
            }
        });
        let worker = worker.queue().supervisor(&s).lane("io").start().unwrap();
        worker.put(1).unwrap();
        to_itself.send(worker.clone()).unwrap();
        assert_eq!(next(&told), 2);
        worker.stop();
        assert_eq!((worker.info().runs, worker.info().panics), (1, 0));
    });
}

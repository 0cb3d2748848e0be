//! What a thread from outside polls itself: `block_on`.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};

use atasker::{Error, SupervisorState, TaskError};

use crate::support::{Gate, OnDrop, eventually, in_time, next, pool, start, supervisor};

/// What the stop in a drop came to, where it was given to `block_on` and that ended by `end`.
fn stop_in_its_drop(end: impl FnOnce(&atasker::Supervisor), body: impl Future<Output = u32> + Send + 'static) -> bool {
    let s = pool(1);
    let (tell, told) = mpsc::channel();
    let inner = (*s).clone();
    let guard = OnDrop::new(move || tell.send(inner.stop().complete).unwrap());
    let lane = s.lane("io", atasker::LaneConfig::new().threads(1)).unwrap();
    let blocked = std::thread::spawn({
        let lane = lane.clone();
        move || {
            _ = catch_unwind(AssertUnwindSafe(|| {
                lane.block_on(async move {
                    let _guard = guard;
                    body.await
                })
            }));
            // The guest is gone.
            lane.info().active.total()
        }
    });
    end(&s);
    let complete = next(&told);
    assert_eq!(in_time(move || blocked.join().unwrap()), 0);
    s.block();
    complete
}

#[test]
fn a_stop_in_the_drop_of_what_block_on_was_given_only_asks() {
    let nothing = |_: &atasker::Supervisor| ();
    assert!(!stop_in_its_drop(nothing, async { 7 }));
    assert!(!stop_in_its_drop(nothing, async { panic!("on purpose") }));
    let stop_now = |s: &atasker::Supervisor| {
        let lane = s.find_lane("io").unwrap();
        eventually("it is in flight", || lane.info().active.total() == 1);
        s.stop_now();
    };
    assert!(!stop_in_its_drop(stop_now, std::future::pending()));
}

/// What it still owns when it has ended, as a future written by hand may.
#[test]
fn a_future_that_has_ended_is_dropped_before_block_on_returns() {
    struct Ends {
        output: Option<u32>,
        _guard: OnDrop<Box<dyn FnOnce()>>,
    }
    impl Future for Ends {
        type Output = u32;
        fn poll(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<u32> {
            self.output.take().map_or(Poll::Pending, Poll::Ready)
        }
    }
    let s = pool(1);
    let inner = (*s).clone();
    let (tell, told) = mpsc::channel();
    let guard: Box<dyn FnOnce()> = Box::new(move || tell.send(inner.stop().complete).unwrap());
    let lane = s.lane("io", atasker::LaneConfig::new().threads(1)).unwrap();
    assert_eq!(lane.block_on(Ends { output: Some(7), _guard: OnDrop::new(guard) }).unwrap(), 7);
    assert!(!next(&told), "it is dropped as a body");
    s.block();
}

#[test]
fn a_wake_up_survives_a_blocking_verb_inside_the_poll() {
    let (s, other) = (pool(1), supervisor(atasker::Config::new().pool_size(1)));
    let lane = s.lane("io", atasker::LaneConfig::new().threads(1)).unwrap();
    for _ in 0..100 {
        other.start().unwrap();
        let gate = Gate::new();
        let held = start(&other, {
            let gate = gate.clone();
            move || gate.wait()
        });
        let (tell, mut told) = tokio::sync::oneshot::channel::<()>();
        let stopped = (*other).clone();
        let teller = std::thread::spawn({
            let other = (*other).clone();
            move || {
                // Its stop has begun, so the thread waits, or is about to, inside the poll.
                eventually("it is stopping", || other.info().state == SupervisorState::Stopping);
                tell.send(()).unwrap();
                gate.open();
            }
        });
        let lane = lane.clone();
        in_time(move || {
            let mut first = true;
            lane.block_on(std::future::poll_fn(|cx| {
                let polled = Pin::new(&mut told).poll(cx);
                if std::mem::take(&mut first) {
                    assert!(stopped.stop().complete);
                }
                polled
            }))
        })
        .unwrap()
        .unwrap();
        teller.join().unwrap();
        held.wait().unwrap();
    }
}

#[test]
fn a_waker_that_outlives_block_on_does_nothing() {
    let s = pool(1);
    let lane = s.lane("io", atasker::LaneConfig::new().threads(1)).unwrap();
    let mut left: Option<Waker> = None;
    let seen = lane.block_on(std::future::poll_fn(|cx| {
        let again = left.replace(cx.waker().clone()).is_some();
        cx.waker().wake_by_ref();
        if again { Poll::Ready(1) } else { Poll::Pending }
    }));
    assert_eq!(seen.unwrap(), 1);
    left.unwrap().wake();
    assert_eq!(lane.block_on(async { 2 }).unwrap(), 2);
    s.stop_now();
    assert!(matches!(lane.block_on(async { 3 }), Err(Error::Stopped | Error::Task(TaskError::Cancelled))));
}

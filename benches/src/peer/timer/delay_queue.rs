//! `tokio_util::time::DelayQueue`: one task with all deadlines, which runs every body itself.

use std::{
    future::poll_fn,
    time::{Duration, Instant},
};

use tokio::{runtime::Runtime, time};
use tokio_util::time::DelayQueue;

use super::{Timer, next_tick, tokio::flood, tokio::runtime};
use crate::{
    peer::Peer,
    scenario::{self, Scenario},
};

pub(crate) static DELAY_QUEUE: Peer = Peer {
    name: "delay-queue",
    about: "one task on a `tokio_util::time::DelayQueue`, which runs all bodies, a runtime of 2 workers",
    runs: &[
        (Scenario::Interval, scenario::each_millisecond::<Queue>),
        (Scenario::IntervalTen, scenario::each_ten_milliseconds::<Queue>),
        (Scenario::IntervalFlooded, scenario::beside_floods::<Queue>),
        (Scenario::ManyIntervals, scenario::many::<Queue>),
    ],
};

struct Queue(Runtime);

impl Timer for Queue {
    fn open() -> &'static Self {
        Box::leak(Box::new(Self(runtime())))
    }

    fn start<B>(&'static self, every: Duration, bodies: impl Iterator<Item = (Duration, B)>)
    where
        B: FnMut(Instant) + Send + 'static,
    {
        let _entered = self.0.enter();
        let mut queue = DelayQueue::with_capacity(bodies.size_hint().0);
        for (first, body) in bodies {
            queue.insert(body, first);
        }
        self.0.spawn(async move {
            while let Some(expired) = poll_fn(|cx| queue.poll_expired(cx)).await {
                let tick = expired.deadline().into_std();
                let mut body = expired.into_inner();
                body(tick);
                queue.insert_at(body, time::Instant::from_std(next_tick(tick, every)));
            }
        });
    }

    fn flood(&'static self, piece: impl Fn() + Send + Sync + 'static) {
        flood(&self.0, piece);
    }
}

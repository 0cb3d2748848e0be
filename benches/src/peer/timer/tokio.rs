//! Tokio's timer: a task for each body, on `tokio::time::interval`.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::{
    runtime::{Builder, Runtime},
    sync::mpsc,
    task,
    time::{self, MissedTickBehavior},
};

use super::Timer;
use crate::{
    peer::Peer,
    record::Figures,
    scenario::{self, Run, Scenario},
};

pub(crate) static TOKIO_INTERVAL: Peer = Peer {
    name: "tokio-interval",
    about: "a task on `tokio::time::interval` for each body, a runtime of 2 workers; idle: a task on an `mpsc` each",
    runs: &[
        (Scenario::Interval, scenario::each_millisecond::<Tasks>),
        (Scenario::IntervalTen, scenario::each_ten_milliseconds::<Tasks>),
        (Scenario::IntervalFlooded, scenario::beside_floods::<Tasks>),
        (Scenario::ManyIntervals, scenario::many::<Tasks>),
        (Scenario::ManyAsyncIntervals, scenario::many::<Tasks>),
        (Scenario::Idle, idle),
    ],
};

struct Tasks(Runtime);

/// A runtime of two workers with its timer.
pub(super) fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_time().build().expect("a runtime can be had")
}

/// A task of short pieces that lets others on in between.
pub(super) fn flood(runtime: &Runtime, piece: impl Fn() + Send + Sync + 'static) {
    runtime.spawn(async move {
        loop {
            piece();
            task::yield_now().await;
        }
    });
}

impl Timer for Tasks {
    fn open() -> &'static Self {
        Box::leak(Box::new(Self(runtime())))
    }

    fn start<B>(&'static self, every: Duration, bodies: impl Iterator<Item = (Duration, B)>)
    where
        B: FnMut(Instant) + Send + 'static,
    {
        let _entered = self.0.enter();
        for (first, mut body) in bodies {
            let mut ticks = time::interval_at(time::Instant::now() + first, every);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            self.0.spawn(async move {
                loop {
                    body(ticks.tick().await.into_std());
                }
            });
        }
    }

    fn flood(&'static self, piece: impl Fn() + Send + Sync + 'static) {
        flood(&self.0, piece);
    }
}

fn idle(run: &Run) -> Figures {
    let (runtime, senders) = (runtime(), Arc::new(Mutex::new(Vec::new())));
    scenario::idle(run, |workers| {
        for _ in 0..workers {
            let (sender, mut receiver) = mpsc::unbounded_channel::<u64>();
            senders.lock().expect("no thread panics here").push(sender);
            runtime.spawn(async move { while receiver.recv().await.is_some() {} });
        }
    })
}

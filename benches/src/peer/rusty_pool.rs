//! `rusty_pool`: a self-growing pool on a crossbeam channel, with handles.

use std::time::Duration;

use rusty_pool::{JoinHandle, ThreadPool};

use crate::{
    peer::{Peer, Pool, Size, Waits},
    scenario::{self, Scenario},
};

/// Core and maximum size alike, so that it neither grows nor shrinks.
pub(crate) static PEER: Peer = Peer {
    name: "rusty_pool",
    about: "`execute` and `evaluate`, core and maximum size 2",
    runs: &[
        (Scenario::Flood, scenario::detached::<Rusty>),
        (Scenario::FloodDropped, scenario::dropped::<Rusty>),
        (Scenario::FourProducers, scenario::four_producers::<Rusty>),
        (Scenario::Handles, scenario::all_alive::<Rusty>),
        (Scenario::IdleWake, scenario::from_idle::<Rusty>),
        (Scenario::RoundTrip, scenario::one_at_a_time::<Rusty>),
        (Scenario::Idle, scenario::idle_pool::<Rusty>),
        (Scenario::Memory, scenario::queued_detached::<Rusty>),
        (Scenario::MemoryHandle, scenario::queued_with_handle::<Rusty>),
    ],
};

struct Rusty(ThreadPool);

impl Pool for Rusty {
    fn open(size: Size) -> &'static Self {
        let pool = ThreadPool::new(size.all(), size.all(), Duration::from_secs(60));
        pool.start_core_threads();
        Box::leak(Box::new(Self(pool)))
    }

    fn detach<F: FnOnce() + Send + 'static>(&'static self, body: F) {
        self.0.execute(body);
    }

    fn dropped<F: FnOnce() + Send + 'static>(&'static self, body: F) {
        drop(self.0.evaluate(body));
    }
}

impl Waits for Rusty {
    type Task<T: Send + 'static> = JoinHandle<T>;

    fn start<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(&'static self, body: F) -> Self::Task<T> {
        self.0.evaluate(body)
    }

    fn wait<T: Send + 'static>(&'static self, task: Self::Task<T>) -> T {
        task.await_complete()
    }
}

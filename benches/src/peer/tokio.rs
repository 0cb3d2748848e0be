//! `tokio`: blocking closures by `spawn_blocking`, and, for comparison, non-blocking tasks by `spawn`.

use futures_lite::future;
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
};

use crate::{
    peer::{Async, Peer, Pool, Size, Waits},
    scenario::{self, Scenario},
};

/// What a tokio program does with blocking work.
pub(crate) static SPAWN_BLOCKING: Peer = Peer {
    name: "tokio",
    about: "`spawn_blocking`, `max_blocking_threads(2)`",
    runs: &[
        (Scenario::Flood, scenario::detached::<Blocking>),
        (Scenario::FloodDropped, scenario::dropped::<Blocking>),
        (Scenario::FloodCaptureLess, scenario::capture_less::<Blocking>),
        (Scenario::FourProducers, scenario::four_producers::<Blocking>),
        (Scenario::Tree, scenario::from_inside::<Blocking>),
        (Scenario::Handles, scenario::all_alive::<Blocking>),
        (Scenario::IdleWake, scenario::from_idle::<Blocking>),
        (Scenario::RoundTrip, scenario::one_at_a_time::<Blocking>),
        (Scenario::Urgent, scenario::into_busy::<Blocking>),
        (Scenario::UrgentBlocked, scenario::into_blocked::<Blocking>),
        (Scenario::Idle, scenario::idle_pool::<Blocking>),
        (Scenario::Memory, scenario::queued_detached::<Blocking>),
        (Scenario::MemoryHandle, scenario::queued_with_handle::<Blocking>),
    ],
};

/// Bodies as futures that never wait: not for blocking work, but the way most programs have at hand.
pub(crate) static SPAWN: Peer = Peer {
    name: "tokio-spawn",
    about: "`spawn` on a runtime of 2 workers; not for bodies that block",
    runs: &[
        (Scenario::Flood, scenario::detached::<Spawned>),
        (Scenario::FourProducers, scenario::four_producers::<Spawned>),
        (Scenario::Tree, scenario::from_inside::<Spawned>),
        (Scenario::Handles, scenario::all_alive::<Spawned>),
        (Scenario::IdleWake, scenario::from_idle::<Spawned>),
        (Scenario::RoundTrip, scenario::one_at_a_time::<Spawned>),
        (Scenario::AsyncNoop, scenario::one_after_the_other::<Spawned>),
        (Scenario::AsyncNoopAlive, scenario::many_alive::<Spawned>),
    ],
};

struct Blocking(Runtime);

impl Pool for Blocking {
    fn open(size: Size) -> &'static Self {
        let runtime =
            Builder::new_current_thread().max_blocking_threads(size.all()).build().expect("a runtime can be had");
        Box::leak(Box::new(Self(runtime)))
    }

    fn detach<F: FnOnce() + Send + 'static>(&'static self, body: F) {
        drop(self.0.spawn_blocking(body));
    }
}

impl Waits for Blocking {
    type Task<T: Send + 'static> = JoinHandle<T>;

    fn start<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(&'static self, body: F) -> Self::Task<T> {
        self.0.spawn_blocking(body)
    }

    fn wait<T: Send + 'static>(&'static self, task: Self::Task<T>) -> T {
        // Lighter than `Runtime::block_on`, and a join handle does not care who polls it.
        future::block_on(task).expect("the body does not panic")
    }
}

struct Spawned(Runtime);

impl Pool for Spawned {
    fn open(size: Size) -> &'static Self {
        let runtime = Builder::new_multi_thread().worker_threads(size.all()).build().expect("a runtime can be had");
        Box::leak(Box::new(Self(runtime)))
    }

    fn detach<F: FnOnce() + Send + 'static>(&'static self, body: F) {
        drop(self.0.spawn(async move { body() }));
    }
}

impl Waits for Spawned {
    type Task<T: Send + 'static> = JoinHandle<T>;

    fn start<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(&'static self, body: F) -> Self::Task<T> {
        self.0.spawn(async move { body() })
    }

    fn wait<T: Send + 'static>(&'static self, task: Self::Task<T>) -> T {
        future::block_on(task).expect("the body does not panic")
    }
}

impl Async for Spawned {
    fn open(size: Size) -> &'static Self {
        <Self as Pool>::open(size)
    }

    fn start(&'static self, n: u64) -> impl Future<Output = u64> + Send {
        let task = self.0.spawn(async move { n });
        async move { task.await.expect("the body does not panic") }
    }

    fn run<T: Send + 'static>(&'static self, body: impl Future<Output = T> + Send + 'static) -> T {
        future::block_on(self.0.spawn(body)).expect("the body does not panic")
    }
}

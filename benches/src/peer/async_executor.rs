//! `async-executor` with threads that do nothing but run it.

use std::{future::pending, thread};

use async_executor::{StaticExecutor, Task};
use futures_lite::future;

use crate::{
    peer::{Peer, Pool, Size, Waits},
    scenario::{self, Scenario},
};

/// Bodies as futures that never wait.
pub(crate) static PEER: Peer = Peer {
    name: "async-executor",
    about: "a `StaticExecutor` run by 2 threads; not for bodies that block",
    runs: &[
        (Scenario::Flood, scenario::detached::<Executor>),
        (Scenario::FourProducers, scenario::four_producers::<Executor>),
        (Scenario::Tree, scenario::from_inside::<Executor>),
        (Scenario::Handles, scenario::all_alive::<Executor>),
        (Scenario::IdleWake, scenario::from_idle::<Executor>),
        (Scenario::RoundTrip, scenario::one_at_a_time::<Executor>),
    ],
};

struct Executor(StaticExecutor);

impl Pool for Executor {
    fn open(size: Size) -> &'static Self {
        let executor: &Self = Box::leak(Box::new(Self(StaticExecutor::new())));
        for _ in 0..size.all() {
            thread::spawn(|| future::block_on(executor.0.run(pending::<()>())));
        }
        executor
    }

    fn detach<F: FnOnce() + Send + 'static>(&'static self, body: F) {
        self.0.spawn(async move { body() }).detach();
    }
}

impl Waits for Executor {
    type Task<T: Send + 'static> = Task<T>;

    fn start<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(&'static self, body: F) -> Self::Task<T> {
        self.0.spawn(async move { body() })
    }

    fn wait<T: Send + 'static>(&'static self, task: Self::Task<T>) -> T {
        future::block_on(task)
    }
}

//! `blocking`: the pool that smol's programs block on.

use std::env;

use blocking::{Task, unblock};
use futures_lite::future;

use crate::{
    peer::{Peer, Pool, Size, Waits},
    scenario::{self, Scenario},
};

/// One pool in a process, and its size is in the environment.
pub(crate) static PEER: Peer = Peer {
    name: "blocking",
    about: "`blocking::unblock`, `BLOCKING_MAX_THREADS` 2",
    runs: &[
        (Scenario::Flood, scenario::detached::<Unblock>),
        (Scenario::FloodDropped, scenario::dropped::<Unblock>),
        (Scenario::FloodCaptureLess, scenario::capture_less::<Unblock>),
        (Scenario::FourProducers, scenario::four_producers::<Unblock>),
        (Scenario::Tree, scenario::from_inside::<Unblock>),
        (Scenario::Handles, scenario::all_alive::<Unblock>),
        (Scenario::IdleWake, scenario::from_idle::<Unblock>),
        (Scenario::RoundTrip, scenario::one_at_a_time::<Unblock>),
        (Scenario::Urgent, scenario::into_busy::<Unblock>),
        (Scenario::UrgentBlocked, scenario::into_blocked::<Unblock>),
        (Scenario::Idle, scenario::idle_pool::<Unblock>),
        (Scenario::Memory, scenario::queued_detached::<Unblock>),
        (Scenario::MemoryHandle, scenario::queued_with_handle::<Unblock>),
    ],
};

struct Unblock;

impl Pool for Unblock {
    fn open(size: Size) -> &'static Self {
        // SAFETY: the process has this thread and one that sleeps until it ends the process; nobody reads the environment
        // meanwhile, and `blocking` reads it with the first task.
        unsafe { env::set_var("BLOCKING_MAX_THREADS", size.all().to_string()) };
        &Self
    }

    fn detach<F: FnOnce() + Send + 'static>(&'static self, body: F) {
        // Dropped, a task would be cancelled.
        unblock(body).detach();
    }
}

impl Waits for Unblock {
    type Task<T: Send + 'static> = Task<T>;

    fn start<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(&'static self, body: F) -> Self::Task<T> {
        unblock(body)
    }

    fn wait<T: Send + 'static>(&'static self, task: Self::Task<T>) -> T {
        future::block_on(task)
    }
}

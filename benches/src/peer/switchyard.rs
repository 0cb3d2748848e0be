//! `switchyard`: jobs with priorities, as futures, in a heap behind a lock.

use futures_lite::future;
use switchyard::{JoinHandle, Switchyard, threads::ThreadAllocationOutput};

use crate::{
    peer::{Peer, Pool, Size, Waits},
    scenario::{self, Scenario},
};

/// Bodies as futures that never wait.
pub(crate) static PEER: Peer = Peer {
    name: "switchyard",
    about: "bodies as futures that never wait, with priorities",
    runs: &[
        (Scenario::Flood, scenario::detached::<Yard>),
        (Scenario::FourProducers, scenario::four_producers::<Yard>),
        (Scenario::Handles, scenario::all_alive::<Yard>),
        (Scenario::IdleWake, scenario::from_idle::<Yard>),
        (Scenario::RoundTrip, scenario::one_at_a_time::<Yard>),
        (Scenario::Urgent, scenario::into_busy::<Yard>),
        (Scenario::UrgentBlocked, scenario::into_blocked::<Yard>),
        (Scenario::Memory, scenario::queued_detached::<Yard>),
        (Scenario::MemoryHandle, scenario::queued_with_handle::<Yard>),
    ],
};

struct Yard(Switchyard<()>);

/// Higher numbers go first.
const HIGH: u32 = 2;
const NORMAL: u32 = 1;
const LOW: u32 = 0;

impl Pool for Yard {
    fn open(size: Size) -> &'static Self {
        let threads =
            (0..size.all()).map(|ident| ThreadAllocationOutput { name: None, ident, stack_size: None, affinity: None });
        Box::leak(Box::new(Self(Switchyard::new(threads, || ()).expect("threads can be had"))))
    }

    fn detach<F: FnOnce() + Send + 'static>(&'static self, body: F) {
        drop(self.0.spawn(NORMAL, async move { body() }));
    }

    fn low<F: FnOnce() + Send + 'static>(&'static self, body: F) {
        drop(self.0.spawn(LOW, async move { body() }));
    }

    fn high<F: FnOnce() + Send + 'static>(&'static self, body: F) {
        drop(self.0.spawn(HIGH, async move { body() }));
    }
}

impl Waits for Yard {
    type Task<T: Send + 'static> = JoinHandle<T>;

    fn start<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(&'static self, body: F) -> Self::Task<T> {
        self.0.spawn(NORMAL, async move { body() })
    }

    fn wait<T: Send + 'static>(&'static self, task: Self::Task<T>) -> T {
        future::block_on(task)
    }
}

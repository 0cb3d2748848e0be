//! `multipool` in its priority mode: a heap behind a lock, and threads that never sleep.

use multipool::{
    ThreadPoolBuilder,
    pool::{ThreadPool, modes::PriorityGlobalQueueMode},
};

use crate::{
    peer::{Peer, Pool, Size},
    scenario::{self, Scenario},
};

/// The priority pool nearest to ours. Its handle's type has no public name, so it is measured without handles.
pub(crate) static PEER: Peer = Peer {
    name: "multipool",
    about: "priority mode; its idle threads spin",
    runs: &[
        (Scenario::Flood, scenario::detached::<Multi>),
        (Scenario::FourProducers, scenario::four_producers::<Multi>),
        (Scenario::IdleWake, scenario::from_idle::<Multi>),
        (Scenario::Urgent, scenario::into_busy::<Multi>),
        (Scenario::UrgentBlocked, scenario::into_blocked::<Multi>),
        (Scenario::Idle, scenario::idle_pool::<Multi>),
        (Scenario::Memory, scenario::queued_detached::<Multi>),
    ],
};

struct Multi(ThreadPool<PriorityGlobalQueueMode>);

/// Lower numbers go first.
const HIGH: usize = 0;
const NORMAL: usize = 1;
const LOW: usize = 2;

impl Pool for Multi {
    fn open(size: Size) -> &'static Self {
        let pool = ThreadPoolBuilder::new().num_threads(size.all()).enable_priority().build();
        Box::leak(Box::new(Self(pool)))
    }

    fn detach<F: FnOnce() + Send + 'static>(&'static self, body: F) {
        drop(self.0.spawn_with_priority(body, NORMAL));
    }

    fn low<F: FnOnce() + Send + 'static>(&'static self, body: F) {
        drop(self.0.spawn_with_priority(body, LOW));
    }

    fn high<F: FnOnce() + Send + 'static>(&'static self, body: F) {
        drop(self.0.spawn_with_priority(body, HIGH));
    }
}

//! `executors`: its channel pool and its work-stealing pool.

use executors::{
    Executor, crossbeam_channel_pool,
    crossbeam_workstealing_pool::{self, small_pool},
    parker::{SmallThreadData, StaticParker},
};

use crate::{
    peer::{Peer, Pool, Size},
    scenario::{self, Scenario},
};

/// Threads on a channel.
pub(crate) static CHANNEL: Peer = Peer {
    name: "executors-channel",
    about: "`executors::crossbeam_channel_pool`",
    runs: &[
        (Scenario::Flood, scenario::detached::<OnChannel>),
        (Scenario::FloodCaptureLess, scenario::capture_less::<OnChannel>),
        (Scenario::FourProducers, scenario::four_producers::<OnChannel>),
        (Scenario::IdleWake, scenario::from_idle::<OnChannel>),
    ],
};

/// A deque for each thread.
pub(crate) static WORK_STEALING: Peer = Peer {
    name: "executors-stealing",
    about: "`executors::crossbeam_workstealing_pool`",
    runs: &[
        (Scenario::Flood, scenario::detached::<Stealing>),
        (Scenario::FloodCaptureLess, scenario::capture_less::<Stealing>),
        (Scenario::FourProducers, scenario::four_producers::<Stealing>),
        (Scenario::Tree, scenario::from_inside::<Stealing>),
        (Scenario::IdleWake, scenario::from_idle::<Stealing>),
    ],
};

struct OnChannel(crossbeam_channel_pool::ThreadPool);

impl Pool for OnChannel {
    fn open(size: Size) -> &'static Self {
        Box::leak(Box::new(Self(crossbeam_channel_pool::ThreadPool::new(size.all()))))
    }

    fn detach<F: FnOnce() + Send + 'static>(&'static self, body: F) {
        self.0.execute(body);
    }
}

struct Stealing(crossbeam_workstealing_pool::ThreadPool<StaticParker<SmallThreadData>>);

impl Pool for Stealing {
    fn open(size: Size) -> &'static Self {
        Box::leak(Box::new(Self(small_pool(size.all()))))
    }

    fn detach<F: FnOnce() + Send + 'static>(&'static self, body: F) {
        self.0.execute(body);
    }

    fn nested<F: FnOnce() + Send + 'static>(&'static self, body: F) {
        // The crate's short way for a body's own fan-out; it fails only outside a pool thread.
        if crossbeam_workstealing_pool::execute_locally(body).is_err() {
            unreachable!("a body runs on a thread of the pool");
        }
    }
}

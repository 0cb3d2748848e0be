//! `rayon`: work stealing for computing; closures by `spawn`, results by a channel, round trips by `install`.

use std::sync::mpsc;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::{
    peer::{Peer, Pool, Size, Waits},
    scenario::{self, Scenario},
};

/// A pool of its own, two threads.
pub(crate) static PEER: Peer = Peer {
    name: "rayon",
    about: "`rayon::ThreadPool::spawn`; results by a channel each, round trips by `install`",
    runs: &[
        (Scenario::Flood, scenario::detached::<Rayon>),
        (Scenario::FloodDropped, scenario::dropped::<Rayon>),
        (Scenario::FloodCaptureLess, scenario::capture_less::<Rayon>),
        (Scenario::FourProducers, scenario::four_producers::<Rayon>),
        (Scenario::Tree, scenario::from_inside::<Rayon>),
        (Scenario::Handles, scenario::all_alive::<Rayon>),
        (Scenario::IdleWake, scenario::from_idle::<Rayon>),
        (Scenario::RoundTrip, scenario::one_at_a_time::<Rayon>),
        (Scenario::Urgent, scenario::into_busy::<Rayon>),
        (Scenario::UrgentBlocked, scenario::into_blocked::<Rayon>),
        (Scenario::Idle, scenario::idle_pool::<Rayon>),
        (Scenario::Memory, scenario::queued_detached::<Rayon>),
    ],
};

struct Rayon(ThreadPool);

impl Pool for Rayon {
    fn open(size: Size) -> &'static Self {
        let pool = ThreadPoolBuilder::new().num_threads(size.all()).build().expect("threads can be had");
        Box::leak(Box::new(Self(pool)))
    }

    fn detach<F: FnOnce() + Send + 'static>(&'static self, body: F) {
        self.0.spawn(body);
    }
}

impl Waits for Rayon {
    type Task<T: Send + 'static> = mpsc::Receiver<T>;

    fn start<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(&'static self, body: F) -> Self::Task<T> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.detach(move || sender.send(body()).expect("the handle is kept until it has the result"));
        receiver
    }

    fn wait<T: Send + 'static>(&'static self, task: Self::Task<T>) -> T {
        task.recv().expect("the body does not panic")
    }

    fn round_trip<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(&'static self, body: F) -> T {
        self.0.install(body)
    }
}

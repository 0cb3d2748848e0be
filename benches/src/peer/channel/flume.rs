//! `flume`: a channel behind a short lock.

use flume::{Receiver, Sender};

use super::{Channel, Consumer, Shared, Threads};
use crate::{
    peer::Peer,
    scenario::{self, Scenario},
};

/// Two threads on an unbounded channel of boxed closures; a thread on a channel of items.
pub(crate) static FLUME: Peer = Peer {
    name: "flume",
    about: "raw `flume`: 2 threads running boxed closures; a thread on a channel",
    runs: &[
        (Scenario::Flood, scenario::detached::<Threads<Flume>>),
        (Scenario::FourProducers, scenario::four_producers::<Threads<Flume>>),
        (Scenario::IdleWake, scenario::from_idle::<Threads<Flume>>),
        (Scenario::RoundTrip, scenario::one_at_a_time::<Threads<Flume>>),
        (Scenario::Items, scenario::from_one::<Consumer<Flume>>),
        (Scenario::ItemsFour, scenario::from_four::<Consumer<Flume>>),
        (Scenario::BoundedItems, scenario::bounded_from_one::<Consumer<Flume>>),
        (Scenario::BoundedItemsFour, scenario::bounded_from_four::<Consumer<Flume>>),
        (Scenario::PutToRun, scenario::from_sleeper::<Consumer<Flume>>),
        (Scenario::PutToRunBusy, scenario::from_busy::<Consumer<Flume>>),
    ],
};

pub(crate) struct Flume;

impl Channel for Flume {
    type Sender<T: Send + 'static> = Sender<T>;
    type Receiver<T: Send + 'static> = Receiver<T>;

    fn unbounded<T: Send + 'static>() -> (Sender<T>, Receiver<T>) {
        flume::unbounded()
    }

    fn bounded<T: Send + 'static>(bound: usize) -> (Sender<T>, Receiver<T>) {
        flume::bounded(bound)
    }

    fn send<T: Send + 'static>(sender: &Sender<T>, item: T) {
        sender.send(item).expect("the receiver lives as long as the sender");
    }

    fn receive<T: Send + 'static>(receiver: &mut Receiver<T>) -> Option<T> {
        receiver.recv().ok()
    }
}

impl Shared for Flume {
    fn again<T: Send + 'static>(receiver: &Receiver<T>) -> Receiver<T> {
        receiver.clone()
    }
}

//! `crossbeam-channel`: the reference for throughput, because a program without a pool of its own would use it so.

use crossbeam_channel::{Receiver, Sender};

use super::{Channel, Consumer, Shared, Threads};
use crate::{
    peer::Peer,
    scenario::{self, Scenario},
};

/// Two threads on an unbounded channel of boxed closures; a thread on a channel of items.
pub(crate) static CROSSBEAM: Peer = Peer {
    name: "crossbeam",
    about: "raw `crossbeam-channel`: 2 threads running boxed closures; a thread on a channel",
    runs: &[
        (Scenario::Flood, scenario::detached::<Threads<Crossbeam>>),
        (Scenario::FloodDropped, scenario::dropped::<Threads<Crossbeam>>),
        (Scenario::FloodCaptureLess, scenario::capture_less::<Threads<Crossbeam>>),
        (Scenario::FourProducers, scenario::four_producers::<Threads<Crossbeam>>),
        (Scenario::Tree, scenario::from_inside::<Threads<Crossbeam>>),
        (Scenario::Handles, scenario::all_alive::<Threads<Crossbeam>>),
        (Scenario::IdleWake, scenario::from_idle::<Threads<Crossbeam>>),
        (Scenario::RoundTrip, scenario::one_at_a_time::<Threads<Crossbeam>>),
        (Scenario::Urgent, scenario::into_busy::<Threads<Crossbeam>>),
        (Scenario::UrgentBlocked, scenario::into_blocked::<Threads<Crossbeam>>),
        (Scenario::Memory, scenario::queued_detached::<Threads<Crossbeam>>),
        (Scenario::MemoryHandle, scenario::queued_with_handle::<Threads<Crossbeam>>),
        (Scenario::Items, scenario::from_one::<Consumer<Crossbeam>>),
        (Scenario::ItemsFour, scenario::from_four::<Consumer<Crossbeam>>),
        (Scenario::BoundedItems, scenario::bounded_from_one::<Consumer<Crossbeam>>),
        (Scenario::BoundedItemsFour, scenario::bounded_from_four::<Consumer<Crossbeam>>),
        (Scenario::PutToRun, scenario::from_sleeper::<Consumer<Crossbeam>>),
        (Scenario::PutToRunBusy, scenario::from_busy::<Consumer<Crossbeam>>),
    ],
};

pub(crate) struct Crossbeam;

impl Channel for Crossbeam {
    type Sender<T: Send + 'static> = Sender<T>;
    type Receiver<T: Send + 'static> = Receiver<T>;

    fn unbounded<T: Send + 'static>() -> (Sender<T>, Receiver<T>) {
        crossbeam_channel::unbounded()
    }

    fn bounded<T: Send + 'static>(bound: usize) -> (Sender<T>, Receiver<T>) {
        crossbeam_channel::bounded(bound)
    }

    fn send<T: Send + 'static>(sender: &Sender<T>, item: T) {
        sender.send(item).expect("the receiver lives as long as the sender");
    }

    fn receive<T: Send + 'static>(receiver: &mut Receiver<T>) -> Option<T> {
        receiver.recv().ok()
    }
}

impl Shared for Crossbeam {
    fn again<T: Send + 'static>(receiver: &Receiver<T>) -> Receiver<T> {
        receiver.clone()
    }
}

//! `kanal`: a channel that hands items from stack to stack.

use kanal::{Receiver, Sender};

use super::{Channel, Consumer};
use crate::{
    peer::Peer,
    scenario::{self, Scenario},
};

/// A thread on a channel of items.
pub(crate) static KANAL: Peer = Peer {
    name: "kanal",
    about: "a thread on a `kanal` channel",
    runs: &[
        (Scenario::Items, scenario::from_one::<Consumer<Kanal>>),
        (Scenario::ItemsFour, scenario::from_four::<Consumer<Kanal>>),
        (Scenario::BoundedItems, scenario::bounded_from_one::<Consumer<Kanal>>),
        (Scenario::BoundedItemsFour, scenario::bounded_from_four::<Consumer<Kanal>>),
        (Scenario::PutToRun, scenario::from_sleeper::<Consumer<Kanal>>),
        (Scenario::PutToRunBusy, scenario::from_busy::<Consumer<Kanal>>),
    ],
};

pub(crate) struct Kanal;

impl Channel for Kanal {
    type Sender<T: Send + 'static> = Sender<T>;
    type Receiver<T: Send + 'static> = Receiver<T>;

    fn unbounded<T: Send + 'static>() -> (Sender<T>, Receiver<T>) {
        kanal::unbounded()
    }

    fn bounded<T: Send + 'static>(bound: usize) -> (Sender<T>, Receiver<T>) {
        kanal::bounded(bound)
    }

    fn send<T: Send + 'static>(sender: &Sender<T>, item: T) {
        sender.send(item).expect("the receiver lives as long as the sender");
    }

    fn receive<T: Send + 'static>(receiver: &mut Receiver<T>) -> Option<T> {
        receiver.recv().ok()
    }
}

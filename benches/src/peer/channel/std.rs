//! `std::sync::mpsc`: what is there without a dependency.

use ::std::sync::mpsc::{self, Receiver, Sender, SyncSender};

use super::{Channel, Consumer, Either};
use crate::{
    peer::{Mailbox, Peer},
    record::Figures,
    scenario::{self, Run, Scenario},
};

/// A thread on a channel of items.
pub(crate) static STD: Peer = Peer {
    name: "std-mpsc",
    about: "a thread on `std::sync::mpsc`, `channel` or `sync_channel`; idle: 100 of them",
    runs: &[
        (Scenario::Idle, idle),
        (Scenario::Items, scenario::from_one::<Consumer<Std>>),
        (Scenario::ItemsFour, scenario::from_four::<Consumer<Std>>),
        (Scenario::BoundedItems, scenario::bounded_from_one::<Consumer<Std>>),
        (Scenario::BoundedItemsFour, scenario::bounded_from_four::<Consumer<Std>>),
        (Scenario::PutToRun, scenario::from_sleeper::<Consumer<Std>>),
        (Scenario::PutToRunBusy, scenario::from_busy::<Consumer<Std>>),
    ],
};

pub(crate) struct Std;

impl Channel for Std {
    type Sender<T: Send + 'static> = Either<Sender<T>, SyncSender<T>>;
    type Receiver<T: Send + 'static> = Receiver<T>;

    fn unbounded<T: Send + 'static>() -> (Self::Sender<T>, Receiver<T>) {
        let (sender, receiver) = mpsc::channel();
        (Either::Unbounded(sender), receiver)
    }

    fn bounded<T: Send + 'static>(bound: usize) -> (Self::Sender<T>, Receiver<T>) {
        let (sender, receiver) = mpsc::sync_channel(bound);
        (Either::Bounded(sender), receiver)
    }

    fn send<T: Send + 'static>(sender: &Self::Sender<T>, item: T) {
        let sent = match sender {
            Either::Unbounded(sender) => sender.send(item),
            Either::Bounded(sender) => sender.send(item),
        };
        sent.expect("the receiver lives as long as the sender");
    }

    fn receive<T: Send + 'static>(receiver: &mut Receiver<T>) -> Option<T> {
        receiver.recv().ok()
    }
}

fn idle(run: &Run) -> Figures {
    let mut consumers = Vec::new();
    scenario::idle(run, |workers| consumers.extend((0..workers).map(|_| Consumer::<Std>::open(None, |_| ()))))
}

//! `tokio::sync::mpsc` between threads, by its blocking calls.

use tokio::sync::mpsc::{self, Receiver, Sender, UnboundedReceiver, UnboundedSender};

use super::{Channel, Consumer, Either};
use crate::{
    peer::Peer,
    scenario::{self, Scenario},
};

/// A thread on a channel of items.
pub(crate) static TOKIO_MPSC: Peer = Peer {
    name: "tokio-mpsc",
    about: "a thread on a `tokio::sync::mpsc`, blocking calls",
    runs: &[
        (Scenario::Items, scenario::from_one::<Consumer<TokioMpsc>>),
        (Scenario::ItemsFour, scenario::from_four::<Consumer<TokioMpsc>>),
        (Scenario::BoundedItems, scenario::bounded_from_one::<Consumer<TokioMpsc>>),
        (Scenario::BoundedItemsFour, scenario::bounded_from_four::<Consumer<TokioMpsc>>),
        (Scenario::PutToRun, scenario::from_sleeper::<Consumer<TokioMpsc>>),
        (Scenario::PutToRunBusy, scenario::from_busy::<Consumer<TokioMpsc>>),
    ],
};

pub(crate) struct TokioMpsc;

impl Channel for TokioMpsc {
    type Sender<T: Send + 'static> = Either<UnboundedSender<T>, Sender<T>>;
    type Receiver<T: Send + 'static> = Either<UnboundedReceiver<T>, Receiver<T>>;

    fn unbounded<T: Send + 'static>() -> (Self::Sender<T>, Self::Receiver<T>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Either::Unbounded(sender), Either::Unbounded(receiver))
    }

    fn bounded<T: Send + 'static>(bound: usize) -> (Self::Sender<T>, Self::Receiver<T>) {
        let (sender, receiver) = mpsc::channel(bound);
        (Either::Bounded(sender), Either::Bounded(receiver))
    }

    fn send<T: Send + 'static>(sender: &Self::Sender<T>, item: T) {
        let sent = match sender {
            Either::Unbounded(sender) => sender.send(item),
            Either::Bounded(sender) => sender.blocking_send(item),
        };
        sent.expect("the receiver lives as long as the sender");
    }

    fn receive<T: Send + 'static>(receiver: &mut Self::Receiver<T>) -> Option<T> {
        match receiver {
            Either::Unbounded(receiver) => receiver.blocking_recv(),
            Either::Bounded(receiver) => receiver.blocking_recv(),
        }
    }
}

//! Channels: a pool by hand (threads that run the boxed closures they receive) and a consumer by hand.

mod crossbeam;
mod flume;
mod kanal;
mod std;
mod tokio_mpsc;

use ::std::{marker::PhantomData, sync::mpsc, thread};

use crate::peer::{Mailbox, Pool, Size, Waits};

pub(crate) use self::{crossbeam::CROSSBEAM, flume::FLUME, kanal::KANAL, std::STD, tokio_mpsc::TOKIO_MPSC};

/// A channel of any element type.
pub(crate) trait Channel: Sized + Send + Sync + 'static {
    type Sender<T: Send + 'static>: Clone + Send + Sync + 'static;
    type Receiver<T: Send + 'static>: Send + 'static;

    fn unbounded<T: Send + 'static>() -> (Self::Sender<T>, Self::Receiver<T>);

    fn bounded<T: Send + 'static>(bound: usize) -> (Self::Sender<T>, Self::Receiver<T>);

    fn send<T: Send + 'static>(sender: &Self::Sender<T>, item: T);

    /// `None`: every sender is gone.
    fn receive<T: Send + 'static>(receiver: &mut Self::Receiver<T>) -> Option<T>;
}

/// A channel with more than one receiver.
pub(crate) trait Shared: Channel {
    fn again<T: Send + 'static>(receiver: &Self::Receiver<T>) -> Self::Receiver<T>;
}

/// One end of a channel, where the two kinds have different types.
#[derive(Clone)]
pub(crate) enum Either<U, B> {
    Unbounded(U),
    Bounded(B),
}

type Body = Box<dyn FnOnce() + Send>;

/// Threads at the end of an unbounded channel of boxed closures.
pub(crate) struct Threads<C: Channel> {
    sender: C::Sender<Body>,
}

impl<C: Shared> Pool for Threads<C> {
    fn open(size: Size) -> &'static Self {
        let (sender, receiver) = C::unbounded::<Body>();
        for _ in 0..size.all() {
            let mut receiver = C::again(&receiver);
            thread::spawn(move || {
                while let Some(body) = C::receive(&mut receiver) {
                    body();
                }
            });
        }
        Box::leak(Box::new(Self { sender }))
    }

    fn detach<F: FnOnce() + Send + 'static>(&'static self, body: F) {
        C::send(&self.sender, Box::new(body));
    }
}

impl<C: Shared> Waits for Threads<C> {
    type Task<T: Send + 'static> = mpsc::Receiver<T>;

    fn start<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(&'static self, body: F) -> Self::Task<T> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.detach(move || sender.send(body()).expect("the handle is kept until it has the result"));
        receiver
    }

    fn wait<T: Send + 'static>(&'static self, task: Self::Task<T>) -> T {
        task.recv().expect("the body does not panic")
    }
}

/// A thread at the end of a channel.
pub(crate) struct Consumer<C: Channel> {
    sender: C::Sender<u64>,
    channel: PhantomData<C>,
}

impl<C: Channel> Mailbox for Consumer<C> {
    fn open(bound: Option<usize>, mut body: impl FnMut(u64) + Send + 'static) -> Self {
        let (sender, mut receiver) = bound.map_or_else(C::unbounded, C::bounded);
        thread::spawn(move || {
            while let Some(item) = C::receive(&mut receiver) {
                body(item);
            }
        });
        Self { sender, channel: PhantomData }
    }

    fn put(&self, item: u64) {
        C::send(&self.sender, item);
    }
}

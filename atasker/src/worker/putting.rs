//! A put as a future, which waits for room in a full queue.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::handle::{Handle, QueueWorker};
use crate::error::PutError;
use crate::pool::Pending;
use crate::wait::Ticket;

/// A put that has found the queue full. Dropped, it waits no more.
pub(super) struct Putting<'a, T: Send + 'static> {
    worker: &'a QueueWorker<T>,
    /// `None` once it was put or given back.
    item: Option<T>,
    /// It is among those who wait for room.
    waits: bool,
    ticket: Option<Ticket>,
    /// What it has told of who waits for the worker.
    pending: Pending,
}

// An item is moved in and out, and never pinned.
impl<T: Send + 'static> Unpin for Putting<'_, T> {}

impl<'a, T: Send + 'static> Putting<'a, T> {
    pub(super) fn new(worker: &'a QueueWorker<T>, item: T) -> Self {
        Self { worker, item: Some(item), waits: false, ticket: None, pending: Pending::default() }
    }
}

impl<T: Send + 'static> Future for Putting<'_, T> {
    type Output = Result<(), PutError<T>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let (core, mailbox) = (this.worker.core(), this.worker.mailbox());
        let item = this.item.take().expect("it is polled until it is ready");
        if core.is_own_body() {
            return Poll::Ready(Err(PutError::Full(item)));
        }
        if !this.waits {
            mailbox.begin_wait();
            this.waits = true;
        }
        // The race this closes: room that comes after the look wakes whoever is in the list by then.
        mailbox.room.register(&mut this.ticket, cx.waker());
        match this.worker.try_put(item) {
            Err(PutError::Full(back)) => this.item = Some(back),
            done => return Poll::Ready(done),
        }
        this.pending.tell(cx.waker(), || core.awaited());
        Poll::Pending
    }
}

impl<T: Send + 'static> Drop for Putting<'_, T> {
    fn drop(&mut self) {
        let mailbox = self.worker.mailbox();
        mailbox.room.leave(&mut self.ticket);
        if !self.waits {
            return;
        }
        mailbox.end_wait();
        // It may have been woken for room that it no longer wants: passed on (`a_dropped_put_passes_its_room_on`).
        if mailbox.has_room() {
            mailbox.room.wake_one();
        }
    }
}

//! A future that ends when a stop is asked for.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::core::Core;
use crate::wait::Ticket;

pub(super) struct StopRequested<'a> {
    core: &'a Core,
    /// The run whose stop ends it.
    run: Option<u64>,
    /// Where its waker is in the list.
    ticket: Option<Ticket>,
}

impl<'a> StopRequested<'a> {
    pub(super) fn new(core: &'a Core) -> Self {
        Self { core, run: None, ticket: None }
    }
}

impl Future for StopRequested<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        // In the list before the look: a stop that comes in between wakes whoever is in it.
        this.core.asked.register(&mut this.ticket, cx.waker());
        if this.core.is_stop_requested(&mut this.run) { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for StopRequested<'_> {
    /// One that is made anew again and again, as the branch of a `select!` in a loop is, leaves nothing behind.
    fn drop(&mut self) {
        self.core.asked.leave(&mut self.ticket);
    }
}

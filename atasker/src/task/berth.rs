//! Where the body of an async task lies from its making to its end, and is polled; then its result, until somebody takes it.
//!
//! The third room with `unsafe`: a future may not be moved once it was polled, so it must be polled in the cell or be moved
//! out of it first. Moved, it was held twice, behind a lock, and a task that does nothing took a fourth longer.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::state::{Finished, State, TaskStatus};
use crate::error::TaskError;
use crate::panics::{Panic, contain, drop_contained};
use crate::sync::UnsafeCell;

/// A future until it has ended, then its result.
pub(super) struct Berth<F, T> {
    state: State,
    /// Invariant: belongs to one at a time. While nobody has claimed or ended the task, to nobody. While it runs, to the one
    /// who has entered; only that one ends it. Once it has ended, to the one who sets the mark `TAKEN`.
    content: UnsafeCell<Content<F, T>>,
}

enum Content<F, T> {
    /// Never moved: dropped where it is, or taken before its first poll.
    Body(F),
    Output(Result<T, Panic>),
    Empty,
}

// SAFETY: what is in it is handed from thread to thread, never shared.
#[allow(unsafe_code)]
unsafe impl<F: Send, T: Send> Sync for Berth<F, T> {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl<F: Send, T: Send> Send for Berth<F, T> {}

impl<F, T> Berth<F, T> {
    #[inline(always)]
    pub(super) fn new(number: u64, status: TaskStatus, body: F) -> Self {
        let state = State::spent();
        state.begin(number, status);
        Self { state, content: UnsafeCell::new(Content::Body(body)) }
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// Takes the body of a task that has ended without a run; once.
    pub(super) fn take_unrun(&self) -> Option<F> {
        match self.state.status() {
            // Of one that was cancelled while it ran nothing is left, says the mark.
            TaskStatus::Cancelled | TaskStatus::Rejected if self.state.take() => match self.take_content() {
                Content::Body(body) => Some(body),
                Content::Output(_) | Content::Empty => None,
            },
            _ => None,
        }
    }

    /// Takes the result of a task that has ended, if nobody has; where it has not run, there is none to take.
    pub(super) fn result(&self) -> Option<Result<T, TaskError>> {
        match self.state.status() {
            TaskStatus::Completed | TaskStatus::Panicked if self.state.take() => match self.take_content() {
                Content::Output(output) => Some(output.map_err(TaskError::Panicked)),
                Content::Body(_) | Content::Empty => None,
            },
            TaskStatus::Cancelled => Some(Err(TaskError::Cancelled)),
            TaskStatus::Rejected => Some(Err(TaskError::Rejected)),
            TaskStatus::Completed
            | TaskStatus::Panicked
            | TaskStatus::Delayed
            | TaskStatus::Queued
            | TaskStatus::Running => None,
        }
    }

    /// Drops the result of a task that has ended, where nobody has taken it, and nobody will. Gives a panic that nobody has
    /// collected.
    pub(super) fn drop_result(&self) -> Option<Panic> {
        match self.state.status() {
            TaskStatus::Completed | TaskStatus::Panicked if self.state.take() => match self.take_content() {
                Content::Output(Ok(value)) => {
                    drop_contained(value);
                    None
                }
                Content::Output(Err(panic)) => Some(panic),
                Content::Body(_) | Content::Empty => None,
            },
            // The body of one that did not run is dropped by whoever ended it.
            _ => None,
        }
    }

    /// The last owner lets go: drops what is left. Gives a panic that nobody has collected.
    pub(super) fn abandon(&mut self) -> Option<Panic> {
        // Where the mark is set, whoever set it was the last one here, and has left nothing.
        if self.state.left().is_none() || !self.state.take() {
            return None;
        }
        // SAFETY: nobody else has it, and what others did here is seen, by the change of the word.
        #[allow(unsafe_code)]
        self.content.with_mut(|content| unsafe {
            if let Content::Output(Err(_)) = &*content
                && let Content::Output(Err(panic)) = std::mem::replace(&mut *content, Content::Empty)
            {
                return Some(panic);
            }
            settle(content, Content::Empty);
            None
        })
    }

    /// For one who has set the mark on a task that has ended.
    fn take_content(&self) -> Content<F, T> {
        // SAFETY: that one has it, by the invariant. What is moved out of it was never polled (the body of a task that did
        // not run), or is no future.
        #[allow(unsafe_code)]
        self.content.with_mut(|content| unsafe { std::mem::replace(&mut *content, Content::Empty) })
    }
}

/// Drops what is in it where it lies, and puts something else there.
///
/// # Safety
///
/// The content is the caller's.
#[allow(unsafe_code)]
unsafe fn settle<F, T>(content: *mut Content<F, T>, settled: Content<F, T>) {
    // SAFETY: the caller's promise. Where the drop panics, what is left of it is written over all the same.
    unsafe {
        if std::mem::needs_drop::<Content<F, T>>()
            && let Err(panic) = contain(|| std::ptr::drop_in_place(content))
        {
            panic.leak();
        }
        content.write(settled);
    }
}

/// The right to the content of a task that runs.
pub(super) struct Helm<'a, F, T>(&'a Berth<F, T>);

impl<F, T> Berth<F, T> {
    /// Takes the right to the body of a task that runs. `None`: it does not run, or somebody else has it.
    pub(super) fn helm(&self) -> Option<Helm<'_, F, T>> {
        self.state.enter().then_some(Helm(self))
    }
}

impl<F, T> Helm<'_, F, T> {
    /// Polls the body where it lies. Ended or panicked, it has been dropped, and its result lies in its place.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()>
    where
        F: Future<Output = T>,
    {
        // SAFETY: this one has it, by the invariant.
        #[allow(unsafe_code)]
        self.0.content.with_mut(|content| unsafe {
            let Content::Body(body) = &mut *content else { return Poll::Ready(()) };
            // SAFETY: it stays in this allocation, and is dropped there (`settle`, or the cell's end): a body is moved out
            // only by `take_content`, of a task that did not run.
            let body = Pin::new_unchecked(body);
            let output = match contain(|| body.poll(cx)) {
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(output)) => Ok(output),
                Err(panic) => Err(panic),
            };
            settle(content, Content::Output(output));
            Poll::Ready(())
        })
    }

    /// Drops the body where it lies.
    pub(super) fn recall(&mut self) {
        // SAFETY: this one has it, by the invariant.
        #[allow(unsafe_code)]
        self.0.content.with_mut(|content| unsafe { settle(content, Content::Empty) });
    }

    /// What the task will have come to.
    pub(super) fn end(&self) -> TaskStatus {
        // SAFETY: this one has it, by the invariant.
        #[allow(unsafe_code)]
        self.0.content.with(|content| match unsafe { &*content } {
            Content::Output(Ok(_)) => TaskStatus::Completed,
            Content::Output(Err(_)) => TaskStatus::Panicked,
            Content::Body(_) | Content::Empty => TaskStatus::Cancelled,
        })
    }

    /// Hands the result over.
    pub(super) fn finish(self) -> Finished {
        let finished = self.0.state.finish_and_leave(self.end());
        std::mem::forget(self);
        finished
    }
}

impl<F, T> Drop for Helm<'_, F, T> {
    fn drop(&mut self) {
        self.0.state.leave();
    }
}

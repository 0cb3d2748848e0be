//! How a body comes to whoever runs it, and its result to whoever waits: one place for both, and a word that says whose
//! it is.
//!
//! The second room with `unsafe`. With the place behind a lock, a task with a handle took six more read-modify-writes:
//! 104 ns instead of 88, with 100,000 handles alive.

use super::state::{State, TaskStatus};
use crate::error::TaskError;
use crate::sync::UnsafeCell;

/// The body until somebody takes it, then the result until somebody takes that.
pub(super) struct Handover<F, T> {
    state: State,
    /// Invariant: belongs to one at a time. It holds the body while nobody has claimed or ended the task; who claims it
    /// owns this until it has finished the task; who sets the mark `TAKEN` at the end owns what is left.
    content: UnsafeCell<Content<F, T>>,
}

// SAFETY: what is in it is handed from thread to thread, never shared.
#[allow(unsafe_code)]
unsafe impl<F: Send, T: Send> Sync for Handover<F, T> {}

enum Content<F, T> {
    Body(F),
    Output(Output<T>),
    Empty,
}

pub(super) type Output<T> = Result<T, TaskError>;

/// The right, and the duty, to finish a task whose body one has taken.
pub(super) struct Claim<'a, F, T>(&'a Handover<F, T>);

/// What there is to do after a task was finished.
pub(super) struct Finished<T> {
    /// The result that nobody will collect.
    pub(super) unwanted: Option<Output<T>>,
    /// Somebody waits.
    pub(super) is_awaited: bool,
}

impl<F, T> Handover<F, T> {
    pub(super) fn new(status: TaskStatus, body: F) -> Self {
        Self { state: State::new(status), content: UnsafeCell::new(Content::Body(body)) }
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// Takes the body, to run it. `None`: somebody else has claimed or ended the task, or it is not due.
    pub(super) fn claim(&self) -> Option<(F, Claim<'_, F, T>)> {
        if !self.state.claim() {
            return None;
        }
        // SAFETY: there is one claim in a task's life, and from it to the finish the content is the claimer's.
        #[allow(unsafe_code)]
        let content = unsafe { self.replace(Content::Empty) };
        let Content::Body(body) = content else { unreachable!("it holds the body until it is claimed") };
        Some((body, Claim(self)))
    }

    /// Takes the body of a task that has ended without a run; once.
    pub(super) fn take_body(&self) -> Option<F> {
        if !matches!(self.state.status(), TaskStatus::Cancelled | TaskStatus::Rejected) {
            return None;
        }
        match self.take()? {
            Content::Body(body) => Some(body),
            _ => None,
        }
    }

    /// Takes the result of a task that has run; once.
    pub(super) fn take_output(&self) -> Option<Output<T>> {
        if !matches!(self.state.status(), TaskStatus::Completed | TaskStatus::Panicked) {
            return None;
        }
        match self.take()? {
            Content::Output(output) => Some(output),
            _ => None,
        }
    }

    /// Takes what a task has left at its end; once.
    fn take(&self) -> Option<Content<F, T>> {
        if !self.state.take() {
            return None;
        }
        // SAFETY: the task has ended, so no claimer is at it, and this thread alone has set the mark.
        #[allow(unsafe_code)]
        Some(unsafe { self.replace(Content::Empty) })
    }

    /// # Safety
    ///
    /// The content belongs to the caller.
    #[allow(unsafe_code)]
    unsafe fn replace(&self, content: Content<F, T>) -> Content<F, T> {
        // SAFETY: the caller's promise.
        self.content.with_mut(|place| unsafe { std::ptr::replace(place, content) })
    }
}

impl<F, T> Claim<'_, F, T> {
    /// Hands the result over.
    pub(super) fn finish(self, output: Output<T>) -> Finished<T> {
        let Self(handover) = self;
        let end = if output.is_err() { TaskStatus::Panicked } else { TaskStatus::Completed };
        // SAFETY: the content is the claimer's until the next line, and there is one claim. Nothing is lost: it is empty.
        #[allow(unsafe_code)]
        handover.content.with_mut(|place| unsafe { place.write(Content::Output(output)) });
        let (is_detached, is_awaited) = handover.state.finish(end);
        let unwanted = if is_detached { handover.take_output() } else { None };
        Finished { unwanted, is_awaited }
    }
}

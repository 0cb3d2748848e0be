//! Who holds the handles of the files on their way, so that an interrupt can cancel them.

use std::collections::VecDeque;
use std::error::Error;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use atasker::{CancelOutcome, Task, TaskError};

use crate::work::Skipped;

/// The tasks that were handed in and not yet collected, oldest first.
#[derive(Default)]
pub(crate) struct Intake {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tasks: VecDeque<Task<Result<(), Skipped>>>,
    closed: bool,
    /// Why it was closed, unless by the user.
    failure: Option<io::Error>,
}

impl Intake {
    /// Keeps the handle. `false`: closed, and the task is cancelled.
    pub(crate) fn push(&self, task: Task<Result<(), Skipped>>) -> bool {
        let mut state = self.state();
        if state.closed {
            task.cancel();
        } else {
            state.tasks.push_back(task);
        }
        !state.closed
    }

    /// Waits for the oldest task and passes on why it was skipped. `false`: there is none.
    pub(crate) fn collect_one(&self, skip: &mut dyn FnMut(&dyn Error)) -> bool {
        let Some(task) = self.state().tasks.pop_front() else { return false };
        match task.wait() {
            Ok(Ok(())) | Err(TaskError::Cancelled) => {}
            Ok(Err(skipped)) => skip(&skipped),
            Err(error) => skip(&error),
        }
        true
    }

    /// Takes nothing more in and cancels what has not started. `false`: it was closed before.
    pub(crate) fn close(&self, failure: Option<io::Error>) -> bool {
        let mut state = self.state();
        let first = !std::mem::replace(&mut state.closed, true);
        if first {
            state.failure = failure;
        }
        // Those that run see it and end soon: they stay, to be waited for.
        state.tasks.retain(|task| task.cancel() == CancelOutcome::Requested);
        first
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state().closed
    }

    pub(crate) fn len(&self) -> usize {
        self.state().tasks.len()
    }

    /// Why it was closed, unless by the user. Told once.
    pub(crate) fn failure(&self) -> Option<io::Error> {
        self.state().failure.take()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

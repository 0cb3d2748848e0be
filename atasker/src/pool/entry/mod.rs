//! How work travels: what stands in a queue, and the rings in which threads keep what they have taken ahead.
//!
//! The room of the pool that has `unsafe`: a place for a value without its type, and slots that two threads hand to
//! each other.

mod inline;
mod place;
mod ring;

use std::sync::Arc;

pub(super) use inline::AtomicName;
pub use inline::Named;
pub(crate) use inline::{Closure, OwnName, StaticName};
pub(crate) use place::Place;
pub(super) use ring::{Owner, Thief, ring};

use super::job::Job;

/// One thing in a queue: 32 bytes, nothing of it on the heap for most detached tasks.
pub(crate) enum Entry {
    /// A task with a handle, a worker's run, housekeeping: somebody else may end it while it stands here.
    Job(Arc<dyn Job>),
    /// A task that nobody has a handle of.
    Closure(Closure),
}

const _: () = assert!(size_of::<Entry>() == 32, "a queue's slot has grown");

impl Entry {
    /// Whether it is still to be run.
    pub(super) fn is_live(&self) -> bool {
        match self {
            Self::Job(job) => job.is_live(),
            Self::Closure(_) => true,
        }
    }

    pub(super) fn is_task(&self) -> bool {
        match self {
            Self::Job(job) => job.is_task(),
            Self::Closure(_) => true,
        }
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Self::Job(job) => job.name(),
            Self::Closure(closure) => closure.name().get(),
        }
    }

    /// The job that it is, if it is one.
    pub(super) fn job(&self) -> Option<Arc<dyn Job>> {
        match self {
            Self::Job(job) => Some(Arc::clone(job)),
            Self::Closure(_) => None,
        }
    }

    pub(super) fn is(&self, job: &Arc<dyn Job>) -> bool {
        matches!(self, Self::Job(own) if Arc::ptr_eq(own, job))
    }
}

//! What the handles of a worker that was built by hand keep, so that they can start it again: its body, and how it was built.
//!
//! The body is the worker's while it runs, and comes back at its end, if there is a handle still. It is the handles' and not
//! the worker's own: who looks at a bell under a lock may be a worker's last owner for a moment, and drops nothing of the
//! user's there. A body may keep a handle of its own worker: with the supervisor's last owner goes what is kept here.

use std::fmt;
use std::sync::Arc;

use super::{Core, Setup, SupervisorCore, Terms, Work};
use crate::error::{ConfigError, Error, Result};
use crate::lane::Lane;
use crate::panics::drop_contained;
use crate::pool;
use crate::supervisor::starts_with_supervisor;
use crate::sync::Mutex;

/// How a worker was built, and its body while it does not run.
pub struct Again {
    pub(in crate::worker) supervisor: Arc<SupervisorCore>,
    pub(in crate::worker) terms: Terms,
    pub(in crate::worker) capacity: Option<usize>,
    pub(in crate::worker) autostart: bool,
    pub(in crate::worker) lane: Option<Arc<Lane>>,
    /// Lock rule: with no other; nothing is dropped under it.
    pub(in crate::worker) work: Mutex<Option<Work>>,
}

/// What is left of a life, to be dropped as a body: the body, where nobody keeps it, or its keeper, which may be the last.
pub(super) struct Unkept {
    _work: Option<Work>,
    _again: Option<Arc<Again>>,
}

impl Again {
    /// As what the handles of that worker keep.
    pub(in crate::worker) fn of(self, core: &Core) -> Arc<Self> {
        let again = Arc::new(self);
        core.again.set(Arc::downgrade(&again)).expect("a worker is built once");
        again
    }

    /// Keeps the body of a life that has ended. It comes back where nobody could start it any more.
    ///
    /// The race this closes: the last owner of the supervisor goes just now. It is gone first and takes the body from here
    /// second; a life that ends leaves the body here first and looks for an owner second.
    fn keep(&self, work: Work) -> Option<Work> {
        let replaced = self.work.lock().replace(work);
        if self.supervisor.has_owner() { replaced } else { self.work.lock().take() }
    }

    fn setup(&self, work: Work) -> Setup {
        let Self { supervisor, terms, capacity, autostart, lane, .. } = self;
        Setup {
            supervisor: Arc::clone(supervisor),
            terms: terms.clone(),
            capacity: *capacity,
            autostart: *autostart,
            with_supervisor: starts_with_supervisor(),
            lane: lane.clone(),
            work,
        }
    }
}

impl Drop for Again {
    /// The last handle goes.
    fn drop(&mut self) {
        drop_contained(self.work.get_mut().take());
    }
}

impl fmt::Debug for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Again").field("terms", &self.terms).finish_non_exhaustive()
    }
}

impl Core {
    /// Starts it with what nobody keeps.
    pub(in crate::worker) fn start_once(self: &Arc<Self>, again: Again) -> Result<()> {
        let work = again.work.lock().take().expect("it was made just now");
        self.try_start(again.setup(work)).map_err(|(error, setup)| {
            drop_contained(setup);
            error
        })
    }

    /// Starts it with the body that its handles keep; `None`: they keep none, since an attribute declares it.
    pub(in crate::worker) fn start_again_by(self: &Arc<Self>, again: Option<&Arc<Again>>) -> Result<()> {
        let again = again.ok_or_else(|| ConfigError::start_by_name(&self.name))?;
        // One that starts with its supervisor is kept by that.
        let work = again.work.lock().take().or_else(|| self.take_own_work());
        // It runs, or is stopping; or a life that a stop has given up on has not ended.
        let work = work.ok_or(Error::AlreadyRunning)?;
        self.try_start(again.setup(work)).map_err(|(error, setup)| {
            // To whom it came from.
            let unkept = self.keep(setup.work);
            drop_contained(unkept);
            error
        })
    }

    /// Stops it, if it runs, and starts it so.
    pub(in crate::worker) fn restart_by(self: &Arc<Self>, again: Option<&Arc<Again>>) -> Result<()> {
        self.stop_to_start()?;
        self.start_again_by(again)
    }

    /// Stops it and waits for that, to be started anew.
    pub(in crate::worker) fn stop_to_start(self: &Arc<Self>) -> Result<()> {
        if self.is_own_body() {
            return Err(Error::Deadlock);
        }
        if pool::is_async() {
            // The stop could only be asked for.
            return Err(Error::WouldBlock);
        }
        self.stop();
        Ok(())
    }

    /// A life has ended: whoever starts it again keeps its body. What is left is to be dropped, as a body.
    pub(super) fn keep(&self, work: Work) -> Unkept {
        let work = match self.kept.lock().as_mut().and_then(|kept| kept.own.as_mut()) {
            Some(own) => own.work.replace(work),
            None => Some(work),
        };
        let again = self.again();
        let work = match (work, &again) {
            (Some(work), Some(again)) => again.keep(work),
            (work, _) => work,
        };
        Unkept { _work: work, _again: again }
    }

    /// Its supervisor has no owner any more, and starts nothing again. What was kept for that, to be dropped outside every lock.
    pub(super) fn forget_kept(&self) -> impl Send + use<> {
        let own = self.kept.lock().as_mut().and_then(|kept| kept.own.take());
        let again = self.again();
        let work = again.as_ref().and_then(|again| again.work.lock().take());
        (own.and_then(|own| own.work), work, again)
    }

    fn again(&self) -> Option<Arc<Again>> {
        self.again.get()?.upgrade()
    }

    fn take_own_work(&self) -> Option<Work> {
        self.kept.lock().as_mut().and_then(|kept| kept.own.as_mut()).and_then(|own| own.work.take())
    }
}

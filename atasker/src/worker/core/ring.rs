//! What makes a worker run: conditions are set in the plan or the mailbox first, and then it is rung.

use std::sync::Arc;
use std::time::Duration;

use super::super::bell::Rung;
use super::super::plan::{Leaving, Phase, Want};
use super::{Core, Home, read};
use crate::clock;
use crate::error::{ConfigError, Error, Result};
use crate::lane;
use crate::outside;
use crate::pool::{Entry, Source};
use crate::sync::atomic::Ordering;
use crate::waits;

impl Core {
    /// The mailbox has an item, and nobody who would look.
    pub(in crate::worker) fn item_came(self: &Arc<Self>) {
        // The race this closes: a resume stores first and counts the items second; this put has pushed first and loads
        // second, so one of the two rings.
        if !self.paused.load(Ordering::SeqCst) {
            self.ring();
        }
    }

    /// Sees to it that somebody looks at what is to be done.
    pub(super) fn ring(self: &Arc<Self>) {
        if self.bell.ring() == Rung::Enqueue {
            self.enqueue(Source::Inside);
        }
    }

    /// Puts the worker, whose bell says `Queued`, into its pool's queue.
    pub(super) fn enqueue(self: &Arc<Self>, source: Source) {
        let home = self.own_home();
        let taken = match home.lane() {
            None => home.shared().pool.submit(home.priority, Entry::Job(home.job()), source).is_ok(),
            Some(lane) => {
                let source = match source {
                    Source::InsideMany => lane::Source::InsideMany,
                    Source::Caller | Source::Inside => lane::Source::Inside,
                };
                lane.submit(home.priority, Arc::<Home>::clone(&home), source).is_ok()
            }
        };
        if !taken {
            // The pool or lane was closed by a bounded stop that ran out: nothing will run this worker again.
            let core = Arc::clone(self);
            outside::run(move || core.request_stop(true));
        }
        // The race this closes: who waits for it is counted first and looks at the bell second; the bell was set before this
        // look at the count, so one of the two sees the other (`supervisor::model::a_putter_in_the_only_place_helps`).
        if self.waiters.load(Ordering::SeqCst) > 0 {
            waits::stir(Arc::as_ptr(self).addr());
        }
    }

    pub(in crate::worker) fn trigger(self: &Arc<Self>) -> bool {
        if self.is_forked() {
            return false;
        }
        let paused = {
            let mut plan = self.plan.lock();
            let takes = match plan.leaving {
                Leaving::No => true,
                // What accepted work starts is accepted.
                Leaving::Draining(scope) if plan.kind.is_asked() => self.is_within(scope),
                _ => false,
            };
            if plan.phase != Phase::Running || !takes || plan.is_over() {
                return false;
            }
            plan.triggered = true;
            plan.paused
        };
        if !paused {
            self.ring();
        }
        true
    }

    pub(in crate::worker) fn pause(self: &Arc<Self>) {
        if self.is_forked() {
            return;
        }
        let Some(home) = self.home() else { return };
        let mut plan = self.plan.lock();
        if plan.phase == Phase::Stopped || plan.is_leaving() || plan.paused {
            return;
        }
        self.paused.store(true, Ordering::SeqCst);
        let (timer, until) = plan.pause();
        self.arm(&mut plan, home.shared(), until);
        drop(plan);
        self.take_back(timer);
    }

    pub(in crate::worker) fn resume(self: &Arc<Self>) {
        if self.is_forked() {
            return;
        }
        let Some(home) = self.home() else { return };
        let timer = {
            let mut plan = self.plan.lock();
            if plan.phase == Phase::Stopped || !plan.paused {
                return;
            }
            self.paused.store(false, Ordering::SeqCst);
            let now = read(&home.shared().clock, &plan);
            let (timer, deadline) = plan.resume(now);
            self.arm(&mut plan, home.shared(), deadline);
            timer
        };
        self.take_back(timer);
        self.ring_if_wanted();
    }

    pub(in crate::worker) fn set_interval(self: &Arc<Self>, interval: Duration) -> Result<()> {
        if interval.is_zero() {
            return Err(ConfigError::zero_duration("interval", interval).into());
        }
        if self.is_forked() {
            return Err(Error::Forked);
        }
        let Some(home) = self.home() else { return Err(Error::NotRunning) };
        let timer = {
            let mut plan = self.plan.lock();
            if plan.phase != Phase::Running || plan.is_leaving() {
                return Err(Error::NotRunning);
            }
            let now = read(&home.shared().clock, &plan);
            let (timer, deadline) = plan.set_interval(interval, now)?;
            self.arm(&mut plan, home.shared(), deadline);
            timer
        };
        self.take_back(timer);
        self.ring_if_wanted();
        Ok(())
    }

    pub(super) fn ring_if_wanted(self: &Arc<Self>) {
        if self.want() != Want::Nothing {
            self.ring();
        }
    }

    /// What is to be done.
    ///
    /// The items are counted under the plan's lock: a stop closes the mailbox under it too, so who finds the stop asked
    /// for and no item knows that none will come (`supervisor::model::put_and_stop`).
    pub(super) fn want(&self) -> Want {
        let plan = self.plan.lock();
        plan.want(self.items())
    }

    /// The same for the one who has the worker, and who lets it rest where there is nothing.
    pub(super) fn want_or_rest(&self) -> Want {
        let plan = self.plan.lock();
        plan.want(self.mailbox.as_ref().map_or(0, |mailbox| mailbox.rest()))
    }

    pub(super) fn take_back(&self, timer: Option<clock::Key>) {
        if let (Some(key), Some(home)) = (timer, self.home()) {
            home.shared().clock.remove(key);
        }
    }
}

impl clock::Bell for Core {
    fn ring(self: Arc<Self>, key: clock::Key) {
        let came = self.plan.lock().ring(key, |plan| read(&self.own_home().shared().clock, plan));
        if came && self.bell.ring() == Rung::Enqueue {
            // The clock rings many in a row and tells the supervisor behind the last. Threads that each of them called
            // took the core and the pool's lock from those still to be rung, 600 times a second instead of 200 where a
            // hundred came each millisecond.
            self.enqueue(Source::InsideMany);
        }
        // A worker that has ended meanwhile, and has no handle any more.
        outside::let_go(self);
    }

    /// A stop of the clock is followed by a stop of the worker.
    fn dropped(self: Arc<Self>) -> bool {
        false
    }

    fn drop_body(self: Arc<Self>) {}
}

//! How a worker ends: what has items works them off through the pool, what has none is seized and ends on the spot.

use std::sync::Arc;
use std::task::Waker;

use super::super::bell::Seized;
use super::super::body::Steps;
use super::super::context::WorkerContext;
use super::super::plan::Phase;
use super::{Body, Core, Home, Work};
use crate::log;
use crate::panics::drop_contained;
use crate::pool;
use crate::supervisor::Resident;
use crate::sync::atomic::Ordering;
use crate::time::Deadline;
use crate::wait::WaitList;
use crate::waits::{Awaited, Donor, Served};

impl Core {
    /// The body said `Break`: nothing more is run, so what is queued is discarded.
    pub(super) fn break_off(self: &Arc<Self>) {
        self.begin_stop(true);
    }

    /// Sets the conditions of a stop. `false`: it is stopped.
    pub(super) fn begin_stop(self: &Arc<Self>, discard: bool) -> bool {
        let timer = {
            let mut plan = self.plan.lock();
            if plan.phase == Phase::Stopped {
                return false;
            }
            plan.stopping = Some(discard || plan.stopping.unwrap_or(false));
            plan.paused = false;
            if let Some(mailbox) = &self.mailbox {
                mailbox.shut();
            }
            self.stopping.store(true, Ordering::Relaxed);
            self.paused.store(false, Ordering::SeqCst);
            plan.timer.take()
        };
        self.take_back(timer);
        if let Some(mailbox) = &self.mailbox {
            mailbox.send_away();
        }
        if discard {
            self.discard_items();
        }
        true
    }

    pub(super) fn discard_items(self: &Arc<Self>) {
        let (Some(mailbox), Some(home)) = (&self.mailbox, self.home()) else { return };
        // The items' Drop is user code, and what it calls must not wait for the thread it is called on.
        let discarded = home.enter(|| mailbox.discard());
        if discarded > 0 {
            self.plan.lock().counters.discarded += discarded;
            home.shared().registry.count_discarded(discarded);
            log::discarded(&self.name, discarded);
        }
    }

    /// Asks it to stop; ends it right here, where there is nothing left to run.
    pub(in crate::worker) fn request_stop(self: &Arc<Self>, discard: bool) {
        if self.is_forked() || !self.begin_stop(discard) {
            return;
        }
        if self.items() > 0 {
            // It works them off through the pool, in its place and priority.
            return self.ring();
        }
        // Whoever has it lets it go only after a look that comes after the reminder; where it was let go in between,
        // it can be seized.
        while !self.bell.remind() {
            if let Some(seized) = self.bell.seize() {
                return self.end_seized(seized);
            }
            if self.bell.is_stopped() {
                // It has ended, or it is being started, and the start will look.
                return;
            }
        }
    }

    /// Ends a worker that this thread has seized.
    pub(super) fn end_seized(self: &Arc<Self>, seized: Seized) {
        let home = self.own_home();
        if seized == Seized::Queued {
            match home.lane() {
                None => home.shared().pool.died(home.priority),
                Some(lane) => lane.died(home.priority),
            }
        }
        let has_hooks = self.body.lock().as_ref().is_some_and(|body| body.work.step.has_hooks());
        if !has_hooks {
            return self.finish();
        }
        if let Some(lane) = home.lane() {
            return self.say_farewell(lane, home.priority);
        }
        // `on_stop` is the user's: it runs on a pool thread, at once, so that the one who asks never waits for it.
        let worker = Arc::clone(self);
        home.shared().send("on_stop", move || worker.finish());
    }

    /// The end, by the one who has the worker.
    pub(super) fn finish(self: &Arc<Self>) {
        let home = self.own_home();
        // As a body of its own, wherever it runs: what the hook and the Drop of the state call, a stop of this very
        // worker among it, must not wait for this thread.
        home.enter(|| {
            let Body { mut work, greeted } = self.take_body();
            // An async one has been awaited before (`say_farewell`).
            if greeted && let Steps::Blocking(step) = &mut work.step {
                let now = home.shared().clock.now();
                let cx = WorkerContext::new(Arc::clone(self), Arc::clone(&home), now);
                self.hook("on_stop", || step.on_stop(&cx));
            }
            self.discard_items();
            drop_contained(self.keep(work));
        });
        log::worker_stopped(&self.name);
        {
            // Both under the lock: a start sees either none or both.
            let mut plan = self.plan.lock();
            plan.phase = Phase::Stopped;
            self.bell.close();
        }
        let resident: Arc<dyn Resident> = Arc::<Self>::clone(self);
        home.shared().dismiss(&resident, home.entry);
        self.changed.wake_all();
    }

    /// Keeps the body of a worker that starts again. It comes back where it is not to be kept.
    fn keep(&self, work: Work) -> Option<Work> {
        match self.kept.lock().as_deref_mut() {
            Some(kept) => kept.work.replace(work),
            None => Some(work),
        }
    }

    /// Stops it and waits for that; in its own body it only asks.
    pub(in crate::worker) fn stop(self: &Arc<Self>) {
        if self.is_forked() {
            return;
        }
        let life = self.plan.lock().life;
        self.request_stop(false);
        if self.is_own_body() || pool::is_async() {
            return;
        }
        self.wait_for(Deadline::Never, &self.changed, || self.has_ended(life).then_some(()));
    }

    /// Whether that life of it is over.
    pub(in crate::worker) fn has_ended(&self, life: u64) -> bool {
        if self.is_forked() {
            return true;
        }
        let plan = self.plan.lock();
        plan.life != life || plan.phase == Phase::Stopped
    }

    pub(in crate::worker) fn life(&self) -> u64 {
        self.plan.lock().life
    }

    pub(in crate::worker) fn changed(&self) -> &WaitList {
        &self.changed
    }

    /// What is waited for by who waits for the worker.
    pub(in crate::worker) fn awaited(self: &Arc<Self>) -> Arc<dyn Awaited> {
        // The race this closes: it is counted first, and the bell looked at second, by the walk; who queues the worker sets the
        // bell first and looks at the count second (`enqueue`).
        self.waiters.fetch_add(1, Ordering::SeqCst);
        Arc::new(Waiter(Arc::clone(self)))
    }

    /// Waits until `ready` gives something, which `list` tells of. A pool thread's place is lent to the worker meanwhile, and
    /// to what that waits for.
    pub(in crate::worker) fn wait_for<R>(
        self: &Arc<Self>,
        deadline: Deadline,
        list: &WaitList,
        mut ready: impl FnMut() -> Option<R>,
    ) -> Option<R> {
        let mut ticket = None;
        let ready = |waker: &Waker| {
            list.register(&mut ticket, waker);
            ready()
        };
        let result = pool::wait_for(deadline, true, || self.awaited(), ready);
        list.leave(&mut ticket);
        result
    }
}

/// Somebody who waits for a worker.
struct Waiter(Arc<Core>);

impl Drop for Waiter {
    fn drop(&mut self) {
        self.0.waiters.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Awaited for Waiter {
    fn key(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    /// In the life that it is in now: a worker may be started anew while somebody waits for room in its queue.
    fn serve(self: Arc<Self>, donor: Donor) -> Served {
        let Some(home) = self.0.home().filter(|_| self.0.bell.is_queued()) else { return Served::No };
        match home.lane() {
            None => pool::serve(&home.job(), home.shared().pool.number(), home.priority, donor),
            Some(lane) => lane.host(donor, home.priority, Arc::<Home>::clone(&home)),
        }
    }
}

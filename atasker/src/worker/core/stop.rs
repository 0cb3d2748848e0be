//! How a worker ends: what has items works them off through the pool, what has none is seized and ends on the spot.

use std::sync::Arc;
use std::task::Waker;

use super::super::bell::Seized;
use super::super::body::Steps;
use super::super::context::WorkerContext;
use super::super::plan::{Leaving, Phase, Want};
use super::{Body, Core, Home};
use crate::log;
use crate::owner::Scope;
use crate::panics::drop_contained;
use crate::pool;
use crate::stops::Leftover;
use crate::supervisor::{Core as SupervisorCore, Entry, Resident, WorkerInfo};
use crate::sync::atomic::Ordering;
use crate::time::Deadline;
use crate::wait::WaitList;
use crate::waits::{Awaited, Donor, Places, Served};

impl Core {
    /// The body said `Break`: nothing more is run, so what is queued is discarded.
    pub(super) fn break_off(self: &Arc<Self>) {
        self.leave(None, Leaving::Ending { discard: true });
        self.discard_items();
    }

    /// Goes that far on its way out. `false`: it is stopped, or `entry` is not of this life of it.
    ///
    /// The life is compared under the plan's lock, under which lives begin: what was asked of one never touches the next.
    pub(super) fn leave(&self, entry: Option<Entry>, how: Leaving) -> bool {
        let timer = {
            let mut plan = self.plan.lock();
            if plan.phase == Phase::Stopped || entry.is_some_and(|entry| !self.is_of(entry, plan.phase)) {
                return false;
            }
            plan.leave(how);
            if let Some(mailbox) = &self.mailbox {
                mailbox.narrow(plan.intake());
            }
            self.stopping.store(true, Ordering::Relaxed);
            self.paused.store(false, Ordering::SeqCst);
            plan.timer.take()
        };
        self.take_back(timer);
        if let Some(mailbox) = &self.mailbox {
            mailbox.send_away();
        }
        true
    }

    /// Whether that entry is of the life under way; of one that is starting, the newest.
    fn is_of(&self, entry: Entry, phase: Phase) -> bool {
        let home = self.home();
        match phase {
            Phase::Starting => home.is_none_or(|earlier| entry > earlier.entry),
            Phase::Running | Phase::Stopped => home.is_some_and(|home| home.entry == entry),
        }
    }

    /// Takes out what is queued and counts it as discarded. Gives what drops it.
    fn cast_off(self: &Arc<Self>) -> Option<Leftover> {
        let (mailbox, home) = self.mailbox.as_ref().zip(self.home())?;
        let (discarded, drop) = mailbox.take_all()?;
        self.plan.lock().counters.discarded += discarded;
        home.shared().registry.count_discarded(discarded);
        log::discarded(&self.name, discarded);
        // The items' Drop is user code, and what it calls must not wait for the thread it is called on.
        Some(Box::new(move || home.enter(drop)))
    }

    pub(super) fn discard_items(self: &Arc<Self>) {
        if let Some(drop) = self.cast_off() {
            drop();
        }
    }

    /// Asks it to stop; ends it right here, where there is nothing left to run.
    pub(in crate::worker) fn request_stop(self: &Arc<Self>, discard: bool) {
        if self.is_forked() || !self.leave(None, Leaving::Ending { discard }) {
            return;
        }
        if discard {
            self.discard_items();
        }
        self.end_soon();
    }

    /// Ends it, once what is queued has been run: right here, where nothing is.
    fn end_soon(self: &Arc<Self>) {
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

    /// Its entry in the pool's or the lane's queue is dead.
    fn bury(&self, home: &Home) {
        match home.lane() {
            None => home.shared().pool.died(home.priority),
            Some(lane) => lane.died(home.priority),
        }
    }

    /// Ends a worker that this thread has seized.
    pub(super) fn end_seized(self: &Arc<Self>, seized: Seized) {
        let home = self.own_home();
        if seized == Seized::Queued {
            self.bury(&home);
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
        home.shared().send(self.hook_name(), move || worker.finish());
    }

    /// What a report calls its end.
    fn hook_name(&self) -> String {
        format!("on_stop of {}", self.name)
    }

    /// The end, by the one who has the worker.
    pub(super) fn finish(self: &Arc<Self>) {
        self.finish_counted(|| ());
    }

    /// The same: `count` counts what ends by it, before anybody can know of the end.
    pub(super) fn finish_counted(self: &Arc<Self>, count: impl FnOnce()) {
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
        count();
        self.close_life(&home);
    }

    /// Its life is over, and another may begin: one that has waited for that does.
    fn close_life(self: &Arc<Self>, home: &Home) {
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
        self.start_if_awaited();
    }

    /// A stop drains what it belongs to. With `discard`, what is queued is taken out; gives what drops it.
    fn drain(self: &Arc<Self>, entry: Entry, scope: Scope, discard: bool) -> Option<Leftover> {
        let how = if discard { Leaving::Resting } else { Leaving::Draining(scope) };
        if !self.leave(Some(entry), how) {
            return None;
        }
        let dropped = if discard { self.cast_off() } else { None };
        if self.want() == Want::Nothing && self.bell.is_queued() {
            self.take_out();
        }
        // What a pause has kept; or what a body has put while it was taken out.
        self.ring_if_wanted();
        dropped
    }

    /// Takes it out of the queue, where it waits for nothing: a pool that has no thread would keep it for ever.
    fn take_out(self: &Arc<Self>) {
        let Some(seized) = self.bell.seize() else { return };
        if seized == Seized::Queued {
            self.bury(&self.own_home());
        }
        // Who has rung it meanwhile is answered by the look behind this.
        while !self.bell.settle() {}
    }

    /// Whether it drains, and this thread runs a body of those whose work it still takes in.
    pub(in crate::worker) fn drains_for_this_body(&self) -> bool {
        let leaving = self.plan.lock().leaving;
        matches!(leaving, Leaving::Draining(scope) if self.is_within(scope))
    }

    /// Whether this thread runs a body of what a stop of that scope ends, with this worker.
    pub(super) fn is_within(&self, scope: Scope) -> bool {
        self.home().is_some_and(|home| pool::is_within(home.owner(), scope))
    }

    /// Nobody has it, it is in no queue, and nothing waits for it: nothing will happen to it by itself.
    fn is_at_rest(&self) -> bool {
        // The bell first: who has let it go by the bell has set before whatever is wanted next.
        self.bell.is_idle() && self.want() == Want::Nothing || self.bell.is_stopped() && self.is_stopped()
    }

    fn is_stopped(&self) -> bool {
        self.plan.lock().phase == Phase::Stopped
    }

    /// A bounded stop gives up on that life: nothing more is run. Where nobody has it and it has no `on_stop`, it has ended
    /// by this. Gives its name, where its `on_stop` has not begun; and what is left to do, which is user code.
    fn cut(self: &Arc<Self>, entry: Entry) -> (Option<String>, Vec<Leftover>) {
        if !self.leave(Some(entry), Leaving::Ending { discard: true }) {
            return (None, Vec::new());
        }
        self.plan.lock().given_up = true;
        let mut leftovers: Vec<_> = self.cast_off().into_iter().collect();
        if self.bell.remind() {
            // Whoever has it ends it.
            return (None, leftovers);
        }
        let Some(seized) = self.bell.seize() else { return (None, leftovers) };
        let home = self.own_home();
        if seized == Seized::Queued {
            self.bury(&home);
        }
        let hook = self.body.lock().as_ref().is_some_and(|body| body.greeted && body.work.step.has_hooks());
        let worker = Arc::clone(self);
        if hook {
            // There, and not on a thread of the pool: that may have been opened anew by then. (An async hook has no lane left.)
            leftovers.push(Box::new(move || worker.finish()));
            return (Some(self.hook_name()), leftovers);
        }
        let Body { work, .. } = self.take_body();
        let unkept = self.keep(work);
        self.close_life(&home);
        leftovers.push(Box::new(move || home.enter(|| drop_contained(unkept))));
        (None, leftovers)
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

impl Resident for Core {
    fn id(&self) -> u64 {
        self.id
    }

    fn info(&self) -> WorkerInfo {
        self.info()
    }

    fn drain(self: Arc<Self>, entry: Entry, scope: Scope, discard: bool) -> Option<Leftover> {
        Self::drain(&self, entry, scope, discard)
    }

    fn is_at_rest(&self) -> bool {
        self.is_at_rest()
    }

    fn close(self: Arc<Self>, entry: Entry) {
        if self.leave(Some(entry), Leaving::Ending { discard: false }) {
            self.end_soon();
        }
    }

    fn cut(self: Arc<Self>, entry: Entry) -> (Option<String>, Vec<Leftover>) {
        Self::cut(&self, entry)
    }

    fn start_again(self: Arc<Self>, supervisor: &Arc<SupervisorCore>) {
        Self::start_again(&self, supervisor);
    }

    fn forget_kept(&self) -> Box<dyn Send> {
        Box::new(Self::forget_kept(self))
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

    fn queued_at(&self) -> Option<Arc<dyn Places>> {
        let home = self.0.home().filter(|_| self.0.bell.is_queued())?;
        match home.lane() {
            None => pool::places(home.shared().pool.number()),
            Some(lane) => lane.queued_at(),
        }
    }
}

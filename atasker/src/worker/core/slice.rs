//! What a worker does with one admission: greets once, runs what is wanted, reports errors, and lets itself go.

use std::sync::Arc;

use super::super::context::WorkerContext;
use super::super::outcome::WorkerError;
use super::super::plan::Want;
use super::{Body, Core, Home, Slice, Turn};
use crate::log;
use crate::panics::{contain, drop_contained};
use crate::pool::{Job, Pool, Ran, Refusal, Tally};
use crate::supervisor::Core as SupervisorCore;

impl Core {
    /// What the one who has the worker does: greets once, runs what is wanted, and lets it go.
    pub(super) fn slice(self: &Arc<Self>) {
        let Home { supervisor, priority, .. } = self.own_home();
        let mut body = self.take_body();
        let mut now = supervisor.clock.now();
        let mut cx = WorkerContext::new(Arc::clone(self), supervisor.weak_handle(), now);
        if self.greet(&mut body, &cx) {
            now = supervisor.clock.now();
        }
        let mut turn = Turn::new(self, &supervisor, priority, now);
        loop {
            let cause = {
                let mut plan = self.plan.lock();
                if plan.want(self.items()) != Want::Run {
                    break;
                }
                // A run on an item begins when the item is there.
                (self.mailbox.is_none()).then(|| plan.begin_run(turn.began()))
            };
            if let Some(cause) = cause {
                self.count_run();
                cx.begin_run(cause.due, cause.missed);
            }
            self.step(&mut body, &mut cx, &mut turn);
            if cause.is_some() {
                self.plan_next(&supervisor);
                break;
            }
            if !turn.goes_on() {
                break;
            }
        }
        *self.body.lock() = Some(body);
        self.let_go();
    }

    /// One run, or with a queue as many as the turn lasts, up to the first that does not end well.
    fn step(self: &Arc<Self>, body: &mut Body, cx: &mut WorkerContext, turn: &mut Turn<'_>) {
        let error = match contain(|| body.step.step(cx, turn)) {
            Ok(Ok(flow)) => {
                if flow.is_break() {
                    self.break_off();
                }
                return;
            }
            Ok(Err(message)) => WorkerError::Failed(message),
            Err(panic) => WorkerError::Panicked(panic),
        };
        self.report(body, cx, &error);
        // Its payload is the user's.
        drop_contained(error);
        turn.look_soon();
    }

    /// A planned run has ended: plans the next one.
    fn plan_next(self: &Arc<Self>, supervisor: &SupervisorCore) {
        let stale = {
            let mut plan = self.plan.lock();
            let (stale, deadline) = plan.end_run(supervisor.clock.now());
            if plan.stopping.is_none() {
                self.arm(&mut plan, supervisor, deadline);
            }
            stale
        };
        self.take_back(stale);
    }

    pub(super) fn report(&self, body: &mut Body, cx: &WorkerContext, error: &WorkerError) {
        {
            let counters = &mut self.plan.lock().counters;
            match error {
                WorkerError::Failed(_) => counters.errors += 1,
                WorkerError::Panicked(_) => counters.panics += 1,
            }
        }
        log::worker_error(&self.name, cx.run(), error);
        self.hook("on_error", || body.step.on_error(error, cx));
    }

    /// Runs a hook of the user's. Its panic is counted and told, and nobody is asked about it.
    pub(super) fn hook(&self, name: &str, hook: impl FnOnce()) {
        if let Err(panic) = contain(hook) {
            self.plan.lock().counters.panics += 1;
            log::hook_panicked(&self.name, name, &panic);
        }
    }

    /// Calls `on_start`, where that is still to be done. Whether it did.
    pub(super) fn greet(&self, body: &mut Body, cx: &WorkerContext) -> bool {
        let greeting = {
            let mut plan = self.plan.lock();
            // A stop may have been asked for before the first run: then only if there are items to work off.
            let runs = plan.want(self.items()) == Want::Run;
            std::mem::take(&mut plan.greeting) && runs
        };
        if greeting {
            let Body { step, greeted } = body;
            *greeted = true;
            self.hook("on_start", || step.on_start(cx));
        }
        greeting
    }

    pub(super) fn take_body(&self) -> Body {
        self.body.lock().take().expect("the one who has the worker has its body")
    }

    /// Lets a worker go that this thread has: to rest, to the queue, or to its end.
    pub(super) fn let_go(self: &Arc<Self>) {
        loop {
            match self.want_or_rest() {
                Want::Finish => return self.finish(),
                Want::Run => {
                    self.bell.requeue();
                    return self.enqueue();
                }
                Want::Nothing => {
                    if self.bell.settle() {
                        return;
                    }
                    // Rung since the look above.
                }
            }
        }
    }
}

impl Job for Slice {
    fn name(&self) -> &str {
        &self.name
    }

    fn is_live(&self) -> bool {
        self.core.upgrade().is_some_and(|core| core.bell.is_queued_in(self.life))
    }

    fn run(&self, _tally: &Tally<'_>) -> Ran {
        match self.core.upgrade() {
            Some(core) if core.bell.claim(self.life) => {
                core.slice();
                Ran::Slice
            }
            _ => Ran::Dead,
        }
    }

    fn refuse(self: Arc<Self>, _pool: &Arc<Pool>, _why: Refusal) -> bool {
        if let Some(core) = self.core.upgrade() {
            core.request_stop(true);
        }
        // A stop reports the death of a queued worker's entry, as it does for entries that are still in the queue.
        false
    }

    fn drop_body(self: Arc<Self>, _pool: &Arc<Pool>) {}

    fn is_task(&self) -> bool {
        false
    }

    fn is_asked_to_end(&self) -> bool {
        self.core.upgrade().is_some_and(|core| core.is_stopping())
    }
}

//! What a worker does with one admission: greets once, runs what is wanted, reports errors, and lets itself go.

use std::sync::Arc;

use super::super::context::WorkerContext;
use super::super::outcome::WorkerError;
use super::super::plan::{Cause, Want};
use super::{Body, Core, Home, Turn};
use crate::log;
use crate::panics::{contain, drop_contained};
use crate::pool::{Job, Pool, Ran, Refusal, Source, Tally};
use crate::supervisor::Core as SupervisorCore;

/// What a worker that is to run does next.
enum Next {
    Greet,
    /// A run that its plan knows of.
    Planned(Cause),
    /// Runs on what is in its queue.
    Items,
}

impl Core {
    /// What the one who has the worker does: greets once, runs what is wanted, and lets it go.
    fn slice(self: &Arc<Self>) {
        let home = self.own_home();
        let supervisor = home.shared();
        let mut body = self.take_body();
        let now = supervisor.clock.now();
        let mut cx = WorkerContext::new(Arc::clone(self), Arc::clone(&home), now);
        let mut turn = Turn::new(self, supervisor, home.priority, now);
        // As few looks at the plan as there can be: one before the run, and one after it.
        let planned = loop {
            let next = {
                let mut plan = self.plan.lock();
                match plan.want(self.items()) {
                    Want::Run if std::mem::take(&mut plan.greeting) => Next::Greet,
                    Want::Run if self.mailbox.is_none() => Next::Planned(plan.begin_run(turn.began())),
                    // A run on an item begins when the item is there.
                    Want::Run => Next::Items,
                    Want::Nothing | Want::Finish => break false,
                }
            };
            match next {
                Next::Greet => {
                    self.greet(&mut body, &cx);
                    turn = Turn::new(self, supervisor, home.priority, supervisor.clock.now());
                }
                Next::Planned(cause) => {
                    self.count_run();
                    cx.begin_run(cause.due, cause.missed);
                    self.step(&mut body, &mut cx, &mut turn);
                    break true;
                }
                Next::Items => {
                    self.step(&mut body, &mut cx, &mut turn);
                    if !turn.goes_on() {
                        break false;
                    }
                }
            }
        };
        *self.body.lock() = Some(body);
        let want = if planned { self.plan_next(supervisor) } else { self.want_or_rest() };
        self.let_go_for(want);
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

    /// A planned run has ended: plans the next one, and says what is to be done now.
    fn plan_next(self: &Arc<Self>, supervisor: &SupervisorCore) -> Want {
        let (stale, want) = {
            let mut plan = self.plan.lock();
            let (stale, deadline) = plan.end_run(supervisor.clock.now());
            if plan.stopping.is_none() {
                self.arm(&mut plan, supervisor, deadline);
            }
            (stale, plan.want(self.items()))
        };
        self.take_back(stale);
        want
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

    /// Calls `on_start`. Not where a stop was asked for before the first run and there are no items to work off.
    fn greet(&self, body: &mut Body, cx: &WorkerContext) {
        let Body { step, greeted } = body;
        *greeted = true;
        self.hook("on_start", || step.on_start(cx));
    }

    pub(super) fn take_body(&self) -> Body {
        self.body.lock().take().expect("the one who has the worker has its body")
    }

    /// Lets a worker go that this thread has: to rest, to the queue, or to its end.
    pub(super) fn let_go(self: &Arc<Self>) {
        self.let_go_for(self.want_or_rest());
    }

    /// The same after a look at what is to be done.
    fn let_go_for(self: &Arc<Self>, mut want: Want) {
        loop {
            match want {
                Want::Finish => return self.finish(),
                Want::Run => {
                    self.bell.requeue();
                    return self.enqueue(Source::Inside);
                }
                Want::Nothing => {
                    if self.bell.settle() {
                        return;
                    }
                    // Rung since that look.
                    want = self.want_or_rest();
                }
            }
        }
    }
}

impl Job for Home {
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

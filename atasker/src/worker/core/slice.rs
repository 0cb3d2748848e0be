//! What a worker does with one admission: greets once, runs what is wanted, reports errors, and lets itself go.

use std::sync::Arc;

use super::super::body::{Stepped, Steps};
use super::super::context::WorkerContext;
use super::super::outcome::WorkerError;
use super::super::plan::Want;
use super::{Core, Slice, Turn};
use crate::log;
use crate::panics::{Panic, contain, drop_contained};
use crate::pool::{Job, Pool, Ran, Refusal, Tally};
use crate::supervisor::Core as SupervisorCore;

/// What a slice runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Run {
    /// Once, as planned or triggered.
    Planned,
    /// Items, as long as the turn lasts.
    OnItems,
}

impl Core {
    /// What the one who has the worker does: greets once, runs what is wanted, and lets it go.
    pub(super) fn slice(self: &Arc<Self>) {
        let home = self.own_home();
        let supervisor = &home.supervisor;
        let mut body = self.take_body();
        let Steps::Blocking(step) = &mut body.step else { unreachable!("an async body is in no pool's queue") };
        let mut now = supervisor.clock.now();
        let mut cx = WorkerContext::new(Arc::clone(self), supervisor.weak_handle(), now);
        if self.takes_greeting() {
            body.greeted = true;
            self.hook("on_start", || step.on_start(&cx));
            now = supervisor.clock.now();
        }
        let mut turn = Turn::new(self, &home, now);
        while let Some(run) = self.begin_run(&mut cx, &turn) {
            if let Some(error) = self.outcome(contain(|| step.step(&mut cx, &mut turn))) {
                self.count_error(&cx, &error);
                self.hook("on_error", || step.on_error(&error, &cx));
                // Its payload is the user's.
                drop_contained(error);
                turn.look_soon();
            }
            if !self.goes_on(run, &mut turn, supervisor) {
                break;
            }
        }
        *self.body.lock() = Some(body);
        self.let_go();
    }

    /// Begins the next run, where one is wanted.
    pub(super) fn begin_run(&self, cx: &mut WorkerContext, turn: &Turn<'_>) -> Option<Run> {
        let cause = {
            let mut plan = self.plan.lock();
            if plan.want(self.items()) != Want::Run {
                return None;
            }
            // A run on an item begins when the item is there.
            (self.mailbox.is_none()).then(|| plan.begin_run(turn.began()))
        };
        let Some(cause) = cause else { return Some(Run::OnItems) };
        self.count_run();
        cx.begin_run(cause.due, cause.missed);
        Some(Run::Planned)
    }

    /// What a run, or the last one of several, came to: an error that is to be reported.
    pub(super) fn outcome(self: &Arc<Self>, ended: Result<Stepped, Panic>) -> Option<WorkerError> {
        match ended {
            Ok(Ok(flow)) => {
                if flow.is_break() {
                    self.break_off();
                }
                None
            }
            Ok(Err(message)) => Some(WorkerError::Failed(message)),
            Err(panic) => Some(WorkerError::Panicked(panic)),
        }
    }

    /// A run has ended: plans the next one. Whether the slice goes on.
    pub(super) fn goes_on(self: &Arc<Self>, run: Run, turn: &mut Turn<'_>, supervisor: &SupervisorCore) -> bool {
        match run {
            Run::OnItems => turn.goes_on(),
            Run::Planned => {
                self.plan_next(supervisor);
                false
            }
        }
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

    pub(super) fn count_error(&self, cx: &WorkerContext, error: &WorkerError) {
        {
            let counters = &mut self.plan.lock().counters;
            match error {
                WorkerError::Failed(_) => counters.errors += 1,
                WorkerError::Panicked(_) => counters.panics += 1,
            }
        }
        log::worker_error(&self.name, cx.run(), error);
    }

    /// Runs a hook of the user's.
    pub(super) fn hook(&self, name: &str, hook: impl FnOnce()) {
        if let Err(panic) = contain(hook) {
            self.count_hook_panic(name, &panic);
        }
    }

    /// The panic of a hook is counted and told, and nobody is asked about it.
    pub(super) fn count_hook_panic(&self, name: &str, panic: &Panic) {
        self.plan.lock().counters.panics += 1;
        log::hook_panicked(&self.name, name, panic);
    }

    /// Whether `on_start` is still to be called. It is taken as called by that.
    pub(super) fn takes_greeting(&self) -> bool {
        let mut plan = self.plan.lock();
        // A stop may have been asked for before the first run: then only if there are items to work off.
        let runs = plan.want(self.items()) == Want::Run;
        std::mem::take(&mut plan.greeting) && runs
    }

    pub(super) fn take_body(&self) -> super::Body {
        self.body.lock().take().expect("the one who has the worker has its body")
    }

    /// Lets a worker go that this thread has: to rest, to the queue, or to its end.
    pub(super) fn let_go(self: &Arc<Self>) {
        if !self.goes() {
            self.finish();
        }
    }

    /// The same but for its end: `false`, it is to be ended by the one who has it.
    pub(super) fn goes(self: &Arc<Self>) -> bool {
        loop {
            match self.want_or_rest() {
                Want::Finish => return false,
                Want::Run => {
                    self.bell.requeue();
                    self.enqueue();
                    return true;
                }
                Want::Nothing => {
                    if self.bell.settle() {
                        return true;
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
        self.leash.is_pulled() || self.core.upgrade().is_some_and(|core| core.is_stopping())
    }
}

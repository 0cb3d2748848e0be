//! What a worker does with one admission: greets once, runs what is wanted, reports errors, and lets itself go.

use std::hint;
use std::sync::Arc;
use std::time::Instant;

use super::super::body::{Stepped, Steps};
use super::super::context::WorkerContext;
use super::super::outcome::WorkerError;
use super::super::plan::{Answer, Now, Want};
use super::super::schedule::Pacer;
use super::{Body, Core, Home, Turn, Work, read};
use crate::log;
use crate::panics::{Panic, contain, drop_contained};
use crate::pool::{Job, Pool, Ran, Refusal, Source, Tally};
use crate::supervisor::Core as SupervisorCore;

/// What a worker that is to run does next.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Greet,
    /// A run that its plan knows of.
    Planned,
    /// Runs on what is in its queue.
    Items,
    /// The next run is to be planned anew.
    Plan,
    /// It is to stay awake until a run is due.
    Await(Instant),
    /// Its last run has been.
    End,
}

impl Next {
    pub(super) fn is_run(self) -> bool {
        matches!(self, Self::Planned | Self::Items)
    }
}

impl Core {
    /// What the one who has the worker does: greets once, runs what is wanted, and lets it go. Whether its end was counted.
    fn slice(self: &Arc<Self>, tally: &Tally<'_>) -> Ran {
        let home = self.own_home();
        let supervisor = home.shared();
        let mut body = self.take_body();
        let Work { step, pacer } = &mut body.work;
        let Steps::Blocking(step) = step else { unreachable!("an async body is in no pool's queue") };
        let now = supervisor.clock.now();
        let mut cx = WorkerContext::new(Arc::clone(self), Arc::clone(&home), now);
        let mut turn = Turn::new(self, &home, now);
        // As few looks at the plan as there can be: one before the run, and one after it.
        let planned = loop {
            let Some(next) = self.next(&mut cx, &turn) else { break false };
            match next {
                Next::Greet => {
                    // Not where a stop was asked for before the first run and there are no items to work off.
                    body.greeted = true;
                    self.hook("on_start", || step.on_start(&cx));
                }
                Next::Plan => self.plan_anew(supervisor, pacer.as_mut()),
                Next::Await(due) => self.stay_awake(supervisor, due),
                Next::End => self.break_off(),
                Next::Planned | Next::Items => {}
            }
            if !next.is_run() {
                turn = Turn::new(self, &home, supervisor.clock.now());
                continue;
            }
            if let Some(error) = self.outcome(contain(|| step.step(&mut cx, &mut turn))) {
                self.count_error(&cx, &error);
                self.hook("on_error", || step.on_error(&error, &cx));
                // Its payload is the user's.
                drop_contained(error);
                turn.look_soon();
            }
            if next == Next::Planned || !turn.goes_on() {
                break next == Next::Planned;
            }
        };
        let answer = if planned { self.consult(supervisor, pacer.as_mut(), &cx) } else { None };
        *self.body.lock() = Some(body);
        let want = if planned { self.plan_next(supervisor, answer) } else { self.want_or_rest() };
        if self.goes(want) {
            return Ran::Slice { counted: false };
        }
        let ran = Ran::Slice { counted: true };
        self.finish_counted(|| tally.ended(ran));
        ran
    }

    /// A precise worker has its thread a little before its run is due, and spends what is left awake.
    fn stay_awake(&self, supervisor: &SupervisorCore, due: Instant) {
        self.plan.lock().arrived_for(due, supervisor.clock.now());
        while supervisor.clock.now() < due && !self.is_stopping() {
            hint::spin_loop();
        }
    }

    /// What is next for the one who has the worker; a planned run begins by that.
    pub(super) fn next(&self, cx: &mut WorkerContext, turn: &Turn<'_>) -> Option<Next> {
        let cause = {
            let mut plan = self.plan.lock();
            let wall = plan.reads_wall().then(|| turn.wall());
            let now = Now { at: turn.began(), wall };
            plan.expire(now);
            match plan.want(self.items()) {
                Want::Run if std::mem::take(&mut plan.greeting) => return Some(Next::Greet),
                Want::Run if self.mailbox.is_none() => match plan.awaits(now) {
                    Some(due) => return Some(Next::Await(due)),
                    None => plan.begin_run(now),
                },
                // A run on an item begins when the item is there.
                Want::Run => return Some(Next::Items),
                Want::Plan => return Some(Next::Plan),
                Want::End => return Some(Next::End),
                Want::Nothing | Want::Finish => return None,
            }
        };
        self.count_run();
        cx.begin_planned(cause);
        Some(Next::Planned)
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

    /// A planned run has ended: what its schedule says, if it has one, and it is its turn.
    pub(super) fn consult(
        &self,
        supervisor: &SupervisorCore,
        pacer: Option<&mut Pacer>,
        cx: &WorkerContext,
    ) -> Option<Answer> {
        let pacer = pacer?;
        if cx.is_planned() {
            pacer.ran();
        }
        let asks = self.plan.lock().asks();
        let clock = &supervisor.clock;
        self.answered(asks.then(|| pacer.ask(clock.now(), clock.wall())))
    }

    /// Plans the next run anew.
    pub(super) fn plan_anew(self: &Arc<Self>, supervisor: &SupervisorCore, pacer: Option<&mut Pacer>) {
        let clock = &supervisor.clock;
        let answer = self.answered(pacer.map(|pacer| pacer.ask(clock.now(), clock.wall())));
        let mut plan = self.plan.lock();
        let now = read(clock, &plan);
        let when = plan.plan_anew(answer, now);
        if !plan.is_leaving() {
            self.arm(&mut plan, supervisor, when);
        }
    }

    /// A planned run has ended: plans the next one, and says what is to be done now.
    pub(super) fn plan_next(self: &Arc<Self>, supervisor: &SupervisorCore, answer: Option<Answer>) -> Want {
        let (stale, want) = {
            let mut plan = self.plan.lock();
            let now = read(&supervisor.clock, &plan);
            let (stale, deadline) = plan.end_run(answer, now);
            if !plan.is_leaving() {
                self.arm(&mut plan, supervisor, deadline);
            }
            (stale, plan.want(self.items()))
        };
        self.take_back(stale);
        want
    }

    pub(super) fn count_error(&self, cx: &WorkerContext, error: &WorkerError) {
        {
            let counters = &mut self.plan.lock().counters;
            match error {
                WorkerError::Failed(_) => counters.errors += 1,
                WorkerError::Panicked(_) => counters.panics += 1,
            }
        }
        cx.supervisor().core.registry.count_error();
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
        if let Some(home) = self.home() {
            home.shared().registry.count_error();
        }
        log::hook_panicked(&self.name, name, panic);
    }

    pub(super) fn take_body(&self) -> Body {
        self.body.lock().take().expect("the one who has the worker has its body")
    }

    /// Lets a worker go that this thread has: to rest, to the queue, or to its end.
    pub(super) fn let_go(self: &Arc<Self>) {
        if !self.goes(self.want_or_rest()) {
            self.finish();
        }
    }

    /// Lets it go, but for its end: `false`, it is to be ended by the one who has it.
    pub(super) fn goes(self: &Arc<Self>, mut want: Want) -> bool {
        loop {
            match want {
                Want::Finish => return false,
                Want::End => {
                    self.break_off();
                    want = Want::Finish;
                }
                Want::Run | Want::Plan => {
                    self.bell.requeue();
                    self.enqueue(Source::Inside);
                    return true;
                }
                Want::Nothing => {
                    if self.bell.settle() {
                        return true;
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

    fn key(&self) -> usize {
        // The worker's, whatever its life: who waits for it may wait through a restart.
        self.core.as_ptr().addr()
    }

    fn lends_at(&self) -> usize {
        self.lane().map_or(0, |lane| lane.lends())
    }

    fn is_live(&self) -> bool {
        self.core.upgrade().is_some_and(|core| core.bell.is_queued_in(self.life))
    }

    fn run(&self, tally: &Tally<'_>) -> Ran {
        match self.core.upgrade() {
            Some(core) if core.bell.claim(self.life) => core.slice(tally),
            _ => Ran::Dead,
        }
    }

    /// Only a stop that gives up takes it out, and it ends the worker itself, which reports the death of this entry.
    fn refuse(self: Arc<Self>, _pool: &Arc<Pool>, _why: Refusal) -> bool {
        false
    }

    fn drop_body(self: Arc<Self>, _pool: &Arc<Pool>) {}

    fn is_task(&self) -> bool {
        false
    }

    fn is_asked_to_end(&self) -> bool {
        let recalled = self.on_lane.as_ref().is_some_and(|on_lane| on_lane.leash.is_pulled());
        recalled || self.core.upgrade().is_some_and(|core| core.is_stopping())
    }
}

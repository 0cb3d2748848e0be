//! A worker: its bell, its plan, its body, and the slices in which it runs.
//!
//! ```text
//! put / trigger / tick ──ring──▶ Idle → Queued ──admission──▶ Running ──▶ Idle
//!                                         a ring while Running is remembered: exactly one more look
//! after the run: Break → stops · Err/panic → on_error, counted · more to do → Queued again
//! ```
//!
//! Every change sets its condition first (in the plan or the mailbox) and rings second; whoever has the worker reads the
//! conditions, acts, and lets it go by the bell, which tells whether it was rung meanwhile.

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::AtomicU64 as Serial;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::bell::{Bell, Life, Rung, Seized};
use super::body::Step;
use super::context::WorkerContext;
use super::mailbox::AnyMailbox;
use super::outcome::WorkerError;
use super::plan::{Cause, Kind, Phase, Plan, Schedule, Want};
use crate::clock;
use crate::error::{Error, Result};
use crate::panics::{contain, drop_contained};
use crate::pool::{self, Done, Job, Ran, Refusal, Source};
use crate::priority::Priority;
use crate::supervisor::{Core as SupervisorCore, Entry, Resident, WorkerInfo, WorkerKind, WorkerState};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::time::Deadline;
use crate::wait::{self, WaitList};
use crate::{fork, log};

/// A queue worker lets its place go after this long, so that a busy one can't hold it against its equals.
const SLICE: Duration = Duration::from_millis(1);

/// What a start hands over.
pub(super) struct Setup {
    pub(super) supervisor: Arc<SupervisorCore>,
    pub(super) schedule: Schedule,
    /// Of a queue worker; `None`: without bound.
    pub(super) capacity: Option<usize>,
    pub(super) autostart: bool,
    pub(super) step: Box<dyn Step>,
}

/// A stopped body that starts again with its supervisor.
struct Kept {
    schedule: Schedule,
    capacity: Option<usize>,
    step: Box<dyn Step>,
}

/// What whoever has the worker works with.
struct Body {
    step: Box<dyn Step>,
    cx: WorkerContext,
    /// `on_start` was called, so `on_stop` will be.
    greeted: bool,
}

/// Where a started worker lives.
#[derive(Clone)]
struct Home {
    supervisor: Arc<SupervisorCore>,
    priority: Priority,
    /// Its entry in the supervisor's registry.
    entry: Entry,
    /// Its entry in the pool's queue, whenever it is there; what tells that it runs on a thread.
    slice: Arc<Slice>,
}

impl Home {
    fn job(&self) -> Arc<dyn Job> {
        Arc::<Slice>::clone(&self.slice)
    }
}

/// One life of a worker, as the pool sees it.
struct Slice {
    /// Weak, since the worker keeps it. While it runs, its supervisor owns the worker.
    core: Weak<Core>,
    life: Life,
    /// For reports.
    name: String,
}

/// One worker. It may be started again after it has stopped.
pub struct Core {
    id: u64,
    name: String,
    /// The count of forks at its making.
    born: u32,
    bell: Bell,
    /// Lock rule: before the locks of mailbox, clock and pool, with one of them at a time; nothing of the user's runs or is dropped under it.
    plan: Mutex<Plan>,
    /// Taken by whoever has the worker, so never contended.
    body: Mutex<Option<Body>>,
    /// For workers built with `autostart`.
    kept: Mutex<Option<Kept>>,
    /// What a stop shall keep the body for; `None`: it drops it.
    keeps: Mutex<Option<(Schedule, Option<usize>)>>,
    /// `None` until it is started. Stays after the end, for a ringer that comes to enqueue it just then.
    home: Mutex<Option<Home>>,
    mailbox: Option<Arc<dyn AnyMailbox>>,
    /// What the plan says, for bodies that ask in a loop.
    stopping: AtomicBool,
    /// What the plan says, for puts.
    paused: AtomicBool,
    /// Woken when it has stopped, and when pool threads that wait for it may run it.
    changed: WaitList,
    /// Pool threads that wait for it.
    helpers: AtomicUsize,
}

impl Core {
    pub(super) fn new(name: String, mailbox: Option<Arc<dyn AnyMailbox>>) -> Arc<Self> {
        static NEXT: Serial = Serial::new(1);
        fork::watch();
        Arc::new(Self {
            // Relaxed: only the number matters.
            id: NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed),
            name,
            born: fork::count(),
            bell: Bell::new(),
            plan: Mutex::new(Plan::new(Instant::now())),
            body: Mutex::new(None),
            kept: Mutex::new(None),
            keeps: Mutex::new(None),
            home: Mutex::new(None),
            mailbox,
            stopping: AtomicBool::new(false),
            paused: AtomicBool::new(false),
            changed: WaitList::default(),
            helpers: AtomicUsize::new(0),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn is_stopping(&self) -> bool {
        // Relaxed: a flag that bodies look at when they like; nothing else is published by it.
        self.stopping.load(Ordering::Relaxed)
    }

    /// Whether this process is a fork of the one that the worker was made in: nothing would run it here.
    pub(super) fn is_forked(&self) -> bool {
        self.born != fork::count()
    }

    pub(super) fn is_running(&self) -> bool {
        !self.is_forked() && self.plan.lock().phase != Phase::Stopped
    }

    /// Whether this thread is in the worker's own body or hook.
    pub(super) fn is_own_body(&self) -> bool {
        self.home().is_some_and(|home| pool::is_running_here(&home.job()))
    }

    fn home(&self) -> Option<Home> {
        self.home.lock().clone()
    }

    /// The home of a worker that was started at some time: the one that somebody has, or has rung.
    fn own_home(&self) -> Home {
        self.home().expect("a worker that runs or was rung has been started")
    }

    fn items(&self) -> usize {
        self.mailbox.as_ref().map_or(0, |mailbox| mailbox.len())
    }

    // Starting

    pub(super) fn start(self: &Arc<Self>, setup: Setup) -> Result<()> {
        if self.is_forked() {
            drop_contained(setup.step);
            return Err(Error::Forked);
        }
        let Setup { supervisor, schedule, capacity, autostart, step } = setup;
        {
            let mut plan = self.plan.lock();
            if plan.phase != Phase::Stopped {
                return Err(Error::AlreadyRunning);
            }
            plan.phase = Phase::Starting;
            plan.stopping = None;
            plan.life += 1;
        }
        self.stopping.store(false, Ordering::Relaxed);
        self.paused.store(false, Ordering::SeqCst);
        let forgotten = self.kept.lock().take();
        drop_contained(forgotten.map(|kept| kept.step));
        let entry = match self.let_in(&supervisor, schedule, autostart) {
            Ok(entry) => entry,
            Err(error) => {
                self.plan.lock().phase = Phase::Stopped;
                self.changed.wake_all();
                drop_contained(step);
                return Err(error);
            }
        };
        *self.keeps.lock() = autostart.then_some((schedule, capacity));
        log::worker_started(&self.name);
        let greeting = step.has_hooks();
        let cx = WorkerContext::new(Arc::clone(self), supervisor.weak_handle());
        *self.body.lock() = Some(Body { step, cx, greeted: false });
        let earlier;
        {
            let mut plan = self.plan.lock();
            let slice = Slice { core: Arc::downgrade(self), life: self.bell.open(), name: self.name.clone() };
            let (priority, slice) = (schedule.priority, Arc::new(slice));
            let home = Home { supervisor: Arc::clone(&supervisor), priority, entry, slice };
            earlier = self.home.lock().replace(home);
            let deadline = plan.begin(schedule, greeting, supervisor.clock.now());
            if plan.stopping.is_none() {
                self.arm(&mut plan, &supervisor, deadline);
                if let Some(mailbox) = &self.mailbox {
                    mailbox.open(capacity);
                }
            }
        }
        drop(earlier);
        self.let_go();
        Ok(())
    }

    fn let_in(
        self: &Arc<Self>,
        supervisor: &Arc<SupervisorCore>,
        schedule: Schedule,
        autostart: bool,
    ) -> Result<Entry> {
        let resident: Arc<dyn Resident> = Arc::<Self>::clone(self);
        let entry = supervisor.admit(&resident, autostart)?;
        if matches!(schedule.kind, Kind::Interval { .. } | Kind::Delay { .. }) || !schedule.initial.is_zero() {
            // Made now, so that a refusal is told to the one who starts it.
            if let Err(error) = supervisor.clock.ensure_thread() {
                supervisor.dismiss(&resident, entry);
                return Err(Error::Thread(Arc::new(error)));
            }
        }
        Ok(entry)
    }

    /// Hands a deadline to the clock. Called under the plan's lock, so that the tick finds its key there.
    fn arm(self: &Arc<Self>, plan: &mut Plan, supervisor: &SupervisorCore, deadline: Option<Deadline>) {
        if let Some(deadline) = deadline {
            let bell: Arc<dyn clock::Bell> = Arc::<Self>::clone(self);
            // A stopped clock means that a stop is on its way to this worker too. Its thread was made at the start.
            plan.timer = supervisor.clock.insert(deadline, bell).ok();
        }
    }

    // Ringing

    /// The mailbox has one item more.
    pub(super) fn item_came(self: &Arc<Self>) {
        // The race this closes: a resume stores first and counts the items second; this put has pushed first and loads
        // second, so one of the two rings.
        if !self.paused.load(Ordering::SeqCst) {
            self.ring();
        }
    }

    /// Sees to it that somebody looks at what is to be done.
    fn ring(self: &Arc<Self>) {
        if self.bell.ring() == Rung::Enqueue {
            self.enqueue();
        }
    }

    /// Puts the worker, whose bell says `Queued`, into its pool's queue.
    fn enqueue(self: &Arc<Self>) {
        let home = self.own_home();
        if home.supervisor.pool.submit(home.priority, home.job(), Source::Inside).is_err() {
            // The pool was closed by a bounded stop that ran out: nothing will run this worker again.
            self.request_stop(true);
        }
        // The race this closes: a pool thread that is to wait announces itself first and looks at the bell second; the
        // bell was set before this look for helpers, so one of the two sees the other.
        if self.helpers.load(Ordering::SeqCst) > 0 {
            self.changed.wake_all();
        }
    }

    pub(super) fn trigger(self: &Arc<Self>) -> bool {
        if self.is_forked() {
            return false;
        }
        let paused = {
            let mut plan = self.plan.lock();
            if plan.phase != Phase::Running || plan.stopping.is_some() {
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

    pub(super) fn pause(&self) {
        if self.is_forked() {
            return;
        }
        let mut plan = self.plan.lock();
        if plan.phase == Phase::Stopped || plan.stopping.is_some() || plan.paused {
            return;
        }
        self.paused.store(true, Ordering::SeqCst);
        let timer = plan.pause();
        drop(plan);
        self.take_back(timer);
    }

    pub(super) fn resume(self: &Arc<Self>) {
        if self.is_forked() {
            return;
        }
        let Some(Home { supervisor, .. }) = self.home() else { return };
        {
            let mut plan = self.plan.lock();
            if plan.phase == Phase::Stopped || !plan.paused {
                return;
            }
            self.paused.store(false, Ordering::SeqCst);
            let deadline = plan.resume(supervisor.clock.now());
            self.arm(&mut plan, &supervisor, deadline);
        }
        self.ring_if_wanted();
    }

    pub(super) fn set_interval(self: &Arc<Self>, interval: Duration) -> Result<()> {
        if interval.is_zero() {
            return Err(crate::error::ConfigError::zero_duration("interval", interval).into());
        }
        if self.is_forked() {
            return Err(Error::Forked);
        }
        let Some(Home { supervisor, .. }) = self.home() else { return Err(Error::NotRunning) };
        let timer = {
            let mut plan = self.plan.lock();
            if plan.phase != Phase::Running || plan.stopping.is_some() {
                return Err(Error::NotRunning);
            }
            let (timer, deadline) = plan.set_interval(interval, supervisor.clock.now());
            self.arm(&mut plan, &supervisor, deadline);
            timer
        };
        self.take_back(timer);
        self.ring_if_wanted();
        Ok(())
    }

    fn ring_if_wanted(self: &Arc<Self>) {
        if self.want() != Want::Nothing {
            self.ring();
        }
    }

    /// What is to be done.
    ///
    /// The items are counted under the plan's lock: a stop closes the mailbox under it too, so who finds the stop asked
    /// for and no item knows that none will come (`supervisor::model::put_and_stop`).
    fn want(&self) -> Want {
        let plan = self.plan.lock();
        plan.want(self.items())
    }

    fn take_back(&self, timer: Option<clock::Key>) {
        if let (Some(key), Some(home)) = (timer, self.home()) {
            home.supervisor.clock.remove(key);
        }
    }

    // Running

    /// What the one who has the worker does: greets once, runs what is wanted, and lets it go.
    fn slice(self: &Arc<Self>) {
        let Home { supervisor, priority, .. } = self.own_home();
        let mut body = self.take_body();
        self.greet(&mut body);
        let began = supervisor.clock.now();
        let mut runs = 0_u32;
        loop {
            let cause = {
                let mut plan = self.plan.lock();
                match plan.want(self.items()) {
                    Want::Run if runs == 0 || self.goes_on(&plan, &supervisor, priority, began) => {
                        plan.begin_run(supervisor.clock.now())
                    }
                    _ => break,
                }
            };
            self.run(&supervisor, &mut body, cause);
            runs += 1;
        }
        *self.body.lock() = Some(body);
        self.let_go();
    }

    /// Whether a slice goes on after a run: only with a queue, only for a while, and not while something above waits.
    fn goes_on(&self, plan: &Plan, supervisor: &SupervisorCore, priority: Priority, began: Instant) -> bool {
        matches!(plan.kind, Kind::Queue)
            && !supervisor.pool.is_wanted_above(priority)
            && supervisor.clock.now().saturating_duration_since(began) < SLICE
    }

    fn run(self: &Arc<Self>, supervisor: &SupervisorCore, body: &mut Body, cause: Cause) {
        body.cx.begin_run(cause);
        let Body { step, cx, .. } = body;
        let error = match contain(|| step.step(cx)) {
            Ok(Some(Ok(flow))) => {
                if flow.is_break() {
                    self.break_off();
                }
                None
            }
            Ok(None) => {
                cx.unrun();
                self.plan.lock().unrun(cause.last_run);
                None
            }
            Ok(Some(Err(message))) => Some(WorkerError::Failed(message)),
            Err(panic) => Some(WorkerError::Panicked(panic)),
        };
        if let Some(error) = error {
            self.report(body, &error);
            // Its payload is the user's.
            drop_contained(error);
        }
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

    fn report(&self, body: &mut Body, error: &WorkerError) {
        {
            let counters = &mut self.plan.lock().counters;
            match error {
                WorkerError::Failed(_) => counters.errors += 1,
                WorkerError::Panicked(_) => counters.panics += 1,
            }
        }
        let Body { step, cx, .. } = body;
        log::worker_error(&self.name, cx.run(), error);
        self.hook("on_error", || step.on_error(error, cx));
    }

    /// Runs a hook of the user's. Its panic is counted and told, and nobody is asked about it.
    fn hook(&self, name: &str, hook: impl FnOnce()) {
        if let Err(panic) = contain(hook) {
            self.plan.lock().counters.panics += 1;
            log::hook_panicked(&self.name, name, &panic);
        }
    }

    fn greet(&self, body: &mut Body) {
        let greeting = {
            let mut plan = self.plan.lock();
            // A stop may have been asked for before the first run: then only if there are items to work off.
            let runs = plan.want(self.items()) == Want::Run;
            std::mem::take(&mut plan.greeting) && runs
        };
        if greeting {
            let Body { step, cx, greeted } = body;
            *greeted = true;
            self.hook("on_start", || step.on_start(cx));
        }
    }

    fn take_body(&self) -> Body {
        self.body.lock().take().expect("the one who has the worker has its body")
    }

    /// Lets a worker go that this thread has: to rest, to the queue, or to its end.
    fn let_go(self: &Arc<Self>) {
        loop {
            match self.want() {
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

    // Stopping

    /// The body said `Break`: nothing more is run, so what is queued is discarded.
    fn break_off(self: &Arc<Self>) {
        self.begin_stop(true);
    }

    /// Sets the conditions of a stop. `false`: it is stopped.
    fn begin_stop(self: &Arc<Self>, discard: bool) -> bool {
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

    fn discard_items(self: &Arc<Self>) {
        let (Some(mailbox), Some(home)) = (&self.mailbox, self.home()) else { return };
        // The items' Drop is user code, and what it calls must not wait for the thread it is called on.
        let discarded = pool::enter(&home.supervisor.pool, home.job(), || mailbox.discard());
        if discarded > 0 {
            self.plan.lock().counters.discarded += discarded;
            home.supervisor.registry.count_discarded(discarded);
            log::discarded(&self.name, discarded);
        }
    }

    /// Asks it to stop; ends it right here, where there is nothing left to run.
    pub(super) fn request_stop(self: &Arc<Self>, discard: bool) {
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
    fn end_seized(self: &Arc<Self>, seized: Seized) {
        let Home { supervisor, priority, .. } = self.own_home();
        if seized == Seized::Queued {
            supervisor.pool.died(priority);
        }
        let has_hooks = self.body.lock().as_ref().is_some_and(|body| body.step.has_hooks());
        if !has_hooks {
            return self.finish();
        }
        // `on_stop` is the user's: it runs on a pool thread, at once, so that the one who asks never waits for it.
        let worker = Arc::clone(self);
        supervisor.send("on_stop", move || worker.finish());
    }

    /// The end, by the one who has the worker.
    fn finish(self: &Arc<Self>) {
        let home = self.own_home();
        // As a body of its own, wherever it runs: what the hook and the Drop of the state call, a stop of this very
        // worker among it, must not wait for this thread.
        pool::enter(&home.supervisor.pool, home.job(), || {
            let Body { mut step, cx, greeted } = self.take_body();
            if greeted {
                self.hook("on_stop", || step.on_stop(&cx));
            }
            self.discard_items();
            drop(cx);
            match self.keeps.lock().take() {
                Some((schedule, capacity)) => *self.kept.lock() = Some(Kept { schedule, capacity, step }),
                None => drop_contained(step),
            }
        });
        log::worker_stopped(&self.name);
        {
            // Both under the lock: a start sees either none or both.
            let mut plan = self.plan.lock();
            plan.phase = Phase::Stopped;
            self.bell.close();
        }
        let resident: Arc<dyn Resident> = Arc::<Self>::clone(self);
        home.supervisor.dismiss(&resident, home.entry);
        self.changed.wake_all();
    }

    /// Stops it and waits for that; in its own body it only asks.
    pub(super) fn stop(self: &Arc<Self>) {
        if self.is_forked() {
            return;
        }
        let life = self.plan.lock().life;
        self.request_stop(false);
        if self.is_own_body() {
            return;
        }
        self.wait_helping(Deadline::Never, &self.changed, || self.has_ended(life).then_some(()));
    }

    /// Whether that life of it is over.
    pub(super) fn has_ended(&self, life: u64) -> bool {
        if self.is_forked() {
            return true;
        }
        let plan = self.plan.lock();
        plan.life != life || plan.phase == Phase::Stopped
    }

    pub(super) fn life(&self) -> u64 {
        self.plan.lock().life
    }

    pub(super) fn changed(&self) -> &WaitList {
        &self.changed
    }

    /// Waits until `ready` gives something, which `list` tells of. A thread of the worker's own pool runs the worker
    /// meanwhile, whenever it is queued: in a full pool nobody else would.
    pub(super) fn wait_helping<R>(
        self: &Arc<Self>,
        deadline: Deadline,
        list: &WaitList,
        mut ready: impl FnMut() -> Option<R>,
    ) -> Option<R> {
        let worker_home = self.home();
        let place =
            pool::home().zip(worker_home).filter(|(place, home)| Arc::ptr_eq(&place.pool, &home.supervisor.pool));
        let Some((place, home)) = place else {
            return list.block_until(deadline, ready);
        };
        let job = home.job();
        self.helpers.fetch_add(1, Ordering::SeqCst);
        let (mut on_list, mut on_changed) = (None, None);
        let result = wait::block_until(deadline, |waker| {
            loop {
                list.register(&mut on_list, waker);
                self.changed.register(&mut on_changed, waker);
                if let Some(result) = ready() {
                    return Some(result);
                }
                if !self.bell.is_queued() || !home.supervisor.pool.run_here(&place, home.priority, &job) {
                    return None;
                }
            }
        });
        list.leave(&mut on_list);
        self.changed.leave(&mut on_changed);
        self.helpers.fetch_sub(1, Ordering::SeqCst);
        result
    }

    // Telling

    pub(super) fn info(&self) -> WorkerInfo {
        let (len, capacity) = self.mailbox.as_ref().map_or((0, None), |mailbox| (mailbox.len(), mailbox.capacity()));
        let plan = self.plan.lock();
        let state = match plan.phase {
            Phase::Stopped => WorkerState::Stopped,
            _ if plan.stopping.is_some() => WorkerState::Stopping,
            _ if plan.paused => WorkerState::Paused,
            _ if self.bell.is_queued() => WorkerState::Queued,
            _ if self.bell.is_running() => WorkerState::Running,
            _ => WorkerState::Idle,
        };
        WorkerInfo {
            name: self.name.clone(),
            kind: match plan.kind {
                Kind::Loop => WorkerKind::Loop,
                Kind::Interval { every, .. } => WorkerKind::Interval(every),
                Kind::Delay { gap } => WorkerKind::Delay(gap),
                Kind::Event => WorkerKind::Event,
                Kind::Queue => WorkerKind::Queue { len, capacity },
            },
            priority: plan.priority,
            state,
            runs: plan.counters.runs,
            errors: plan.counters.errors,
            panics: plan.counters.panics,
            missed: plan.counters.missed,
            discarded: plan.counters.discarded,
            last_run: plan.last_run,
            next_run: plan.next_run(),
        }
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").field("name", &self.name).field("bell", &self.bell).finish_non_exhaustive()
    }
}

impl Job for Slice {
    fn name(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.name)
    }

    fn is_live(&self) -> bool {
        self.core.upgrade().is_some_and(|core| core.bell.is_queued_in(self.life))
    }

    fn run(self: Arc<Self>) -> Done {
        let ran = match self.core.upgrade() {
            Some(core) if core.bell.claim(self.life) => {
                core.slice();
                Ran::Slice
            }
            _ => Ran::Dead,
        };
        ran.into()
    }

    fn refuse(self: Arc<Self>, _why: Refusal) -> bool {
        if let Some(core) = self.core.upgrade() {
            core.request_stop(true);
        }
        // A stop reports the death of a queued worker's entry, as it does for entries that are still in the queue.
        false
    }

    fn drop_body(self: Arc<Self>) {}

    fn is_task(&self) -> bool {
        false
    }

    fn is_asked_to_end(&self) -> bool {
        self.core.upgrade().is_some_and(|core| core.is_stopping())
    }
}

impl clock::Bell for Core {
    fn ring(self: Arc<Self>, key: clock::Key) {
        let came = self.plan.lock().ring(key);
        if came {
            Core::ring(&self);
        }
    }

    /// A stop of the clock is followed by a stop of the worker.
    fn dropped(self: Arc<Self>) -> bool {
        false
    }

    fn drop_body(self: Arc<Self>) {}
}

impl Resident for Core {
    fn id(&self) -> u64 {
        self.id
    }

    fn info(&self) -> WorkerInfo {
        self.info()
    }

    fn ask_to_stop(self: Arc<Self>, discard: bool) {
        self.request_stop(discard);
    }

    fn start_again(self: Arc<Self>, supervisor: &Arc<SupervisorCore>) {
        let Some(Kept { schedule, capacity, step }) = self.kept.lock().take() else { return };
        let setup = Setup { supervisor: Arc::clone(supervisor), schedule, capacity, autostart: true, step };
        match self.start(setup) {
            Ok(()) | Err(Error::AlreadyRunning) => {}
            Err(error) => log::autostart_failed(&self.name, &error),
        }
    }
}

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

mod again;
mod ring;
mod slice;
mod stop;
mod turn;
mod voyage;

pub(super) use again::Again;
pub(super) use turn::Turn;
use voyage::Sailing;

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::AtomicU64 as Serial;
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Instant, SystemTime};

use super::bell::{Bell, Life};
use super::body::Steps;
use super::mailbox::AnyMailbox;
use super::plan::{Answer, Kind, Leaving, Now, Phase, Plan, Terms};
use super::schedule::Pacer;
use crate::clock::{self, Clock};
use crate::error::{Error, Result};
use crate::lane::{self, Lane, Leash};
use crate::owner::Owner;
use crate::panics::{Panic, drop_contained};
use crate::pool::{self, Job};
use crate::priority::Priority;
use crate::supervisor::{Core as SupervisorCore, Entry, Resident, Supervisor, WorkerInfo, WorkerKind, WorkerState};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use crate::time::When;
use crate::wait::WaitList;
use crate::{fork, log};

/// What a start hands over.
pub(super) struct Setup {
    pub(super) supervisor: Arc<SupervisorCore>,
    pub(super) terms: Terms,
    /// Of a queue worker; `None`: without bound.
    pub(super) capacity: Option<usize>,
    pub(super) autostart: bool,
    /// Its supervisor starts it, with itself.
    pub(super) with_supervisor: bool,
    /// Of an async body.
    pub(super) lane: Option<Arc<Lane>>,
    pub(super) work: Work,
}

/// A body as the user gave it, and its schedule, if that is the user's too.
pub(super) struct Work {
    pub(super) step: Steps,
    pub(super) pacer: Option<Pacer>,
}

/// What is kept for the next start of a worker that its supervisor starts.
#[derive(Default)]
struct Kept {
    /// Of one that was built with `autostart`.
    own: Option<Own>,
    /// What a supervisor has begun to start while a life that an earlier stop gave up on had not ended.
    awaited: Option<Awaited>,
}

/// What a worker that was built with `autostart` is started with the next time.
struct Own {
    lane: Option<Arc<Lane>>,
    terms: Terms,
    capacity: Option<usize>,
    /// `None` while it runs.
    work: Option<Work>,
}

/// A start that waits for the end of an earlier life.
enum Awaited {
    /// With its own body, which that life has.
    Own(Weak<SupervisorCore>),
    With(Box<Setup>),
}

/// What whoever has the worker works with.
struct Body {
    work: Work,
    /// `on_start` was called, so `on_stop` will be.
    greeted: bool,
}

/// Where a worker lives in one of its lives, and its entry in the pool's queue, whenever it is there; what tells that it
/// runs on a thread.
///
/// An allocation of its own, of which every run takes a share. Shares of the supervisor are counted in a line that all
/// threads then write at each run.
pub(super) struct Home {
    /// Does not own: a worker does not keep its supervisor running.
    supervisor: Supervisor,
    /// Weak, since the worker keeps it. While it runs, its supervisor owns the worker.
    ///
    /// Those who look at the bell under a lock make an owner of it for a moment, which may be the last. So there is nothing of
    /// the user's left in a worker that has ended (`finish`) but what is kept for a next start, and that is the registry's.
    /// (A bell of its own allocation would need no owner, and cost 32 bytes a worker.)
    core: Weak<Core>,
    life: Life,
    priority: Priority,
    /// Its entry in the supervisor's registry.
    entry: Entry,
    /// For reports.
    name: Cow<'static, str>,
    /// Of an async body.
    on_lane: Option<Box<OnLane>>,
}

/// What an async worker has besides.
struct OnLane {
    /// Where its body runs.
    lane: Arc<Lane>,
    /// By which a stop that does not wait ends its run at the next await.
    leash: Leash,
    /// What is under way. Lock rule: with no other, and taken out to be polled or dropped.
    sailing: Mutex<Option<Sailing>>,
}

impl Home {
    fn lane(&self) -> Option<&Arc<Lane>> {
        self.on_lane.as_ref().map(|on_lane| &on_lane.lane)
    }

    fn owner(&self) -> Owner {
        self.lane().map_or_else(|| self.shared().pool.owner(), |lane| lane.owner())
    }

    /// Calls `f`, a hook or a drop of the worker's, as a body of its supervisor.
    fn enter<R>(self: &Arc<Self>, f: impl FnOnce() -> R) -> R {
        match self.lane() {
            None => pool::enter(&self.shared().pool, self.job(), f),
            Some(lane) => pool::enter_async(lane.owner(), Some(self.job()), f),
        }
    }

    pub(super) fn supervisor(&self) -> &Supervisor {
        &self.supervisor
    }

    /// What tasks and workers of its supervisor share.
    fn shared(&self) -> &Arc<SupervisorCore> {
        &self.supervisor.core
    }

    fn job(self: &Arc<Self>) -> Arc<dyn Job> {
        Arc::<Self>::clone(self)
    }
}

/// One worker. It may be started again after it has stopped.
pub struct Core {
    id: u64,
    name: Cow<'static, str>,
    /// The count of forks at its making.
    born: u32,
    bell: Bell,
    /// Lock rule: before the locks of home, mailbox, clock and pool, with one of them at a time; nothing of the user's
    /// runs or is dropped under it.
    plan: Mutex<Plan>,
    /// Taken by whoever has the worker, so never contended.
    body: Mutex<Option<Body>>,
    /// `None` for most: a stop drops the body.
    kept: Mutex<Option<Box<Kept>>>,
    /// Of one that was built by hand: where its handles keep the body that it does not have.
    again: OnceLock<Weak<Again>>,
    /// `None` until it is started. Stays after the end, for a ringer that comes to enqueue it just then.
    home: Mutex<Option<Arc<Home>>>,
    mailbox: Option<Arc<dyn AnyMailbox>>,
    /// Runs since the start. Written by the one who has the worker.
    runs: AtomicU64,
    /// What the plan says, for bodies that ask in a loop.
    stopping: AtomicBool,
    /// What the plan says, for puts.
    paused: AtomicBool,
    /// Woken when it has stopped.
    changed: WaitList,
    /// Those who wait for it, and may lend it their place or be told of it by those who do.
    waiters: AtomicUsize,
}

impl Core {
    pub(super) fn new(name: Cow<'static, str>, mailbox: Option<Arc<dyn AnyMailbox>>) -> Arc<Self> {
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
            again: OnceLock::new(),
            home: Mutex::new(None),
            mailbox,
            runs: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            paused: AtomicBool::new(false),
            changed: WaitList::default(),
            waiters: AtomicUsize::new(0),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn is_stopping(&self) -> bool {
        // Relaxed: a flag that bodies look at when they like; nothing else is published by it.
        self.stopping.load(Ordering::Relaxed)
    }

    /// The number of the run under way, or of the last one.
    #[inline]
    pub(super) fn runs(&self) -> u64 {
        // Relaxed: a count. Who has heard of a run, has heard of it from its body, which came after.
        self.runs.load(Ordering::Relaxed)
    }

    /// A run begins. Called by the one who has the worker.
    #[inline]
    fn count_run(&self) {
        // Not a read-modify-write, which costs as much as a short run: nobody else writes it.
        self.runs.store(self.runs() + 1, Ordering::Relaxed);
    }

    pub(super) fn born(&self) -> u32 {
        self.born
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
        self.home().is_some_and(|home| pool::is_running_here(Arc::as_ptr(&home).addr()))
    }

    fn home(&self) -> Option<Arc<Home>> {
        self.home.lock().clone()
    }

    /// The home of a worker that was started at some time: the one that somebody has, or has rung.
    fn own_home(&self) -> Arc<Home> {
        self.home().expect("a worker that runs or was rung has been started")
    }

    fn items(&self) -> usize {
        self.mailbox.as_ref().map_or(0, |mailbox| mailbox.len())
    }

    /// Starts it. Else what it was to be started with comes back.
    fn try_start(self: &Arc<Self>, mut setup: Setup) -> Result<(), (Error, Box<Setup>)> {
        if self.is_forked() {
            return Err((Error::Forked, Box::new(setup)));
        }
        let supervisor = Arc::clone(&setup.supervisor);
        if supervisor.clock.is_manual()
            && let Some(details) = &mut setup.terms.details
        {
            details.be_in_time();
        }
        // The user's code, and not in a body: were the worker let in before, a stop in it would wait for this thread.
        let (began, wall) = (supervisor.clock.now(), supervisor.clock.wall());
        let initial = setup.terms.initial;
        let asked = setup.work.pacer.as_mut().map(|pacer| pacer.begin(began, wall, initial));
        {
            let mut plan = self.plan.lock();
            if plan.phase != Phase::Stopped {
                let waits = plan.given_up && setup.with_supervisor;
                drop(plan);
                drop_contained(asked);
                if waits {
                    self.await_end(Awaited::With(Box::new(setup)));
                    return Ok(());
                }
                return Err((Error::AlreadyRunning, Box::new(setup)));
            }
            plan.phase = Phase::Starting;
            plan.leaving = Leaving::No;
            plan.given_up = false;
            plan.life += 1;
        }
        self.stopping.store(false, Ordering::Relaxed);
        self.paused.store(false, Ordering::SeqCst);
        let entry = match self.let_in(&setup) {
            Ok(entry) => entry,
            Err(error) => {
                self.plan.lock().phase = Phase::Stopped;
                self.changed.wake_all();
                drop_contained(asked);
                return Err((error, Box::new(setup)));
            }
        };
        let Setup { supervisor, terms, capacity, autostart, lane, work, .. } = setup;
        let own = || Own { lane: lane.clone(), terms: terms.clone(), capacity, work: None };
        let kept = autostart.then(|| Box::new(Kept { own: Some(own()), awaited: None }));
        let forgotten = std::mem::replace(&mut *self.kept.lock(), kept);
        drop_contained(forgotten.and_then(|kept| kept.own));
        log::worker_started(&self.name);
        let greeting = work.step.has_hooks();
        *self.body.lock() = Some(Body { work, greeted: false });
        let earlier;
        {
            let mut plan = self.plan.lock();
            let home = Home {
                core: Arc::downgrade(self),
                life: self.bell.open(),
                name: self.name.clone(),
                supervisor: supervisor.weak_handle(),
                priority: terms.priority,
                entry,
                on_lane: lane.map(|lane| Box::new(OnLane { lane, leash: Leash::default(), sailing: Mutex::default() })),
            };
            earlier = self.home.lock().replace(Arc::new(home));
            self.runs.store(0, Ordering::Relaxed);
            plan.take_up(&terms, supervisor.clock.now());
            let now = read(&supervisor.clock, &plan);
            let no_more = Answer { next: None, missed: 0 };
            let answer = asked.as_ref().map(|asked| *asked.as_ref().unwrap_or(&no_more));
            let deadline = plan.begin(greeting, answer, terms.initial, now);
            if !plan.is_leaving() {
                self.arm(&mut plan, &supervisor, deadline);
            }
            if let Some(mailbox) = &self.mailbox {
                mailbox.open(capacity, plan.intake());
            }
        }
        drop(earlier);
        _ = self.answered(asked);
        self.let_go();
        if self.is_stopping() {
            // A stop that came meanwhile waits until the worker is at rest.
            supervisor.tell_rested();
        }
        Ok(())
    }

    fn let_in(self: &Arc<Self>, setup: &Setup) -> Result<Entry> {
        let Setup { supervisor, terms, autostart, lane, .. } = setup;
        let resident: Arc<dyn Resident> = Arc::<Self>::clone(self);
        let entry = supervisor.admit(&resident, lane.as_ref(), *autostart)?;
        // Made now, so that a refusal is told to the one who starts it; and one that was stopped alone refuses.
        //
        // The race this closes: a stop of the lane comes just now. It closes the intake first and looks for the lane's workers
        // second; this is in the registry first and looks at the intake second, so one of the two sees the other
        // (`supervisor::model::start_on_a_lane_and_stop_it`).
        let ready =
            |lane: &Arc<Lane>| if lane.is_open() { lane.handle().map(drop) } else { Err(lane::Refused::Stopped) };
        if let Some(Err(refused)) = lane.as_ref().map(ready) {
            supervisor.dismiss(&resident, entry);
            return Err(refused.into());
        }
        if terms.kind.is_timed() || !terms.initial.is_zero() || terms.details.is_some() {
            // Made now, so that a refusal is told to the one who starts it.
            if let Err(error) = supervisor.clock.ensure_thread() {
                supervisor.dismiss(&resident, entry);
                return Err(Error::Thread(Arc::new(error)));
            }
        }
        Ok(entry)
    }

    /// Its supervisor starts, and starts it with its own body.
    fn start_again(self: &Arc<Self>, supervisor: &Arc<SupervisorCore>) {
        let setup = {
            let mut kept = self.kept.lock();
            let Some(Own { lane, terms, capacity, work }) = kept.as_mut().and_then(|kept| kept.own.as_mut()) else {
                return;
            };
            let (lane, terms, capacity) = (lane.clone(), terms.clone(), *capacity);
            let (supervisor, autostart, with_supervisor) = (Arc::clone(supervisor), true, true);
            let setup = |work| Setup { supervisor, terms, capacity, autostart, with_supervisor, lane, work };
            work.take().map(setup)
        };
        let outcome = match setup {
            Some(setup) => self.try_start(setup),
            // A life that an earlier stop gave up on has it.
            None if self.plan.lock().given_up => {
                self.await_end(Awaited::Own(Arc::downgrade(supervisor)));
                Ok(())
            }
            // Somebody was faster, and has started it.
            None => Ok(()),
        };
        if let Err((error, setup)) = outcome {
            // For the next start: a stop came meanwhile, say.
            let unkept = self.keep(setup.work);
            drop_contained(unkept);
            if !matches!(error, Error::AlreadyRunning) {
                log::autostart_failed(&self.name, &error);
            }
        }
    }

    /// Starts it when the life has ended that an earlier stop gave up on.
    fn await_end(self: &Arc<Self>, awaited: Awaited) {
        let replaced = self.kept.lock().get_or_insert_default().awaited.replace(awaited);
        drop_contained(replaced);
        log::autostart_awaits_end(&self.name);
        // The race this closes: that life ends just now. It is over first and looks for who waits for that second; this has
        // waited first, and looks whether it is over second.
        if !self.is_running() {
            self.start_if_awaited();
        }
    }

    /// A life is over.
    fn start_if_awaited(self: &Arc<Self>) {
        let awaited = self.kept.lock().as_mut().and_then(|kept| kept.awaited.take());
        let outcome = match awaited {
            None => Ok(()),
            Some(Awaited::Own(supervisor)) => {
                supervisor.upgrade().into_iter().for_each(|supervisor| self.start_again(&supervisor));
                Ok(())
            }
            Some(Awaited::With(setup)) => self.try_start(*setup),
        };
        if let Err((error, setup)) = outcome {
            drop_contained(setup);
            log::autostart_failed(&self.name, &error);
        }
    }

    /// What its schedule said. A panic is told, and there is no next run.
    fn answered(&self, asked: Option<Result<Answer, Panic>>) -> Option<Answer> {
        let answer = asked?.unwrap_or_else(|panic| {
            self.count_hook_panic("schedule", &panic);
            drop_contained(panic);
            Answer { next: None, missed: 0 }
        });
        Some(answer)
    }

    /// Hands a deadline to the clock. Called under the plan's lock, so that the tick finds its key there.
    fn arm(self: &Arc<Self>, plan: &mut Plan, supervisor: &SupervisorCore, when: Option<When>) {
        if let Some(when) = when {
            let bell: Arc<dyn clock::Bell> = Arc::<Self>::clone(self);
            // A stopped clock means that a stop is on its way to this worker too. Its thread was made at the start.
            plan.timer = supervisor.clock.insert_about(when, plan.tolerance(), bell).ok();
        }
    }

    pub(super) fn info(&self) -> WorkerInfo {
        let (len, capacity) = self.mailbox.as_ref().map_or((0, None), |mailbox| (mailbox.len(), mailbox.capacity()));
        let clock = self.home().map(|home| Arc::clone(&home.shared().clock));
        let plan = self.plan.lock();
        let next_run = next_run(&plan, clock.as_deref());
        let state = match plan.phase {
            Phase::Stopped => WorkerState::Stopped,
            _ if plan.is_leaving() => WorkerState::Stopping,
            _ if plan.paused => WorkerState::Paused,
            _ if self.bell.is_queued() => WorkerState::Queued,
            _ if self.bell.is_running() => WorkerState::Running,
            _ => WorkerState::Idle,
        };
        WorkerInfo {
            name: self.name.clone().into_owned(),
            kind: match plan.kind {
                Kind::Loop => WorkerKind::Loop,
                Kind::Interval { every, .. } => WorkerKind::Interval(every),
                Kind::Delay { gap } => WorkerKind::Delay(gap),
                Kind::Scheduled { is_cron: true } => WorkerKind::Cron,
                Kind::Scheduled { is_cron: false } => WorkerKind::Schedule,
                Kind::Event => WorkerKind::Event,
                Kind::Queue => WorkerKind::Queue { len, capacity },
            },
            priority: plan.priority,
            state,
            runs: self.runs(),
            errors: plan.counters.errors,
            panics: plan.counters.panics,
            missed: plan.counters.missed,
            discarded: plan.counters.discarded,
            last_run: plan.last_run,
            next_run: next_run.map(|(at, _)| at),
            next_on_wall: next_run.map(|(_, on_wall)| on_wall),
        }
    }
}

/// What the clocks show, as far as that plan asks.
fn read(clock: &Clock, plan: &Plan) -> Now {
    Now { at: clock.now(), wall: plan.reads_wall().then(|| clock.wall()) }
}

/// When the next run is due, on either clock.
fn next_run(plan: &Plan, clock: Option<&Clock>) -> Option<(Instant, SystemTime)> {
    let (when, clock) = plan.next_run().zip(clock)?;
    let (now, wall) = (clock.now(), clock.wall());
    let at = Now { at: now, wall: Some(wall) }.deadline(when).instant()?;
    let on_wall = match when {
        When::Wall(on_wall) => on_wall,
        When::At(at) => wall.checked_add(at.saturating_duration_since(now))? - now.saturating_duration_since(at),
    };
    Some((at, on_wall))
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").field("name", &self.name).field("bell", &self.bell).finish_non_exhaustive()
    }
}

//! What all handles of one supervisor share, and how work gets in.

use std::io;
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use super::lanes::Lanes;
use super::life::Life;
use super::registry::{Entry, Registry, Resident};
use super::{Owner, Supervisor};
use crate::clock::{self, Clock, Opening, Tick};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::job::Jobs;
use crate::lane::{Lane, Watcher};
use crate::panics::drop_contained;
use crate::pool::{self, Job, Overseer, Pool, Ran, Refusal, Tally};
use crate::slow::{SlowStart, Slowness};
use crate::stops::Leftover;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::thread::Builder;
use crate::time::Deadline;
use crate::wait::WaitList;
use crate::{fork, log, outside, task};

/// After a refusal of every thread, the pool tries again this much later, as long as work is stranded.
const THREAD_RETRY: Duration = Duration::from_millis(100);

/// A hook for slow starts.
type SlowStartHook = Arc<dyn Fn(&SlowStart) + Send + Sync>;

/// The shared part of a supervisor. Handles own it together; pool threads, tasks and workers don't keep it running.
pub(crate) struct Core {
    pub(crate) name: String,
    /// Lock rule: before the pool's lock, and with no other.
    pub(super) config: Mutex<Config>,
    pub(crate) pool: Arc<Pool>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) jobs: Arc<Jobs>,
    pub(crate) lanes: Lanes,
    pub(crate) registry: Registry,
    /// Lock rule: held for looks and state changes only; pool, clock and registry are never called under it.
    pub(super) life: Mutex<Life>,
    /// Woken at every change of `life`, and of what a stop waits for.
    pub(super) changed: WaitList,
    /// Those who wait for a stop to be announced or asked for, as `main`s, servers and connections do by the thousand: apart,
    /// since `changed` wakes whenever work comes to rest.
    pub(super) asked: WaitList,
    /// The owners that exist, for handles made from inside.
    pub(super) owner: OnceLock<Weak<Owner>>,
    /// Tasks read this at each start, and the lock of `config` is too dear for that.
    task_times: AtomicBool,
    pub(super) slow_start_hook: Mutex<Option<SlowStartHook>>,
    /// Work waits for a thread that the system doesn't give.
    pub(super) stranded: AtomicBool,
    /// A refusal that its caller hears of has been logged in this run: the next ones are not.
    pub(super) refusal_told: AtomicBool,
    /// What `life` says of an announcement or a stop, for those who ask in a loop. Written under its lock.
    pub(super) ending: AtomicBool,
    /// This very allocation.
    me: Weak<Core>,
}

impl Core {
    pub(super) fn new(name: String, config: Config) -> Arc<Self> {
        fork::watch();
        Arc::new_cyclic(|me: &Weak<Self>| {
            let overseer: Weak<dyn Overseer> = Weak::<Self>::clone(me);
            let listener: Weak<dyn clock::Listener> = Weak::<Self>::clone(me);
            let watcher: Weak<dyn Watcher> = Weak::<Self>::clone(me);
            let pool = Pool::new(&name, &config, overseer);
            let clock = Clock::new(&name, listener);
            Self {
                lanes: Lanes::new(&name, &config, pool.address(), watcher),
                jobs: Jobs::new(&pool, &clock),
                pool,
                clock,
                registry: Registry::default(),
                life: Mutex::new(Life::default()),
                changed: WaitList::default(),
                asked: WaitList::default(),
                owner: OnceLock::new(),
                task_times: AtomicBool::new(config.get_task_times()),
                slow_start_hook: Mutex::new(None),
                stranded: AtomicBool::new(false),
                refusal_told: AtomicBool::new(false),
                ending: AtomicBool::new(false),
                me: Weak::clone(me),
                config: Mutex::new(config),
                name,
            }
        })
    }

    pub(super) fn set_config(&self, config: Config) -> Result<()> {
        config.check()?;
        if self.pool.is_forked() {
            return Err(Error::Forked);
        }
        self.lanes.configure(&config);
        // Relaxed: the next tasks read them; nothing else is published by them.
        self.task_times.store(config.get_task_times(), Ordering::Relaxed);
        let calls = {
            // Both under the lock, so that of two who configure at once one holds everywhere.
            let mut held = self.config.lock();
            let calls = self.pool.configure(&config);
            *held = config;
            calls
        };
        self.pool.make(calls);
        Ok(())
    }

    /// A task was refused to a caller who has the reason: logged once, since he may well try again and again.
    pub(crate) fn tell_refused(&self, task: &str, why: &Error) {
        // Relaxed: nothing hangs on it.
        if !self.refusal_told.swap(true, Ordering::Relaxed) {
            log::rejected(task, &why.to_string());
        }
    }

    pub(crate) fn task_times(&self) -> bool {
        self.task_times.load(Ordering::Relaxed)
    }

    /// A handle for user code inside: it owns, as long as somebody else does.
    pub(crate) fn handle(self: &Arc<Self>) -> Supervisor {
        let owner = self.owner.get().and_then(Weak::upgrade);
        Supervisor { core: Arc::clone(self), owner }
    }

    /// A handle that does not own.
    /// Whether anybody has a handle that keeps it running.
    pub(crate) fn has_owner(&self) -> bool {
        self.owner.get().is_some_and(|owner| owner.strong_count() > 0)
    }

    /// Nobody will start it again: drops what was kept for that.
    pub(super) fn forget_kept(&self) {
        let residents = self.registry.orphan();
        let kept: Vec<_> = residents.iter().map(|resident| resident.forget_kept()).collect();
        // As of a body: what is dropped may call a stop, and may be dropped wherever the last owner was.
        pool::enter_unnamed(&self.pool, || kept.into_iter().for_each(drop_contained));
    }

    pub(crate) fn weak_handle(self: &Arc<Self>) -> Supervisor {
        Supervisor { core: Arc::clone(self), owner: None }
    }

    /// A worker starts: starts the supervisor too, where it was never started.
    pub(crate) fn admit(
        self: &Arc<Self>,
        resident: &Arc<dyn Resident>,
        lane: Option<&Arc<Lane>>,
        autostart: bool,
    ) -> Result<Entry> {
        self.ensure_running()?;
        self.registry.enter(resident, lane, autostart).map_err(|_| Error::Stopped)
    }

    /// Wakes those in one of its lists. As a body: a waker is the user's, and a stop in it must not wait for the thread it is called
    /// on.
    pub(super) fn wake(&self, list: &WaitList) {
        crate::pool::enter_unnamed(&self.pool, || list.wake_all());
    }

    /// A worker that a stop waits for has come to rest.
    pub(crate) fn tell_rested(&self) {
        self.wake(&self.changed);
    }

    /// A worker has stopped.
    pub(crate) fn dismiss(&self, resident: &Arc<dyn Resident>, entry: Entry) {
        if self.registry.leave(resident, entry) {
            self.wake(&self.changed);
        }
    }

    /// Runs `work` on a pool thread at once, whatever the load; where there is none for it, here, or where no user code may run,
    /// on a thread of its own.
    pub(crate) fn send(&self, name: String, work: impl FnOnce() + Send + 'static) {
        let errand = Arc::new(Errand { name, work: Mutex::new(Some(Box::new(work))) });
        if self.pool.send(Arc::<Errand>::clone(&errand)).is_ok() {
            return;
        }
        let pool = Arc::clone(&self.pool);
        let run = move || pool::enter(&pool, Arc::<Errand>::clone(&errand), || errand.work());
        if outside::is_here() {
            return run();
        }
        let here = run.clone();
        if Builder::new().name(format!("{}-left", self.name)).spawn(run).is_err() {
            outside::run_at_last(here);
        }
    }
}

impl Overseer for Core {
    fn look_for_slow_starts(&self, at: Instant) {
        let bell = Arc::new(SlowLook { core: Weak::clone(&self.me), lane: None });
        // A clock that is closed is closed by a stop: what waits then waits no longer than that.
        _ = self.clock.insert(Deadline::At(at), bell);
    }

    fn quiet(&self) {
        self.wake(&self.changed);
    }

    fn no_thread(&self, error: &io::Error, stranded: bool) {
        let (name, text) = (self.name.clone(), error.to_string());
        outside::run(move || log::no_thread(&name, &text));
        if stranded {
            // Relaxed: read by a stop in a loop of its own.
            self.stranded.store(true, Ordering::Relaxed);
            let bell = Arc::new(ThreadRetry(Weak::clone(&self.me)));
            _ = self.clock.insert(Deadline::after(self.clock.now(), THREAD_RETRY), bell);
        }
    }

    fn idle(&self) {
        task::trim_spares();
    }
}

impl clock::Listener for Core {
    fn came(&self, ticks: Vec<Arc<dyn Tick>>, opening: Opening) {
        self.jobs.came(ticks, opening);
    }

    fn rung(&self) {
        self.pool.call_for_many();
        self.lanes.call_for_many();
    }

    fn forgotten(&self, ticks: Vec<Arc<dyn Tick>>) -> Option<Leftover> {
        self.jobs.forget(ticks)
    }

    fn rested(&self) {
        self.wake(&self.changed);
    }

    fn left(&self, work: Vec<Leftover>) {
        self.send("what the clock has left".to_owned(), || work.into_iter().for_each(|work| work()));
    }
}

impl Watcher for Core {
    fn quiet(&self) {
        self.wake(&self.changed);
    }

    fn look_for_slow_starts(&self, lane: &Arc<Lane>, at: Instant) {
        let bell = Arc::new(SlowLook { core: Weak::clone(&self.me), lane: Some(Arc::downgrade(lane)) });
        _ = self.clock.insert(Deadline::At(at), bell);
    }

    fn thread_ends(&self) {
        pool::leave(self.pool.address());
    }
}

/// Looks who waits too long.
struct SlowLook {
    core: Weak<Core>,
    /// At whose gate; `None`: in the pool's queues.
    lane: Option<Weak<Lane>>,
}

impl clock::Bell for SlowLook {
    fn ring(self: Arc<Self>, _key: clock::Key) {
        let Some(core) = self.core.upgrade() else { return };
        let now = core.clock.now();
        let (report, next) = match &self.lane {
            None => core.pool.slow_starts(now),
            Some(lane) => lane.upgrade().map_or((Vec::new(), None), |lane| lane.slow_starts(now)),
        };
        if !report.is_empty() {
            let hook = core.slow_start_hook.lock().clone();
            let teller = Arc::clone(&core);
            // Events and hook are user code: a thread of the pool tells, beside all places, since those are taken.
            core.send("slow start report".to_owned(), move || {
                tell_slow_starts(&teller.name, &report);
                let Some(hook) = &hook else { return };
                // Each for itself: one that panics keeps none of the others from being told.
                for start in &report {
                    if let Err(panic) = crate::panics::contain(|| hook(start)) {
                        log::hook_panicked(&teller.name, "on_slow_start", &panic);
                    }
                }
            });
        }
        if let Some(next) = next {
            _ = core.clock.insert(Deadline::At(next), self);
        }
    }

    fn dropped(self: Arc<Self>) -> bool {
        false
    }

    fn drop_body(self: Arc<Self>) {}
}

/// One event a look and threshold: a full queue must not become a flood of events.
fn tell_slow_starts(supervisor: &str, report: &[SlowStart]) {
    for slowness in [Slowness::Error, Slowness::Warning] {
        let mut slow = report.iter().filter(|start| start.slowness == slowness);
        if let Some(SlowStart { name, priority, waited, .. }) = slow.next() {
            let waiting = log::Waiting { name, priority: *priority, waited: *waited, others: slow.count() };
            match slowness {
                Slowness::Error => log::waits_too_long(supervisor, &waiting),
                Slowness::Warning => log::waits_long(supervisor, &waiting),
            }
        }
    }
}

/// Asks the system for a thread once more.
struct ThreadRetry(Weak<Core>);

impl clock::Bell for ThreadRetry {
    fn ring(self: Arc<Self>, _key: clock::Key) {
        if let Some(core) = self.0.upgrade() {
            core.stranded.store(false, Ordering::Relaxed);
            core.pool.retry();
        }
    }

    fn dropped(self: Arc<Self>) -> bool {
        false
    }

    fn drop_body(self: Arc<Self>) {}
}

/// Housekeeping that runs user code, and so needs a thread of the pool.
struct Errand {
    name: String,
    work: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Errand {
    fn work(&self) {
        let work = self.work.lock().take();
        if let Some(work) = work {
            work();
        }
    }
}

impl Job for Errand {
    fn name(&self) -> &str {
        &self.name
    }

    fn is_live(&self) -> bool {
        true
    }

    fn run(&self, _tally: &Tally<'_>) -> Ran {
        self.work();
        Ran::Errand
    }

    /// A bounded stop has given up on it: it is done where nobody waits for it.
    fn refuse(self: Arc<Self>, _pool: &Arc<Pool>, _why: Refusal) -> bool {
        self.work();
        true
    }

    fn drop_body(self: Arc<Self>, _pool: &Arc<Pool>) {}

    fn is_task(&self) -> bool {
        false
    }

    fn is_asked_to_end(&self) -> bool {
        false
    }
}

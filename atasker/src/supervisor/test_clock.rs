//! A clock that a test moves.

use std::sync::{Arc, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::{Core, Supervisor};
use crate::clock::Manual;
use crate::error::{ConfigError, Result};
use crate::pool;
use crate::sync::Mutex;
use crate::time::Deadline;

/// 2000-01-01 00:00:00 UTC, a Saturday.
const FIRST_WALL: Duration = Duration::from_secs(946_684_800);

/// A clock for tests: stands still, and is moved by the test. With the feature `test-util`.
///
/// It governs everything that a supervisor plans: delayed tasks, interval, delay, cron and scheduled workers, light jobs;
/// with blocking bodies and with async ones. A test of an hour takes as long as what runs in it. Bodies run on the pool as
/// ever, and [`advance`](TestClock::advance) waits for them: each finds the clock where it was planned.
///
/// What waits is not governed: `wait_timeout`, `put_timeout`, `stop_timeout`, the pool's `keep_alive`, `warn_after`, and a
/// body that sleeps by itself, with `std` or tokio.
///
/// Clones are the same clock.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use std::time::Duration;
/// use atasker::{background_task, background_worker, Config, Supervisor, TestClock};
///
/// let s = Supervisor::new("tested", Config::new())?;
/// let clock = TestClock::of(&s)?;                                   // before its start
///
/// let ticks = Arc::new(AtomicU32::new(0));
/// let count = Arc::clone(&ticks);
/// background_worker(move || drop(count.fetch_add(1, Ordering::SeqCst)))
///     .interval(Duration::from_secs(60))
///     .supervisor(&s)
///     .start()?;
/// let reminder = background_task(|| "time to go").delay(Duration::from_secs(3000)).supervisor(&s).start();
///
/// clock.run_until_idle();
/// assert_eq!(ticks.load(Ordering::SeqCst), 1);                      // the first at once
/// clock.advance(Duration::from_secs(3600));
/// assert_eq!(ticks.load(Ordering::SeqCst), 61);
/// assert_eq!(reminder.try_result().unwrap(), "time to go");
/// assert_eq!(clock.advance_to_next(), Some(Duration::from_secs(60)));
/// assert_eq!(ticks.load(Ordering::SeqCst), 62);
/// # Ok::<(), atasker::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct TestClock {
    time: Arc<Manual>,
    /// One who advances it, at a time: to another who came between, what a tick has not planned anew yet were not due.
    /// Not one of the library's own locks: who has it waits for bodies.
    advancing: Arc<std::sync::Mutex<()>>,
    governed: Arc<Mutex<Vec<Weak<Core>>>>,
}

impl TestClock {
    /// Takes over the clock of a supervisor, the global one too, from before its first start to its end. The wall clock
    /// stands at the beginning of the year 2000 in UTC.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) for one that runs, or that has a test clock already.
    pub fn of(supervisor: &Supervisor) -> Result<Self> {
        let time = Manual::new(Instant::now(), UNIX_EPOCH + FIRST_WALL);
        let clock = Self { time: Arc::new(time), advancing: Arc::default(), governed: Arc::default() };
        clock.govern(supervisor)?;
        Ok(clock)
    }

    /// Takes over the clock of another supervisor, so that both go by the same time.
    ///
    /// # Errors
    ///
    /// As [`of`](TestClock::of).
    pub fn govern(&self, supervisor: &Supervisor) -> Result<()> {
        let core = &supervisor.core;
        if !core.clock.go_by(Arc::clone(&self.time)) {
            let cure =
                "must never have been started and have no test clock yet: take the clock first thing in the test";
            return Err(ConfigError::new("supervisor", core.name.clone(), cure).into());
        }
        core.pool.watch();
        core.lanes.watch();
        self.governed.lock().push(Arc::downgrade(core));
        Ok(())
    }

    /// The time on the clock that never jumps.
    pub fn now(&self) -> Instant {
        self.time.now()
    }

    /// The time on the wall clock.
    pub fn wall(&self) -> SystemTime {
        self.time.wall()
    }

    /// Sets the wall clock, as an administrator does, or a time server: forward, what is planned by it and has been passed
    /// runs once; back, it is planned anew. Intervals and delays do not notice. Then waits as
    /// [`run_until_idle`](TestClock::run_until_idle).
    pub fn set_wall(&self, wall: SystemTime) {
        self.time.set_wall(wall);
        self.run_until_idle();
    }

    /// Moves both clocks on by `by`, from planned moment to planned moment: at each, what is due runs to its end, and what
    /// that plans is part of the way. Never ends where a body does not; see [`jump`](TestClock::jump).
    ///
    /// Several threads may advance it at once: it moves by the sum, for one after the other. Inside a body of one of its supervisors it moves the clock,
    /// and waits for nobody.
    ///
    /// Further than an `Instant` reaches (`Duration::MAX`), it goes on as long as anything is planned, and stays at the last
    /// moment that was: that ends with delayed tasks, and never with what comes again and again.
    pub fn advance(&self, by: Duration) {
        let _alone = self.alone();
        let target = self.now().checked_add(by);
        self.run_until_idle();
        while let Deadline::At(next) = self.next_due()
            && target.is_none_or(|target| next <= target)
        {
            self.time.move_to(next);
            self.run_until_idle();
        }
        if let Some(target) = target {
            self.time.move_to(target);
        }
        self.run_until_idle();
    }

    /// Waits for its turn to advance. `None`: inside a body, which another who advances may be waiting for.
    fn alone(&self) -> Option<MutexGuard<'_, ()>> {
        let is_inside = self.cores().iter().any(|core| pool::is_inside(&core.pool));
        (!is_inside).then(|| self.advancing.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Moves both clocks on to the next planned moment, and runs what is due. By how much; `None`: nothing is planned.
    pub fn advance_to_next(&self) -> Option<Duration> {
        let _alone = self.alone();
        self.run_until_idle();
        let before = self.now();
        let Deadline::At(next) = self.next_due() else { return None };
        self.time.move_to(next);
        self.run_until_idle();
        Some(self.now() - before)
    }

    /// Moves both clocks on in one go and waits for nobody, as if nothing had got to run meanwhile: ticks are late, and
    /// missed. Not at all, where that is further than an `Instant` reaches.
    pub fn jump(&self, by: Duration) {
        if let Some(to) = self.now().checked_add(by) {
            self.time.move_to(to);
        }
        self.ring_due();
    }

    /// Runs everything that is due now, and waits until nothing runs or waits for a place.
    ///
    /// Inside a body of one of its supervisors it waits for nobody.
    pub fn run_until_idle(&self) {
        while self.ring_due() | self.settle() {}
    }

    fn cores(&self) -> Vec<Arc<Core>> {
        self.governed.lock().iter().filter_map(Weak::upgrade).collect()
    }

    fn next_due(&self) -> Deadline {
        self.cores().iter().map(|core| core.clock.next_due()).min().unwrap_or(Deadline::Never)
    }

    fn ring_due(&self) -> bool {
        // Each of them, so not `any`.
        self.cores().iter().filter(|core| core.clock.ring_due()).count() > 0
    }

    /// Waits until nothing runs. Whether it had to.
    fn settle(&self) -> bool {
        let cores = self.cores();
        let waits = |core: &&Arc<Core>| !pool::is_inside(&core.pool) && !core.is_at_rest();
        let busy: Vec<_> = cores.iter().filter(waits).collect();
        for core in &busy {
            core.changed.block_until(Deadline::Never, || core.is_at_rest().then_some(()));
        }
        !busy.is_empty()
    }
}

impl Core {
    /// Whether nothing runs or waits for a place.
    fn is_at_rest(&self) -> bool {
        self.pool.is_quiet() && self.lanes.is_quiet()
    }
}

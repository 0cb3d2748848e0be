//! When a worker is to run: its schedule, its flags and its counters, as plain data without a lock or a clock.

use std::time::{Duration, Instant};

use crate::clock::Key;
use crate::priority::Priority;
use crate::time::Deadline;

/// What an interval worker does about ticks that passed while it could not run. The words are tokio's.
///
/// ```text
/// every 1 s    tick 0    1         2         3         4         5
/// Skip         [ runs 1.5 s ]      [ ... ]   [ ... ]   [ ... ]       tick 1 is missed; starts stay on the grid
/// Burst        [ runs 1.5 s ][ ][ ][ ... ]   [ ... ]   [ ... ]       every tick has its run, late ones at once
/// Delay        [ runs 1.5 s ][ ... ]   [ ... ]   [ ... ]             a late tick runs at once, the grid moves
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MissedTick {
    /// They are skipped and counted; starts stay on the grid. The default.
    #[default]
    Skip,
    /// Each has its run, as soon as possible.
    Burst,
    /// The first has its run as soon as possible, and the grid goes on from there.
    Delay,
}

/// From this interval on, ticks may come a little late, so that those of many workers come together.
const TOLERANT_FROM: Duration = Duration::from_millis(100);
/// However long the interval, ticks are never made later than this.
const MAX_TOLERANCE: Duration = Duration::from_millis(1);

/// What makes a worker run.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Loop,
    Interval { every: Duration, missed: MissedTick },
    Delay { gap: Duration },
    Event,
    Queue,
}

/// What a worker is started with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    pub(super) kind: Kind,
    pub(super) priority: Priority,
    /// How long the first run waits.
    pub(super) initial: Duration,
}

/// Where a worker is in its life, beside what its bell says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Stopped,
    /// It has been let in, and its body is being put in place.
    Starting,
    Running,
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    Run,
    Nothing,
    Finish,
}

/// Why a run is done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cause {
    pub(super) due: Instant,
    pub(super) missed: u64,
}

/// Numbers since the start.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counters {
    pub(super) errors: u64,
    pub(super) panics: u64,
    pub(super) missed: u64,
    pub(super) discarded: u64,
}

pub(super) struct Plan {
    pub(super) kind: Kind,
    pub(super) priority: Priority,
    pub(super) phase: Phase,
    /// Counts the starts, so that one who waits for a stop tells it from a later life.
    pub(super) life: u64,
    /// A stop was asked for; `true`: with items discarded.
    pub(super) stopping: Option<bool>,
    pub(super) paused: bool,
    /// `on_start` is still to be called.
    pub(super) greeting: bool,
    /// A run was asked for off the schedule.
    pub(super) triggered: bool,
    /// A tick has come and waits for its run.
    tick: Option<Instant>,
    /// When the next tick comes.
    next: Deadline,
    /// The clock's key for it; `None` while it is not with the clock.
    pub(super) timer: Option<Key>,
    /// Where the grid stands: the last tick.
    anchor: Instant,
    /// A run is under way.
    in_run: bool,
    /// There was a pause since the last tick: what passed in it is not missed.
    excused: bool,
    /// Ticks missed since the last run.
    missed_since: u64,
    pub(super) counters: Counters,
    pub(super) last_run: Option<Instant>,
}

impl Plan {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            kind: Kind::Event,
            priority: Priority::Normal,
            phase: Phase::Stopped,
            life: 0,
            stopping: None,
            paused: false,
            greeting: false,
            triggered: false,
            tick: None,
            next: Deadline::Never,
            timer: None,
            anchor: now,
            in_run: false,
            excused: false,
            missed_since: 0,
            counters: Counters::default(),
            last_run: None,
        }
    }

    /// A new life begins at `now`; a stop that was asked for while it was being let in stays asked for.
    ///
    /// Gives the deadline to hand to the clock.
    pub(super) fn begin(&mut self, schedule: Schedule, greeting: bool, now: Instant) -> Option<Deadline> {
        let Schedule { kind, priority, initial } = schedule;
        let (life, stopping) = (self.life, self.stopping);
        *self = Self { kind, priority, phase: Phase::Running, life, stopping, greeting, ..Self::new(now) };
        if matches!(kind, Kind::Event | Kind::Queue) {
            return None;
        }
        self.come_at(Deadline::after(now, initial), now)
    }

    /// What is to be done, with so many items waiting.
    pub(super) fn want(&self, items: usize) -> Want {
        if self.greeting && self.stopping.is_none() {
            return Want::Run;
        }
        if let Some(discard) = self.stopping {
            return if items > 0 && !discard { Want::Run } else { Want::Finish };
        }
        let asked = self.triggered || self.tick.is_some() || items > 0;
        if asked && !self.paused { Want::Run } else { Want::Nothing }
    }

    /// A run starts at `now`: why.
    pub(super) fn begin_run(&mut self, now: Instant) -> Cause {
        self.in_run = true;
        self.triggered = false;
        self.last_run = Some(now);
        let missed = std::mem::take(&mut self.missed_since);
        let tick = self.tick.take();
        if let Some(tick) = tick {
            // Not back behind a `set_interval` that came while the tick waited.
            self.anchor = self.anchor.max(tick);
        }
        let due = match self.kind {
            Kind::Interval { .. } | Kind::Delay { .. } => tick.unwrap_or(now),
            Kind::Loop | Kind::Event | Kind::Queue => now,
        };
        Cause { due, missed }
    }

    /// A run has ended at `now`. Gives the key to take back, and the deadline to hand to the clock.
    pub(super) fn end_run(&mut self, now: Instant) -> (Option<Key>, Option<Deadline>) {
        let stale = if let Kind::Delay { .. } = self.kind {
            // The gap counts from the end of every run, a triggered one too.
            self.tick = None;
            self.timer.take()
        } else {
            None
        };
        (stale, self.plan_next(now))
    }

    fn plan_next(&mut self, now: Instant) -> Option<Deadline> {
        self.in_run = false;
        let excused = std::mem::take(&mut self.excused);
        if self.timer.is_some() || self.tick.is_some() {
            // A run off the grid: the tick is still to come, or has come meanwhile.
            return None;
        }
        match self.kind {
            Kind::Event | Kind::Queue => None,
            Kind::Loop => self.come_at(Deadline::At(now), now),
            Kind::Delay { gap } => self.come_at(Deadline::after(now, gap), now),
            Kind::Interval { every, missed } => {
                let next = Deadline::after(self.anchor, every);
                if !next.is_due(now) {
                    return self.come_at(next, now);
                }
                let (next, skipped) = self.catch_up(next, every, missed, now);
                if !excused {
                    self.missed_since = skipped;
                    self.counters.missed += skipped;
                }
                self.come_at(next, now)
            }
        }
    }

    /// The next tick after `late`, the first one that passed unseen, and how many are missed by that.
    fn catch_up(&self, late: Deadline, every: Duration, missed: MissedTick, now: Instant) -> (Deadline, u64) {
        let Deadline::At(late) = late else { return (Deadline::Never, 0) };
        let passed = ticks_passed(late, every, now);
        match missed {
            MissedTick::Skip => (after_ticks(late, every, passed), passed),
            MissedTick::Burst => (Deadline::At(late), 0),
            MissedTick::Delay => (Deadline::At(now), passed - 1),
        }
    }

    /// How late its tick may come. Only that: the grid, and the gap after a run, are kept.
    pub(super) fn tolerance(&self) -> Duration {
        match self.kind {
            Kind::Interval { every, .. } | Kind::Delay { gap: every } if every >= TOLERANT_FROM => {
                (every / 1000).min(MAX_TOLERANCE)
            }
            _ => Duration::ZERO,
        }
    }

    /// The tick with that key has come. `false`: it is not the one that is waited for any more.
    pub(super) fn ring(&mut self, key: Key) -> bool {
        let expected = self.timer == Some(key);
        if expected {
            self.timer = None;
            self.tick = self.next.instant();
        }
        expected
    }

    /// A pause begins. Gives the key to take back from the clock.
    pub(super) fn pause(&mut self) -> Option<Key> {
        self.paused = true;
        self.excused = true;
        self.timer.take()
    }

    /// The pause ends. Gives the deadline to hand to the clock.
    pub(super) fn resume(&mut self, now: Instant) -> Option<Deadline> {
        self.paused = false;
        if self.in_run || self.tick.is_some() || matches!(self.kind, Kind::Event | Kind::Queue) {
            // The end of the run under way, or of the one whose tick came before the pause, plans the next tick.
            return None;
        }
        self.excused = false;
        let next = match (self.kind, self.next) {
            // Ticks in the pause are not missed ticks: the grid goes on with its next one.
            (Kind::Interval { every, .. }, Deadline::At(next)) if next < now => {
                after_ticks(next, every, ticks_passed(next, every, now))
            }
            (_, next) => next,
        };
        self.come_at(next, now)
    }

    /// Another interval (or gap) from `now` on. Gives the key to take back, and the deadline to hand to the clock.
    pub(super) fn set_interval(&mut self, interval: Duration, now: Instant) -> (Option<Key>, Option<Deadline>) {
        match &mut self.kind {
            Kind::Interval { every, .. } => *every = interval,
            Kind::Delay { gap } => *gap = interval,
            Kind::Loop | Kind::Event | Kind::Queue => return (None, None),
        }
        self.anchor = now;
        let next = Deadline::after(now, interval);
        if self.in_run || self.tick.is_some() {
            // The end of the run plans the next tick, from the new anchor.
            return (self.timer.take(), None);
        }
        if self.paused {
            self.next = next;
            return (None, None);
        }
        (self.timer.take(), self.come_at(next, now))
    }

    /// Plans the next tick; one that is due already comes at once. Gives the deadline to hand to the clock.
    fn come_at(&mut self, next: Deadline, now: Instant) -> Option<Deadline> {
        self.next = next;
        if self.paused {
            return None;
        }
        match next {
            Deadline::At(due) if due <= now => {
                self.tick = Some(due);
                None
            }
            Deadline::Never => None,
            Deadline::At(_) => Some(next),
        }
    }

    /// When the next run is due, where that is known.
    pub(super) fn next_run(&self) -> Option<Instant> {
        self.tick.or_else(|| self.timer.and(self.next.instant()))
    }
}

/// How many ticks of a grid have come between `first` and `now`, the first included.
fn ticks_passed(first: Instant, every: Duration, now: Instant) -> u64 {
    let passed = now.saturating_duration_since(first).as_nanos() / every.as_nanos().max(1);
    u64::try_from(passed).unwrap_or(u64::MAX).saturating_add(1)
}

/// The tick that many periods after `first`.
fn after_ticks(first: Instant, every: Duration, ticks: u64) -> Deadline {
    let nanos = every.as_nanos().saturating_mul(u128::from(ticks));
    let span = u64::try_from(nanos / 1_000_000_000).map_or(Duration::MAX, |secs| {
        Duration::new(secs, u32::try_from(nanos % 1_000_000_000).expect("below a billion"))
    });
    Deadline::after(first, span)
}

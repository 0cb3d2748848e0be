//! When a worker is to run: its terms, its flags and its counters, as plain data without a lock or a clock.

use std::time::{Duration, Instant, SystemTime};

use super::details::Details;
use super::grid::{self, MissedTick};
use crate::clock::Key;
use crate::priority::Priority;
use crate::time::{Deadline, When, tolerance};

/// What makes a worker run.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Loop,
    Interval {
        every: Duration,
        missed: MissedTick,
    },
    Delay {
        gap: Duration,
    },
    /// By a schedule that its body keeps, and that is asked outside the plan's lock.
    Scheduled {
        is_cron: bool,
    },
    Event,
    Queue,
}

impl Kind {
    /// Whether the clock makes it run.
    pub(super) fn is_timed(self) -> bool {
        matches!(self, Self::Interval { .. } | Self::Delay { .. } | Self::Scheduled { .. })
    }
}

/// What a worker is started with.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    pub(super) kind: Kind,
    pub(super) priority: Priority,
    /// How long the first run waits.
    pub(super) initial: Duration,
    /// What few workers have.
    pub(super) details: Option<Box<Details>>,
}

/// What the clocks show.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) at: Instant,
    /// Read only for a plan that [reads it](Plan::reads_wall).
    pub(super) wall: Option<SystemTime>,
}

impl Now {
    fn wall(self) -> SystemTime {
        self.wall.expect("read for every plan that says so")
    }

    /// When that is, on the clock that never jumps, as it looks now.
    pub(super) fn deadline(self, when: When) -> Deadline {
        match when {
            When::At(at) => Deadline::At(at),
            When::Wall(wall) => match wall.duration_since(self.wall()) {
                Ok(ahead) => Deadline::after(self.at, ahead),
                Err(behind) => Deadline::At(self.at.checked_sub(behind.duration()).unwrap_or(self.at)),
            },
        }
    }

    fn has_come(self, when: When) -> bool {
        match when {
            When::At(at) => at <= self.at,
            When::Wall(wall) => wall <= self.wall(),
        }
    }
}

/// What a schedule says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    /// `None`: there is no next run.
    pub(super) next: Option<When>,
    /// Runs that were due meanwhile, and are skipped.
    pub(super) missed: u64,
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
    /// The next run is to be planned anew.
    Plan,
    /// Its last run has been: it is to stop.
    End,
    Nothing,
    Finish,
}

/// Why a run is done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cause {
    pub(super) due: Instant,
    /// Where it was planned by the wall clock.
    pub(super) on_wall: Option<SystemTime>,
    pub(super) missed: u64,
    /// For a tick, and not for a trigger alone.
    pub(super) is_planned: bool,
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
    /// The next run is to be planned anew.
    replan: bool,
    /// No run is to start any more.
    over: bool,
    details: Option<Box<Details>>,
    /// A tick has come and waits for its run.
    tick: Option<When>,
    /// When the next tick comes.
    next: Option<When>,
    /// The clock's key for it; `None` while it is not with the clock.
    pub(super) timer: Option<Key>,
    /// Where the grid stands: the last tick.
    anchor: When,
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
            replan: false,
            over: false,
            details: None,
            tick: None,
            next: None,
            timer: None,
            anchor: When::At(now),
            in_run: false,
            excused: false,
            missed_since: 0,
            counters: Counters::default(),
            last_run: None,
        }
    }

    /// A new life begins; a stop that was asked for while it was being let in stays asked for.
    ///
    /// `answer`: what the schedule says, of a worker that has one. Gives what to hand to the clock.
    pub(super) fn begin(
        &mut self,
        greeting: bool,
        answer: Option<Answer>,
        initial: Duration,
        now: Now,
    ) -> Option<When> {
        self.greeting = greeting;
        self.anchor = When::At(now.at);
        match self.kind {
            Kind::Queue => None,
            Kind::Event => self.come_at(None, now),
            Kind::Scheduled { .. } => self.follow(answer, now),
            Kind::Interval { every, .. } if self.is_aligned() => {
                let from = now.wall().checked_add(initial);
                let first = from.and_then(|from| grid::multiple_from(from, every)).map(When::Wall);
                self.come_at(first, now)
            }
            _ => self.come_at(Deadline::after(now.at, initial).instant().map(When::At), now),
        }
    }

    /// Takes the terms of the life that begins.
    pub(super) fn take_up(&mut self, terms: &Terms, now: Instant) {
        let (life, stopping) = (self.life, self.stopping);
        let Terms { kind, priority, ref details, .. } = *terms;
        let details = details.clone();
        *self = Self { kind, priority, phase: Phase::Running, life, stopping, details, ..Self::new(now) };
    }

    /// Whether [`Now::wall`] is to be read for it.
    pub(super) fn reads_wall(&self) -> bool {
        matches!(self.kind, Kind::Scheduled { .. }) || self.details.as_ref().is_some_and(|details| details.read_wall())
    }

    fn is_aligned(&self) -> bool {
        self.details.as_ref().is_some_and(|details| details.is_aligned())
    }

    /// What is to be done, with so many items waiting.
    pub(super) fn want(&self, items: usize) -> Want {
        if self.greeting && self.stopping.is_none() {
            return Want::Run;
        }
        if let Some(discard) = self.stopping {
            return if items > 0 && !discard { Want::Run } else { Want::Finish };
        }
        if self.over {
            return Want::End;
        }
        if self.replan {
            return Want::Plan;
        }
        let asked = self.triggered || self.tick.is_some() || items > 0;
        if asked && !self.paused { Want::Run } else { Want::Nothing }
    }

    /// Until when the one who has it is to stay awake, before the run that is wanted: of a precise worker, which is
    /// called a little early.
    pub(super) fn awaits(&self, now: Now) -> Option<Instant> {
        let details = self.details.as_ref().filter(|_| !self.triggered)?;
        let due = now.deadline(self.tick?).instant()?;
        // What is longer comes of a wall clock that was put back.
        (due > now.at && due - now.at <= details.early()).then_some(due)
    }

    /// A run starts: why.
    pub(super) fn begin_run(&mut self, now: Now) -> Cause {
        self.in_run = true;
        let triggered = std::mem::take(&mut self.triggered);
        self.last_run = Some(now.at);
        let missed = std::mem::take(&mut self.missed_since);
        // One that was called early, and triggered meanwhile, is run for the trigger, and has its tick after that.
        let tick = if triggered && self.awaits(now).is_some() { None } else { self.tick.take() };
        if let Some(tick) = tick {
            self.anchor = match (self.anchor, tick) {
                // Not back behind a `set_interval` that came while the tick waited.
                (When::At(anchor), When::At(tick)) => When::At(anchor.max(tick)),
                _ => tick,
            };
        }
        let planned = tick.filter(|_| self.kind.is_timed());
        let due = planned.and_then(|tick| now.deadline(tick).instant()).unwrap_or(now.at);
        let on_wall = match planned {
            Some(When::Wall(wall)) => Some(wall),
            _ => None,
        };
        Cause { due, on_wall, missed, is_planned: planned.is_some() }
    }

    /// Whether its schedule is to be asked at the end of a run.
    pub(super) fn asks(&self) -> bool {
        matches!(self.kind, Kind::Scheduled { .. }) && self.timer.is_none() && self.tick.is_none()
    }

    /// A run has ended. Gives the key to take back, and what to hand to the clock.
    pub(super) fn end_run(&mut self, answer: Option<Answer>, now: Now) -> (Option<Key>, Option<When>) {
        if self.details.as_mut().is_some_and(|details| details.was_last_run()) {
            self.over = true;
        }
        let stale = if let Kind::Delay { .. } = self.kind {
            // The gap counts from the end of every run, a triggered one too.
            self.tick = None;
            self.timer.take()
        } else {
            None
        };
        (stale, self.plan_next(answer, now))
    }

    fn plan_next(&mut self, answer: Option<Answer>, now: Now) -> Option<When> {
        self.in_run = false;
        self.expire(now);
        let excused = std::mem::take(&mut self.excused);
        if self.over || self.timer.is_some() || self.tick.is_some() {
            // Or a run off the grid: the tick is still to come, or has come meanwhile.
            return None;
        }
        let (next, missed) = match (self.kind, self.anchor) {
            (Kind::Queue, _) => return None,
            (Kind::Event, _) => (None, 0),
            (Kind::Loop, _) => (Some(When::At(now.at)), 0),
            (Kind::Delay { gap }, _) => (Deadline::after(now.at, gap).instant().map(When::At), 0),
            (Kind::Scheduled { .. }, _) => {
                self.note_missed(answer.map_or(0, |answer| answer.missed), excused);
                return self.follow(answer, now);
            }
            (Kind::Interval { every, missed }, _) if self.is_aligned() => {
                let last = match self.anchor {
                    When::Wall(last) => Some(last),
                    When::At(_) => None,
                };
                let (next, missed) = grid::next_on_wall(last, every, missed, now.wall());
                (next.map(When::Wall), missed)
            }
            (Kind::Interval { every, missed }, When::At(last)) => {
                let (next, missed) = grid::next(last, every, missed, now.at);
                (next.instant().map(When::At), missed)
            }
            (Kind::Interval { .. }, When::Wall(_)) => unreachable!("only an aligned grid stands on the wall clock"),
        };
        self.note_missed(missed, excused);
        self.come_at(next, now)
    }

    fn note_missed(&mut self, missed: u64, excused: bool) {
        if !excused {
            self.missed_since = missed;
            self.counters.missed += missed;
        }
    }

    /// Does as its schedule says. One that was not asked, since a tick was still to come which a pause has taken back, is
    /// asked later.
    fn follow(&mut self, answer: Option<Answer>, now: Now) -> Option<When> {
        match answer {
            Some(Answer { next: Some(next), .. }) => return self.come_at(Some(next), now),
            Some(Answer { next: None, .. }) => self.over = true,
            None => self.replan = true,
        }
        None
    }

    /// Plans the next run anew: after a pause, or when the wall clock was set. Gives what to hand to the clock.
    pub(super) fn plan_anew(&mut self, answer: Option<Answer>, now: Now) -> Option<When> {
        self.replan = false;
        if self.in_run || self.timer.is_some() || self.tick.is_some() {
            return None;
        }
        self.excused = true;
        let next = self.plan_next(answer, now);
        self.excused = self.paused;
        next
    }

    /// How late its tick may come. Only that: the grid, and the gap after a run, are kept.
    pub(super) fn tolerance(&self) -> Duration {
        let said = self.details.as_ref().and_then(|details| details.tolerance());
        said.unwrap_or_else(|| match self.kind {
            Kind::Interval { every, .. } | Kind::Delay { gap: every } => tolerance(every),
            _ => Duration::ZERO,
        })
    }

    /// The bell with that key has been rung. `false`: it is not the one that is waited for any more.
    ///
    /// `now` is read for those that need it.
    pub(super) fn ring(&mut self, key: Key, now: impl FnOnce(&Self) -> Now) -> bool {
        if self.timer != Some(key) {
            return false;
        }
        self.timer = None;
        if self.details.is_some() || self.reads_wall() {
            let now = now(self);
            self.expire(now);
            let early = self.details.as_ref().map_or(Duration::ZERO, |details| details.early());
            if let Some(When::Wall(due)) = self.next
                && due.duration_since(now.wall()).is_ok_and(|ahead| ahead > early)
            {
                // The wall clock was put back, or goes slower than it did.
                self.replan = true;
                return true;
            }
        }
        if !self.over {
            self.tick = self.next;
        }
        true
    }

    /// A precise worker was called early for a tick that is due then, and has its thread at `now`.
    pub(super) fn arrived_for(&mut self, due: Instant, now: Instant) {
        if let Some(details) = &mut self.details {
            details.learn(due, now);
        }
    }

    /// No run starts from its end on.
    pub(super) fn expire(&mut self, now: Now) {
        if let Some(until) = self.details.as_ref().and_then(|details| details.until())
            && now.has_come(until)
        {
            self.over = true;
        }
    }

    /// A pause begins. Gives the key to take back from the clock.
    pub(super) fn pause(&mut self) -> Option<Key> {
        self.paused = true;
        self.excused = true;
        self.timer.take()
    }

    /// The pause ends. Gives what to hand to the clock.
    pub(super) fn resume(&mut self, now: Now) -> Option<When> {
        self.paused = false;
        if self.in_run || self.tick.is_some() || matches!(self.kind, Kind::Queue) {
            // The end of the run under way, or of the one whose tick came before the pause, plans the next tick.
            return None;
        }
        if self.is_aligned() || matches!(self.kind, Kind::Scheduled { .. }) {
            self.replan = true;
            return None;
        }
        self.excused = false;
        let next = match (self.kind, self.next) {
            // Ticks in the pause are not missed ticks: the grid goes on with its next one.
            (Kind::Interval { every, .. }, Some(When::At(next))) if next < now.at => {
                grid::first_after(next, every, now.at).instant().map(When::At)
            }
            (_, next) => next,
        };
        self.come_at(next, now)
    }

    /// Another interval (or gap) from now on. Gives the key to take back, and what to hand to the clock.
    pub(super) fn set_interval(&mut self, interval: Duration, now: Now) -> (Option<Key>, Option<When>) {
        match &mut self.kind {
            Kind::Interval { every, .. } => *every = interval,
            Kind::Delay { gap } => *gap = interval,
            _ => return (None, None),
        }
        let next = if self.is_aligned() {
            // On the new grid, which stands where the wall clock has it.
            grid::next_on_wall(None, interval, MissedTick::Skip, now.wall()).0.map(When::Wall)
        } else {
            self.anchor = When::At(now.at);
            Deadline::after(now.at, interval).instant().map(When::At)
        };
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

    /// Plans the next tick; one that is due already comes at once. Gives what to hand to the clock.
    fn come_at(&mut self, next: Option<When>, now: Now) -> Option<When> {
        self.next = next;
        if self.paused {
            return None;
        }
        let Some(details) = &self.details else {
            // Most have none of that.
            if next.is_some_and(|next| now.has_come(next)) {
                self.tick = next;
                return None;
            }
            return next;
        };
        let called = next.map(|next| details.call_for(next));
        if called.is_some_and(|called| now.has_come(called)) {
            self.tick = next;
            return None;
        }
        // Rung at its end too, so that it ends then.
        let first = [called, details.until()].into_iter().flatten().min_by_key(|when| now.deadline(*when));
        first.filter(|when| now.deadline(*when) != Deadline::Never)
    }

    /// When the next run is due, where that is known.
    pub(super) fn next_run(&self) -> Option<When> {
        self.tick.or_else(|| self.timer.and(self.next))
    }
}

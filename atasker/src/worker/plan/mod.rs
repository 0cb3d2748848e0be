//! When a worker is to run: its terms, its flags and its counters, as plain data without a lock or a clock.

mod next;
mod terms;

use std::time::{Duration, Instant, SystemTime};

use super::details::Details;
use super::grid;
use super::mailbox::Intake;
use crate::clock::Key;
use crate::owner::Scope;
use crate::priority::Priority;
use crate::time::{Deadline, When, tolerance};
pub(super) use terms::{Answer, Kind, Now, Terms};

/// Where a worker is in its life, beside what its bell says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Stopped,
    /// It has been let in, and its body is being put in place.
    Starting,
    Running,
}

/// How far a worker is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    /// It stays.
    No,
    /// Its supervisor or its lane drains: what was put or triggered is run, and what bodies within that put and trigger; it
    /// starts nothing by itself, and stays until it is told to end.
    Draining(Scope),
    /// The same, but nothing more is run: what was queued was discarded.
    Resting,
    /// It ends, once what is queued has been run or discarded.
    Ending {
        /// What is queued is discarded.
        discard: bool,
    },
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
    pub(super) leaving: Leaving,
    /// A bounded stop has given up on this life.
    pub(super) given_up: bool,
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
    /// The next tick has come and waits for its run.
    ticked: bool,
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
            leaving: Leaving::No,
            given_up: false,
            paused: false,
            greeting: false,
            triggered: false,
            replan: false,
            over: false,
            details: None,
            ticked: false,
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
        let (life, leaving) = (self.life, self.leaving);
        let Terms { kind, priority, ref details, .. } = *terms;
        let details = details.clone();
        *self = Self { kind, priority, phase: Phase::Running, life, leaving, details, ..Self::new(now) };
    }

    /// Whether it is on its way out.
    pub(super) fn is_leaving(&self) -> bool {
        self.leaving != Leaving::No
    }

    /// From whom a queue worker takes items.
    pub(super) fn intake(&self) -> Intake {
        match self.leaving {
            Leaving::No => Intake::Everybody,
            Leaving::Draining(_) => Intake::Bodies,
            Leaving::Resting | Leaving::Ending { .. } => Intake::Nobody,
        }
    }

    /// It goes that far on its way out, and never back.
    pub(super) fn leave(&mut self, how: Leaving) {
        self.leaving = match (self.leaving, how) {
            (Leaving::Ending { discard }, Leaving::Ending { discard: also }) => {
                Leaving::Ending { discard: discard || also }
            }
            (ending @ Leaving::Ending { .. }, _) => ending,
            (Leaving::Resting, Leaving::Draining(_)) => Leaving::Resting,
            (Leaving::Draining(Scope::Supervisor), Leaving::Draining(_)) => self.leaving,
            (_, how) => how,
        };
        self.paused = false;
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
        match self.leaving {
            Leaving::No if self.greeting => return Want::Run,
            Leaving::No => {}
            Leaving::Draining(_) | Leaving::Resting if self.over => return Want::End,
            Leaving::Resting => return Want::Nothing,
            Leaving::Draining(_) => {
                let asked = items > 0 || self.triggered && self.kind.is_asked();
                return if asked { Want::Run } else { Want::Nothing };
            }
            Leaving::Ending { discard } => return if items > 0 && !discard { Want::Run } else { Want::Finish },
        }
        if self.over {
            return Want::End;
        }
        if self.replan {
            return Want::Plan;
        }
        let asked = self.triggered || self.ticked || items > 0;
        if asked && !self.paused { Want::Run } else { Want::Nothing }
    }

    /// Until when the one who has it is to stay awake, before the run that is wanted: of a precise worker, which is
    /// called a little early.
    pub(super) fn awaits(&self, now: Now) -> Option<Instant> {
        let details = self.details.as_ref().filter(|_| !self.triggered)?;
        let due = now.deadline(self.tick()?).instant()?;
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
        let tick = self.tick().filter(|_| !triggered || self.awaits(now).is_none());
        self.ticked &= tick.is_none();
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
        matches!(self.kind, Kind::Scheduled { .. }) && !self.has_tick_coming() && !self.ticked
    }

    /// A run has ended. Gives the key to take back, and what to hand to the clock.
    pub(super) fn end_run(&mut self, answer: Option<Answer>, now: Now) -> (Option<Key>, Option<When>) {
        if self.details.as_mut().is_some_and(|details| details.was_last_run()) {
            self.over = true;
        }
        let stale = if let Kind::Delay { .. } = self.kind {
            // The gap counts from the end of every run, a triggered one too.
            self.ticked = false;
            self.timer.take_if(|_| !self.paused)
        } else {
            None
        };
        (stale, self.plan_next(answer, now))
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
            if self.paused && !self.over {
                // The wall clock was put back, and its end is to be waited for anew.
                self.replan = true;
                return true;
            }
            let early = self.details.as_ref().map_or(Duration::ZERO, |details| details.early());
            let called = Deadline::after(now.at, early);
            if !self.over && self.next.is_none_or(|next| now.deadline(next) > called) {
                // The wall clock was put back, or goes slower than it did.
                self.replan = true;
                return true;
            }
        }
        self.ticked = !self.over;
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
        self.over |= self.until().is_some_and(|until| now.has_come(until));
    }

    /// A pause begins. Gives the key to take back from the clock, and what to hand to it: its end comes in a pause too.
    pub(super) fn pause(&mut self) -> (Option<Key>, Option<When>) {
        self.paused = true;
        self.excused = true;
        (self.timer.take(), self.until())
    }

    /// From when on no run starts.
    fn until(&self) -> Option<When> {
        self.details.as_ref().and_then(|details| details.until())
    }

    /// Whether the clock will ring for its next tick. In a pause it rings for its end at most.
    fn has_tick_coming(&self) -> bool {
        self.timer.is_some() && !self.paused
    }

    /// Whether it takes no trigger any more.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// When the next run is due, where that is known.
    pub(super) fn next_run(&self) -> Option<When> {
        self.next.filter(|_| self.ticked || self.has_tick_coming())
    }

    fn tick(&self) -> Option<When> {
        self.next.filter(|_| self.ticked)
    }
}

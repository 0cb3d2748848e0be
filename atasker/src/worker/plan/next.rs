//! When the next tick comes: after a run, a pause, another interval.

use std::time::Duration;

use super::super::grid::{self, MissedTick};
use super::{Answer, Kind, Now, Plan};
use crate::clock::Key;
use crate::error::ConfigError;
use crate::time::{Deadline, When};

impl Plan {
    /// Plans the next tick, where there is no other to come. Gives what to hand to the clock.
    pub(super) fn plan_next(&mut self, answer: Option<Answer>, now: Now) -> Option<When> {
        self.in_run = false;
        self.expire(now);
        let excused = std::mem::take(&mut self.excused);
        if self.over || self.has_tick_coming() || self.ticked {
            // Or a run off the grid: the tick is still to come, or has come meanwhile.
            return None;
        }
        // What passed in a pause, or was passed over by a clock that was set, is not made up for, and not missed.
        let excused = excused || self.was_set_forward(now);
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
                let policy = if excused { MissedTick::Skip } else { missed };
                let (next, missed) = grid::next_on_wall(last, every, policy, now.wall());
                (next.map(When::Wall), missed)
            }
            (Kind::Interval { every, missed }, When::At(last)) => {
                let policy = if excused { MissedTick::Skip } else { missed };
                let (next, missed) = grid::next(last, every, policy, now.at);
                (next.instant().map(When::At), missed)
            }
            (Kind::Interval { .. }, When::Wall(_)) => unreachable!("only an aligned grid stands on the wall clock"),
        };
        self.note_missed(missed, excused);
        self.come_at(next, now)
    }

    /// Whether the wall clock was set forward since the tick was planned that its last run was for: by a period at least, since
    /// that is what a run more or less would tell.
    fn was_set_forward(&self, now: Now) -> bool {
        let (Kind::Interval { every, .. }, When::Wall(last)) = (self.kind, self.anchor) else { return false };
        self.details.as_ref().is_some_and(|details| details.is_ahead_by(every, last, now))
    }

    fn note_missed(&mut self, missed: u64, excused: bool) {
        if !excused {
            self.missed_since = missed;
            // A schedule of the user's says what it likes.
            self.counters.missed = self.counters.missed.saturating_add(missed);
        }
    }

    /// Does as its schedule says. One that was not asked, since a tick was still to come which a pause has taken back, is
    /// asked later.
    pub(super) fn follow(&mut self, answer: Option<Answer>, now: Now) -> Option<When> {
        match answer {
            Some(Answer { next: Some(next), .. }) => return self.come_at(Some(next), now),
            Some(Answer { next: None, .. }) => self.over = true,
            None => self.replan = true,
        }
        None
    }

    /// Plans the next run anew: after a pause, or when the wall clock was set. Gives what to hand to the clock.
    pub(in crate::worker) fn plan_anew(&mut self, answer: Option<Answer>, now: Now) -> Option<When> {
        self.replan = false;
        if self.in_run || self.has_tick_coming() || self.ticked {
            return None;
        }
        self.excused = true;
        let next = self.plan_next(answer, now);
        self.excused = self.paused;
        next
    }

    /// The pause ends. Gives the key to take back, and what to hand to the clock.
    pub(in crate::worker) fn resume(&mut self, now: Now) -> (Option<Key>, Option<When>) {
        let ended = self.timer.take();
        self.paused = false;
        (ended, self.go_on(now))
    }

    fn go_on(&mut self, now: Now) -> Option<When> {
        if self.in_run || self.ticked || matches!(self.kind, Kind::Queue) {
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
                grid::first_from(next, every, now.at).instant().map(When::At)
            }
            (_, next) => next,
        };
        self.come_at(next, now)
    }

    /// Another interval (or gap) from now on. Gives the key to take back, and what to hand to the clock.
    ///
    /// Where its jitter or its tolerance is too long for that, nothing changes.
    pub(in crate::worker) fn set_interval(
        &mut self,
        interval: Duration,
        now: Now,
    ) -> Result<(Option<Key>, Option<When>), ConfigError> {
        if let (Some(details), true) = (&mut self.details, self.kind.is_timed()) {
            details.fit(interval)?;
        }
        Ok(self.go_by(interval, now))
    }

    fn go_by(&mut self, interval: Duration, now: Now) -> (Option<Key>, Option<When>) {
        match &mut self.kind {
            Kind::Interval { every, .. } => *every = interval,
            Kind::Delay { gap } => *gap = interval,
            _ => return (None, None),
        }
        let next = if self.is_aligned() {
            // On the new grid, which stands where the wall clock has it.
            self.anchor = When::Wall(now.wall());
            grid::next_on_wall(None, interval, MissedTick::Skip, now.wall()).0.map(When::Wall)
        } else {
            self.anchor = When::At(now.at);
            Deadline::after(now.at, interval).instant().map(When::At)
        };
        if self.in_run || self.ticked {
            // The end of the run plans the next tick, from the new anchor.
            return (self.timer.take_if(|_| !self.paused), None);
        }
        if self.paused {
            self.next = next;
            return (None, None);
        }
        (self.timer.take(), self.come_at(next, now))
    }

    /// Plans the next tick; one that is due already comes at once. Gives what to hand to the clock.
    pub(super) fn come_at(&mut self, next: Option<When>, now: Now) -> Option<When> {
        self.next = next;
        if let Some(details) = &mut self.details {
            details.note_planned(next, now);
        }
        if self.paused {
            return self.until().filter(|_| self.timer.is_none());
        }
        let Some(details) = &self.details else {
            // Most have none of that.
            self.ticked = next.is_some_and(|next| now.has_come(next));
            return next.filter(|_| !self.ticked);
        };
        let called = next.map(|next| details.call_for(next));
        if called.is_some_and(|called| now.has_come(called)) {
            self.ticked = true;
            return None;
        }
        // Rung at its end too, so that it ends then.
        let first = [called, details.until()].into_iter().flatten().min_by_key(|when| now.deadline(*when));
        first.filter(|when| now.deadline(*when) != Deadline::Never)
    }
}

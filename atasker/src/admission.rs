//! The one rule that says who may start: ceilings that rise with priority, and the places in use.
//!
//! The pool asks it for its threads and a lane for its bodies in flight; it knows neither. Plain data, to be kept under
//! the lock of whoever asks.

use crate::priority::{PerPriority, Priority};

/// The ceilings: what has a priority may be admitted while fewer places than this are in use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    low: usize,
    normal: usize,
    high: usize,
    /// `Critical` bodies that may run beside the places.
    critical: usize,
}

impl Limits {
    /// Nothing may be admitted.
    pub(crate) const NONE: Self = Self { low: 0, normal: 0, high: 0, critical: 0 };

    /// `pool_size` of 0: unlimited, and the reserves mean nothing.
    pub(crate) fn new(pool_size: usize, reserve_normal: usize, reserve_high: usize, critical_max: usize) -> Self {
        if pool_size == 0 {
            return Self { low: usize::MAX, normal: usize::MAX, high: usize::MAX, critical: critical_max };
        }
        let normal = pool_size + reserve_normal;
        Self { low: pool_size, normal, high: normal + reserve_high, critical: critical_max }
    }

    pub(crate) fn places(&self, priority: Priority) -> usize {
        match priority {
            Priority::Low => self.low,
            Priority::Normal => self.normal,
            Priority::High | Priority::Critical => self.high,
        }
    }
}

/// What an admitted body takes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seat {
    /// One of the places.
    Place,
    /// That of a `Critical` body: beside the places while there are no more of them than the limit, else one of the
    /// places. Which of them takes one is not said: when one ends, all that are left may be beside.
    Critical,
}

/// The places, and how many of them are in use.
#[derive(Debug)]
pub(crate) struct Places {
    limits: Limits,
    /// Invariant: when one is taken for priority p, it was below p's ceiling
    /// (`ceilings_order_and_work_conservation_are_exact_under_random_load`).
    taken: usize,
    /// `Critical` bodies.
    critical: usize,
}

impl Places {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, taken: 0, critical: 0 }
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// Other ceilings. What is in use stays so: nothing more is admitted until it is below the new ones.
    pub(crate) fn limit(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// What the next body of that priority would take up. `None`: it does not fit.
    ///
    /// Ceilings rise with priority, so if the first of the highest priority that waits does not fit, nothing behind it
    /// fits: whoever goes from high to low asks once and is done (`no_high_starts_after_any_low_when_a_slot_opens`).
    pub(crate) fn seat(&self, priority: Priority) -> Option<Seat> {
        let seat = if priority == Priority::Critical { Seat::Critical } else { Seat::Place };
        let is_beside = seat == Seat::Critical && self.free_beside() > 0;
        (is_beside || self.used() < self.limits.places(priority)).then_some(seat)
    }

    pub(crate) fn take(&mut self, seat: Seat) {
        match seat {
            Seat::Place => self.taken += 1,
            Seat::Critical => self.critical += 1,
        }
    }

    pub(crate) fn release(&mut self, seat: Seat) {
        match seat {
            Seat::Place => self.taken -= 1,
            Seat::Critical => self.critical -= 1,
        }
    }

    /// Everything is given back at once.
    pub(crate) fn release_all(&mut self) {
        (self.taken, self.critical) = (0, 0);
    }

    /// Places in use.
    pub(crate) fn used(&self) -> usize {
        self.taken + self.critical.saturating_sub(self.limits.critical)
    }

    pub(crate) fn is_unused(&self) -> bool {
        self.taken + self.critical == 0
    }

    /// How many of that priority could be admitted this moment, if nothing else waited.
    pub(crate) fn free(&self, priority: Priority) -> usize {
        let free = self.limits.places(priority).saturating_sub(self.used());
        if priority == Priority::Critical { free.saturating_add(self.free_beside()) } else { free }
    }

    /// How many of those that wait could be admitted this moment.
    pub(crate) fn fitting(&self, waiting: PerPriority<usize>) -> usize {
        let beside = waiting.critical.min(self.free_beside());
        let (mut used, mut fitting) = (self.used(), beside);
        for (waiting, limit) in [
            (waiting.critical - beside + waiting.high, self.limits.high),
            (waiting.normal, self.limits.normal),
            (waiting.low, self.limits.low),
        ] {
            let fits = waiting.min(limit.saturating_sub(used));
            fitting += fits;
            used += fits;
        }
        fitting
    }

    fn free_beside(&self) -> usize {
        self.limits.critical.saturating_sub(self.critical)
    }
}

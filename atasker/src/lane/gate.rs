//! What a lane's lock guards: who waits, who is in flight, and what has been counted.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use slab::Slab;
use tokio::runtime::Handle;

use super::{Body, Counts, End};
use crate::admission::{Limits, Places, Seat};
use crate::priority::{PerPriority, Priority};

/// Fewer dead entries than this are never worth a sweep.
const SWEEP_FROM: usize = 64;

/// Where the lane is in its life. It may open again after it has closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its supervisor was never started.
    Created,
    /// Takes in bodies.
    Open,
    /// Takes in only what belongs to work that is already here.
    Draining,
    /// Takes in nothing.
    Closed,
}

/// A body in flight.
struct Flying {
    body: Arc<dyn Body>,
    priority: Priority,
    since: Instant,
    /// `None`: it takes no part in admission.
    seat: Option<Seat>,
}

/// Which body in flight an end is of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    slot: usize,
    pub(super) epoch: u64,
}

impl Place {
    /// Of no epoch.
    #[cfg(all(test, any(atasker_loom, atasker_shuttle)))]
    pub(super) const NONE: Self = Self { slot: 0, epoch: u64::MAX };
}

/// A body that may start.
pub(super) struct Admitted {
    pub(super) body: Arc<dyn Body>,
    pub(super) place: Place,
    pub(super) on: Handle,
}

pub(super) struct Gate {
    pub(super) stage: Stage,
    /// Somebody waits for it to be quiet while its intake is open.
    pub(super) watched: bool,
    /// Counts the openings and the givings-up. A body of an older epoch touches nothing here any more.
    pub(super) epoch: u64,
    places: Places,
    /// Those that wait, in the order of their coming. Dead ones (cancelled) stay until they come up or a sweep takes them.
    queues: PerPriority<VecDeque<Arc<dyn Body>>>,
    /// Entries in all of them.
    waiting: usize,
    /// So many have died since the last sweep; some of them have come up since.
    died: PerPriority<usize>,
    /// Dead ones that have come up, for the next one who lets go of the lock to drop.
    pub(super) graveyard: Vec<Arc<dyn Body>>,
    flying: Slab<Flying>,
    /// Bodies that the clock holds, by their numbers.
    delayed: BTreeMap<u64, (Priority, Arc<dyn Body>)>,
    /// Bodies taken out to be refused, and not told yet: a stop is not over before they are.
    condemned: usize,
    /// Somebody starts what is admissible, and looks again after each.
    pub(super) admitting: bool,
    /// What bodies are spawned on. `None`: it is to be made.
    pub(super) handle: Option<Handle>,
    pub(super) counts: Counts,
}

impl Gate {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            stage: Stage::Created,
            watched: false,
            epoch: 0,
            places: Places::new(limits),
            queues: PerPriority::default(),
            waiting: 0,
            died: PerPriority::default(),
            graveyard: Vec::new(),
            flying: Slab::new(),
            delayed: BTreeMap::new(),
            condemned: 0,
            admitting: false,
            handle: None,
            counts: Counts::default(),
        }
    }

    /// Begins anew: nothing counted yet.
    pub(super) fn open(&mut self) {
        self.stage = Stage::Open;
        self.epoch += 1;
        self.counts = Counts::default();
    }

    pub(super) fn limit(&mut self, limits: Limits) {
        self.places.limit(limits);
    }

    /// Whether something of that priority would start at once.
    fn is_free_for(&mut self, priority: Priority) -> Option<Seat> {
        if self.waiting == 0 {
            return self.places.seat(priority);
        }
        let waits = Priority::ALL.into_iter().filter(|&above| above >= priority).any(|above| {
            self.bury_head(above);
            !self.queues[above].is_empty()
        });
        if waits { None } else { self.places.seat(priority) }
    }

    /// Lets a body start, or puts it behind those that wait.
    pub(super) fn enter(&mut self, priority: Priority, body: Arc<dyn Body>, now: Instant) -> Option<Admitted> {
        match (self.is_free_for(priority), self.handle.clone()) {
            (Some(seat), Some(on)) => Some(self.admit(priority, body, Some(seat), on, now)),
            _ => {
                self.waiting += 1;
                self.queues[priority].push_back(body);
                None
            }
        }
    }

    /// The next of those that wait, if it may start now.
    ///
    /// Invariant: priority is strict, by the rule of [`Places::seat`]
    /// (`a_lane_admits_in_strict_order_within_its_ceilings`).
    pub(super) fn next(&mut self) -> Option<Admitted> {
        for priority in Priority::ALL.into_iter().rev() {
            self.bury_head(priority);
            if self.queues[priority].is_empty() {
                continue;
            }
            let (seat, on) = (self.places.seat(priority)?, self.handle.clone()?);
            let body = self.queues[priority].pop_front()?;
            self.waiting -= 1;
            return Some(self.admit(priority, body, Some(seat), on, Instant::now()));
        }
        None
    }

    /// Notes a body as one in flight.
    pub(super) fn admit(
        &mut self,
        priority: Priority,
        body: Arc<dyn Body>,
        seat: Option<Seat>,
        on: Handle,
        now: Instant,
    ) -> Admitted {
        if let Some(seat) = seat {
            self.places.take(seat);
        }
        let flying = Flying { body: Arc::clone(&body), priority, since: now, seat };
        let place = Place { slot: self.flying.insert(flying), epoch: self.epoch };
        Admitted { body, place, on }
    }

    /// Takes dead ones off the front, so that none is admitted.
    fn bury_head(&mut self, priority: Priority) {
        while self.queues[priority].front().is_some_and(|head| !head.is_live()) {
            let dead = self.queues[priority].pop_front();
            self.waiting -= 1;
            self.graveyard.extend(dead);
        }
    }

    /// A body in flight has ended: counts it, unless its epoch is over.
    pub(super) fn count_end(&mut self, place: Place, end: End) {
        if place.epoch == self.epoch {
            self.counts.end(end);
        }
    }

    /// A body in flight gives its place back. What was noted of it is to be dropped outside the lock.
    pub(super) fn land(&mut self, place: Place) -> Option<Arc<dyn Body>> {
        if place.epoch != self.epoch {
            return None;
        }
        let landed = self.flying.remove(place.slot);
        if let Some(seat) = landed.seat {
            self.places.release(seat);
        }
        Some(landed.body)
    }

    /// One that waits has died where it stands. What a sweep takes out is to be dropped outside the lock.
    pub(super) fn died(&mut self, priority: Priority) -> Vec<Arc<dyn Body>> {
        self.died[priority] += 1;
        let died = self.died[priority];
        // When half of them are dead, a sweep costs a constant for each; and it bounds what a full lane keeps.
        if died < SWEEP_FROM || died <= self.queues[priority].len() / 2 {
            return Vec::new();
        }
        let (live, dead) = std::mem::take(&mut self.queues[priority]).into_iter().partition(|body| body.is_live());
        self.queues[priority] = live;
        self.died[priority] = 0;
        let dead = Vec::from(dead as VecDeque<_>);
        self.waiting -= dead.len();
        dead
    }

    pub(super) fn delay(&mut self, number: u64, priority: Priority, body: Arc<dyn Body>) {
        self.delayed.insert(number, (priority, body));
    }

    /// One that the clock held is due, or dead. `None`: somebody else has taken it out.
    pub(super) fn undelay(&mut self, number: u64) -> Option<(Priority, Arc<dyn Body>)> {
        self.delayed.remove(&number)
    }

    /// Takes out the tasks that wait, for the lane to refuse: the most urgent first, then those that the clock holds.
    pub(super) fn condemn(&mut self, condemned: impl Fn(&dyn Body) -> bool) -> Vec<Arc<dyn Body>> {
        let mut removed = Vec::new();
        for priority in Priority::ALL.into_iter().rev() {
            let (out, stay) =
                std::mem::take(&mut self.queues[priority]).into_iter().partition(|body| condemned(&**body));
            self.queues[priority] = stay;
            removed.extend(out as VecDeque<_>);
            self.died[priority] = 0;
        }
        self.waiting -= removed.len();
        removed.extend(std::mem::take(&mut self.delayed).into_values().map(|(_, body)| body));
        self.condemned += removed.len();
        removed
    }

    pub(super) fn told(&mut self, condemned: usize) {
        self.condemned -= condemned;
    }

    /// The bodies in flight.
    pub(super) fn bodies(&self) -> Vec<Arc<dyn Body>> {
        self.flying.iter().map(|(_, flying)| Arc::clone(&flying.body)).collect()
    }

    /// Forgets the bodies in flight: the end of a bounded stop. What they were, and since when they ran.
    pub(super) fn give_up(&mut self) -> Vec<(Arc<dyn Body>, Instant)> {
        self.epoch += 1;
        self.stage = Stage::Closed;
        self.places.release_all();
        self.flying.drain().map(|flying| (flying.body, flying.since)).collect()
    }

    /// Whether anything above this priority waits that could start now.
    pub(super) fn is_wanted_above(&self, priority: Priority) -> bool {
        let above = Priority::ALL.into_iter().filter(|&above| above > priority);
        above.into_iter().any(|above| self.waits(above))
    }

    fn waits(&self, priority: Priority) -> bool {
        self.queues[priority].iter().any(|body| body.is_live())
    }

    /// Whether any entry waits, dead or alive.
    pub(super) fn has_waiting(&self) -> bool {
        self.waiting > 0
    }

    pub(super) fn is_drained(&self) -> bool {
        (self.stage != Stage::Open || self.watched) && self.is_quiet()
    }

    /// Whether nothing is in flight, waits or is on its way.
    pub(super) fn is_quiet(&self) -> bool {
        self.flying.is_empty() && self.condemned == 0 && !Priority::ALL.iter().any(|&priority| self.waits(priority))
    }

    /// Bodies in flight, waiting and delayed, by priority.
    pub(super) fn sizes(&self) -> [PerPriority<usize>; 3] {
        let [mut active, mut queued, mut delayed] = [PerPriority::default(); 3];
        for (_, flying) in &self.flying {
            active[flying.priority] += 1;
        }
        for priority in Priority::ALL {
            queued[priority] = self.queues[priority].iter().filter(|body| body.is_live()).count();
        }
        for (priority, _) in self.delayed.values() {
            delayed[*priority] += 1;
        }
        [active, queued, delayed]
    }
}

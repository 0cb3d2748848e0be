//! What a lane's lock guards: who waits, who is in flight, and what has been counted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use slab::Slab;
use tokio::runtime::Handle;

use super::carrier::Badge;
use super::ends::Ends;
use super::host::Company;
use super::queue::Queue;
use super::{Body, Counts, Scope};
use crate::admission::{Limits, Places, Seat};
use crate::priority::{PerPriority, Priority};
use crate::slow::{SlowStart, Thresholds};

/// So many carriers rest at most: what is beyond ends.
const RESTING: usize = 256;

/// Where the lane is in its life. It may open again after it has closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its supervisor was never started.
    Created,
    /// Takes in bodies.
    Open,
    /// Takes in what bodies within that start, and what belongs to work that is already here.
    Draining(Scope),
    /// Takes in only what belongs to work that is already here.
    Ending,
    /// Takes in nothing.
    Closed,
}

/// A body in flight.
pub(super) struct Flying {
    pub(super) body: Arc<dyn Body>,
    priority: Priority,
    since: Instant,
    /// `None`: it takes no part in admission, or is another's guest.
    pub(super) seat: Option<Seat>,
    pub(super) company: Company,
    /// It is pending, and waits for something of ours.
    pub(super) waits: bool,
}

/// Which body in flight an end is of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) slot: usize,
    pub(super) epoch: u64,
}

/// A body that has been admitted.
pub(super) struct Boarding {
    pub(super) body: Arc<dyn Body>,
    pub(super) place: Place,
}

/// What whoever lets go of the lock is to do for those that wait.
pub(super) enum Call {
    /// A carrier that rests.
    Wake(Waker),
    /// One more, with what [`Gate::recruit`] gives for this epoch. (Given here, it would be moved about at each call.)
    Spawn(u64),
}

/// What a carrier without a body is to do.
pub(super) enum Rest {
    Resting,
    /// It is coming, so it is to be woken: by the waker it has given.
    Again(Waker),
    /// It ends; it has its waker back, to be dropped outside the lock.
    Over(Waker),
}

pub(super) struct Gate {
    pub(super) stage: Stage,
    /// Somebody waits for it to be quiet while its intake is open.
    pub(super) watched: bool,
    /// Counts the openings and the givings-up. A body of an older epoch touches nothing here any more.
    pub(super) epoch: u64,
    /// Counts the bodies that were admitted. While the lane is quiet, it stands.
    begun: u64,
    places: Places,
    /// Those that wait.
    queues: PerPriority<Queue>,
    /// Entries in all of them.
    waiting: usize,
    /// Nothing that waits has a higher priority than this.
    highest: Priority,
    /// Dead ones that have come up, for the next one who lets go of the lock to drop.
    graveyard: Vec<Arc<dyn Body>>,
    pub(super) flying: Slab<Flying>,
    /// How many of them have places, and how many of these wait for something of ours.
    pub(super) seated: usize,
    pub(super) idle: usize,
    /// How long may be waited before somebody is told.
    pub(super) thresholds: Thresholds,
    /// A look for slow starts is planned.
    watching: bool,
    /// Bodies that the clock holds, by their numbers.
    delayed: BTreeMap<u64, (Priority, Arc<dyn Body>)>,
    /// Bodies taken out to be refused, and not told yet: a stop is not over before they are.
    condemned: usize,
    /// Carriers that were called and have not come yet.
    coming: usize,
    /// Carriers without a body that were not called, with their numbers; the last one is called first. `None`: it is gone.
    resting: Vec<Option<(u64, Waker)>>,
    /// The next carrier's number.
    next_carrier: u64,
    /// Somebody ends what waits in this epoch, since nothing carries it any more, and looks again after each.
    pub(super) cutting: bool,
    /// What carriers are spawned on, and how many may come at once: one for each thread. `None`: it is to be made.
    pub(super) runtime: Option<(Handle, usize)>,
    /// What was counted here, under the lock, and the ends of earlier epochs since the opening.
    pub(super) counts: Counts,
    /// The ends of this epoch.
    ends: Arc<Ends>,
}

impl Gate {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            stage: Stage::Created,
            watched: false,
            epoch: 0,
            begun: 0,
            places: Places::new(limits),
            queues: PerPriority::default(),
            waiting: 0,
            highest: Priority::Low,
            graveyard: Vec::new(),
            flying: Slab::new(),
            seated: 0,
            idle: 0,
            thresholds: Thresholds::default(),
            watching: false,
            delayed: BTreeMap::new(),
            condemned: 0,
            coming: 0,
            resting: Vec::new(),
            next_carrier: 0,
            cutting: false,
            runtime: None,
            counts: Counts::default(),
            ends: Arc::default(),
        }
    }

    /// Begins anew: nothing counted yet.
    pub(super) fn open(&mut self) {
        self.stage = Stage::Open;
        self.begin_epoch();
        self.counts = Counts::default();
    }

    /// From now on nothing of what has begun touches anything here: its ends are counted where they were.
    fn begin_epoch(&mut self) {
        self.epoch += 1;
        std::mem::take(&mut self.ends).add_to(&mut self.counts);
        self.coming = 0;
        self.cutting = false;
    }

    /// Where ends are counted.
    pub(super) fn ends(&self) -> Arc<Ends> {
        Arc::clone(&self.ends)
    }

    /// All that was counted since the opening.
    pub(super) fn all_counts(&self) -> Counts {
        let mut counts = self.counts;
        self.ends.add_to(&mut counts);
        counts
    }

    pub(super) fn limit(&mut self, limits: Limits) {
        self.places.limit(limits);
    }

    /// Puts a body behind those that wait.
    ///
    /// Gives the moment of a look for slow starts, where none is planned.
    pub(super) fn enter(&mut self, priority: Priority, body: Arc<dyn Body>) -> Option<Instant> {
        self.waiting += 1;
        self.highest = self.highest.max(priority);
        // The clock is read only where somebody wants to hear of slow starts.
        let watch = self.thresholds.first().map(|first| (Instant::now(), first));
        self.queues[priority].push(body, watch.map(|(since, _)| since));
        let (since, first) = watch.filter(|_| !std::mem::replace(&mut self.watching, true))?;
        since.checked_add(first)
    }

    /// Whom to report as waiting too long, and the moment of the next look; `None`: nobody waits.
    pub(super) fn slow_starts(&mut self, now: Instant) -> (Vec<SlowStart>, Option<Instant>) {
        let (mut report, thresholds) = (Vec::new(), self.thresholds);
        let looks = Priority::ALL.map(|priority| self.queues[priority].slow(priority, now, thresholds, &mut report));
        let next = looks.into_iter().flatten().min();
        self.watching = next.is_some();
        (report, next)
    }

    /// The next of those that wait, if it may start now.
    ///
    /// Invariant: priority is strict, by the rule of [`Places::seat`]
    /// (`a_lane_admits_in_strict_order_within_its_ceilings`).
    pub(super) fn take(&mut self, now: Instant) -> Option<Boarding> {
        let (priority, seat) = self.admissible()?;
        let body = self.queues[priority].pop()?;
        self.waiting -= 1;
        let place = self.admit(priority, Arc::clone(&body), Some(seat), now);
        Some(Boarding { body, place })
    }

    /// Notes whether a body in flight waits for something of ours. Whether all that have places do, as of now.
    pub(super) fn note_waiting(&mut self, place: Place, waits: bool) -> bool {
        if place.epoch != self.epoch {
            return false;
        }
        let flying = &mut self.flying[place.slot];
        if flying.waits == waits || !flying.has_place() {
            return false;
        }
        flying.waits = waits;
        if waits {
            self.idle += 1;
        } else {
            self.idle -= 1;
        }
        self.all_wait()
    }

    /// Whether all that have places wait for something of ours.
    pub(super) fn all_wait(&self) -> bool {
        self.idle == self.seated
    }

    /// The keys of those that have places.
    pub(super) fn seated_as(&self) -> Vec<usize> {
        let seated = self.flying.iter().filter(|(_, flying)| flying.has_place());
        seated.map(|(_, flying)| flying.body.waits_as()).collect()
    }

    /// The priority of what may start now, and what it would take up.
    fn admissible(&mut self) -> Option<(Priority, Seat)> {
        if self.waiting == 0 {
            return None;
        }
        for &priority in Priority::ALL[..=self.highest as usize].iter().rev() {
            self.bury_head(priority);
            if !self.queues[priority].is_empty() {
                self.highest = priority;
                return Some((priority, self.places.seat(priority)?));
            }
        }
        self.highest = Priority::Low;
        None
    }

    /// Dead ones, to be dropped outside the lock.
    pub(super) fn dead(&mut self) -> Vec<Arc<dyn Body>> {
        std::mem::take(&mut self.graveyard)
    }

    /// Notes a body as one in flight.
    pub(super) fn admit(&mut self, priority: Priority, body: Arc<dyn Body>, seat: Option<Seat>, now: Instant) -> Place {
        if let Some(seat) = seat {
            self.places.take(seat);
        }
        self.begun += 1;
        self.seated += usize::from(seat.is_some());
        let flying = Flying { body, priority, since: now, seat, company: Company::default(), waits: false };
        Place { slot: self.flying.insert(flying), epoch: self.epoch }
    }

    /// Calls a carrier, where something may start and nobody is coming.
    pub(super) fn call_another(&mut self) -> Option<Call> {
        self.call_up_to(1)
    }

    /// Calls a carrier for a body that has been put in, as long as fewer are coming than there are threads: one that is
    /// coming may be behind a body that blocks its thread (`workers_that_are_due_together_run_on_all_threads`).
    pub(super) fn call_for_entered(&mut self) -> Option<Call> {
        let threads = self.runtime.as_ref().map_or(0, |(_, threads)| *threads);
        self.call_up_to(threads)
    }

    fn call_up_to(&mut self, coming: usize) -> Option<Call> {
        if self.waiting == 0 || self.coming >= coming || self.runtime.is_none() || self.cutting {
            return None;
        }
        self.admissible()?;
        self.coming += 1;
        while let Some(rested) = self.resting.pop() {
            if let Some((_, waker)) = rested {
                return Some(Call::Wake(waker));
            }
        }
        Some(Call::Spawn(self.epoch))
    }

    /// For a carrier that is to be made, since it was called: on what, and which it is. `None`: the lane was closed meanwhile.
    pub(super) fn recruit(&mut self, epoch: u64) -> Option<(Handle, Badge)> {
        let (on, _) = self.runtime.clone().filter(|_| epoch == self.epoch)?;
        Some((on, self.badge()))
    }

    /// For a carrier to be made.
    pub(super) fn badge(&mut self) -> Badge {
        self.next_carrier += 1;
        Badge { number: self.next_carrier, epoch: self.epoch, rests_at: 0 }
    }

    /// A carrier without a body has been woken. `false`: nobody called it.
    pub(super) fn comes(&mut self, badge: Badge) -> bool {
        if badge.epoch != self.epoch {
            return true;
        }
        let came = !self.rests(badge);
        self.coming -= usize::from(came);
        came
    }

    fn rests(&self, badge: Badge) -> bool {
        matches!(self.resting.get(badge.rests_at), Some(Some((number, _))) if *number == badge.number)
    }

    /// A carrier has no body any more.
    pub(super) fn rest(&mut self, badge: &mut Badge, waker: Waker) -> Rest {
        if badge.epoch != self.epoch {
            return Rest::Over(waker);
        }
        // Also where one is coming: see `call_for_entered`.
        if self.admissible().is_some() {
            self.coming += 1;
            return Rest::Again(waker);
        }
        if self.resting.len() >= RESTING {
            return Rest::Over(waker);
        }
        badge.rests_at = self.resting.len();
        self.resting.push(Some((badge.number, waker)));
        Rest::Resting
    }

    /// A carrier without a body is gone. Whether it was called; and what it has left.
    pub(super) fn leave(&mut self, badge: Badge) -> (bool, Option<Waker>) {
        if badge.epoch != self.epoch {
            return (false, None);
        }
        if self.rests(badge) {
            return (false, self.resting[badge.rests_at].take().map(|(_, waker)| waker));
        }
        self.coming -= 1;
        (true, None)
    }

    /// Those that rest, to be woken so that they end: the lane knows them no more.
    #[must_use]
    pub(super) fn dismiss(&mut self) -> Vec<Waker> {
        self.begin_epoch();
        self.runtime = None;
        std::mem::take(&mut self.resting).into_iter().flatten().map(|(_, waker)| waker).collect()
    }

    /// Takes dead ones off the front, so that none is admitted.
    fn bury_head(&mut self, priority: Priority) {
        while let Some(dead) = self.queues[priority].pop_dead() {
            self.waiting -= 1;
            self.graveyard.push(dead);
        }
    }

    /// A body in flight gives its place back. What was noted of it is to be dropped outside the lock.
    pub(super) fn land(&mut self, place: Place) -> (Option<Arc<dyn Body>>, [Option<Waker>; 2]) {
        if place.epoch != self.epoch {
            return (None, [None, None]);
        }
        let flying = self.flying.remove(place.slot);
        self.seated -= usize::from(flying.has_place());
        self.idle -= usize::from(flying.waits);
        let Flying { body, mut seat, company, .. } = flying;
        let wakers = self.part(company, &mut seat);
        if let Some(seat) = seat {
            self.places.release(seat);
        }
        (Some(body), wakers)
    }

    /// One that waits has died where it stands. What a sweep takes out is to be dropped outside the lock.
    pub(super) fn died(&mut self, priority: Priority) -> Vec<Arc<dyn Body>> {
        let dead = self.queues[priority].died();
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
            removed.extend(self.queues[priority].remove(&condemned));
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
        self.begin_epoch();
        self.stage = Stage::Closed;
        self.places.release_all();
        (self.seated, self.idle) = (0, 0);
        self.flying.drain().map(|flying| (flying.body, flying.since)).collect()
    }

    /// So many tasks were in flight when all of them were given up on. One that had counted its end by then, and not given its
    /// place back, is named: it is not to be counted too.
    pub(super) fn count_given_up(&mut self, tasks: u64) {
        let Counts { submitted, completed, panicked, cancelled, rejected, .. } = self.counts;
        let twice = (completed + panicked + cancelled + rejected + tasks).saturating_sub(submitted);
        let counts = &mut self.counts;
        for count in [&mut counts.completed, &mut counts.panicked, &mut counts.cancelled] {
            *count -= twice.min(*count);
            if *count > 0 || twice == 0 {
                break;
            }
        }
    }

    /// Whether anything above this priority waits that could start now.
    pub(super) fn is_wanted_above(&self, priority: Priority) -> bool {
        let above = Priority::ALL.into_iter().filter(|&above| above > priority);
        above.into_iter().any(|above| self.waits(above))
    }

    fn waits(&self, priority: Priority) -> bool {
        self.queues[priority].live().next().is_some()
    }

    /// The keys of those that wait, under which they will wait for others.
    pub(super) fn waiting_as(&self) -> impl Iterator<Item = usize> {
        Priority::ALL.into_iter().flat_map(|priority| self.queues[priority].live().map(|body| body.waits_as()))
    }

    /// Whether any entry waits, dead or alive.
    pub(super) fn has_waiting(&self) -> bool {
        self.waiting > 0
    }

    /// How many entries wait, dead or alive.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    pub(super) fn is_drained(&self) -> bool {
        (self.stage != Stage::Open || self.watched) && self.is_quiet()
    }

    /// How many bodies were admitted.
    pub(super) fn begun(&self) -> u64 {
        self.begun
    }

    /// Whether nothing is in flight, waits or is on its way.
    pub(super) fn is_quiet(&self) -> bool {
        self.flying.is_empty() && self.condemned == 0 && !Priority::ALL.iter().any(|&priority| self.waits(priority))
    }

    /// Bodies in flight that have not ended, those waiting and those delayed, by priority.
    pub(super) fn sizes(&self) -> [PerPriority<usize>; 3] {
        let [mut active, mut queued, mut delayed] = [PerPriority::default(); 3];
        // One that has ended keeps its place until what it has left is gone; but who has waited for it finds it ended.
        for (_, flying) in self.flying.iter().filter(|(_, flying)| !flying.body.has_ended()) {
            active[flying.priority] += 1;
        }
        for priority in Priority::ALL {
            queued[priority] = self.queues[priority].live().count();
        }
        for (priority, _) in self.delayed.values() {
            delayed[*priority] += 1;
        }
        [active, queued, delayed]
    }
}

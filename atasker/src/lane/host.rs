//! A body that is pending on a lane with limits is the host of what it waits for: that runs in its place.
//!
//! A host has one guest at a time, since it has one place. A guest may be pending itself, and so have a guest of its own.
//! Where a host ends before its guest, the guest has the place. A host may go on before its guest has ended, which then may
//! wait for it: where all on the lane wait, what the host waits for by now is a guest of its innermost one.

use std::sync::Arc;
use std::task::Waker;

use super::carrier::Carrier;
use super::gate::{Flying, Gate, Place};
use super::{Body, Lane, Source, Ticket};
use crate::priority::Priority;
use crate::sync::atomic::Ordering;
use crate::waits::{self, Awaited, Donor, Places, Served, Walk};

/// Whom a body in flight has to do with.
#[derive(Default)]
pub(super) struct Company {
    /// The slot of the one that runs in its place.
    guest: Option<usize>,
    /// The slot of the one in whose place it runs.
    host: Option<usize>,
    /// What makes it look again when its guest has ended.
    waker: Option<Waker>,
}

impl Ticket {
    /// The body with that key is pending: what it waits for may run in its place, where it waits at the same gate.
    pub(crate) fn lend(&mut self, key: usize, waker: &Waker) {
        if !self.lane.is_limited() {
            return;
        }
        let Some(place) = self.place else { return };
        if !waits::is_waiting(key) {
            // It waits for nothing of ours, and nothing is added but by its own next poll.
            if self.walk.take().is_some() {
                self.lane.gate.lock().note_waiting(place, false);
            }
            return;
        }
        let donor_at = self.lane.address();
        let donor = Donor::Pending { lane: donor_at, slot: place.slot, epoch: place.epoch };
        loop {
            // The race this closes: the guest ends just now. It takes the waker under the lock under which this leaves it, and
            // where it was first, this looks for another.
            let left = waker.clone();
            let (unused, all_wait) = {
                let mut gate = self.lane.gate.lock();
                (gate.awaits_guest(place, left), gate.note_waiting(place, true))
            };
            drop(unused);
            let walk = || Box::new(Walk::new(&self.lane));
            if !self.walk.get_or_insert_with(walk).look_from(key, waker, donor) {
                // Behind the look: where something uses the place, not all wait.
                if all_wait {
                    waits::stir(donor_at);
                }
                return;
            }
        }
    }
}

impl Lane {
    /// What tells it from other lanes.
    pub(super) fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Where its bodies, pending, lend their places: its address, where it has any; else 0.
    pub(crate) fn lends(self: &Arc<Self>) -> usize {
        if self.is_limited() { self.address() } else { 0 }
    }

    /// The places for which what is queued here waits.
    pub(crate) fn queued_at(self: &Arc<Self>) -> Option<Arc<dyn Places>> {
        if self.is_limited() { Some(Arc::<Self>::clone(self)) } else { None }
    }

    /// What is waited for by who waits until the lane has nothing left.
    pub(crate) fn awaited(self: &Arc<Self>) -> Arc<dyn Awaited> {
        Arc::new(End(Arc::clone(self)))
    }

    /// Whether a body may have to wait for a place.
    pub(super) fn is_limited(&self) -> bool {
        // Relaxed: whoever becomes a host by it goes through the gate's lock.
        self.limited.load(Ordering::Relaxed)
    }

    /// Starts a body that waits at this gate, in the place of one of this lane's that is pending.
    pub(crate) fn host(self: &Arc<Self>, donor: Donor, priority: Priority, body: Arc<dyn Body>) -> Served {
        let Donor::Pending { lane, slot, epoch } = donor else { return Served::No };
        if lane != self.address() {
            return Served::No;
        }
        let Ok(on) = self.handle() else { return Served::No };
        let ticket = {
            let mut gate = self.gate.lock();
            if gate.epoch != epoch || gate.check(Source::Inside).is_err() {
                return Served::No;
            }
            // Before it is claimed: a stop that finds nothing waiting then finds it in flight.
            let Some(place) = gate.invite(slot, priority, &body) else { return Served::NotYet };
            let badge = gate.badge();
            Ticket::new(self, &gate, Some(place), Some(badge))
        };
        if !body.begin() {
            // A carrier or a cancellation was first. The ticket gives the place back.
            return Served::No;
        }
        // Its entry still stands in the queue.
        self.died(priority);
        Carrier::with(body, ticket).set_out(&on);
        Served::Elsewhere
    }
}

impl Places for Lane {
    fn key(&self) -> usize {
        self.address()
    }

    fn all_wait(&self) -> bool {
        self.gate.lock().all_wait()
    }

    fn holders(&self) -> Vec<usize> {
        self.gate.lock().seated_as()
    }
}

/// The end of all that a lane has.
struct End(Arc<Lane>);

impl Awaited for End {
    fn key(&self) -> usize {
        self.0.address()
    }

    fn parts(&self) -> Vec<usize> {
        let gate = self.0.gate.lock();
        gate.flying.iter().map(|(_, flying)| flying.body.waits_as()).chain(gate.waiting_as()).collect()
    }
}

impl Flying {
    /// Whether it has a place, its own or its host's.
    pub(super) fn has_place(&self) -> bool {
        self.seat.is_some() || self.company.host.is_some()
    }
}

impl Gate {
    /// Leaves the waker of a body that has a guest, to be woken when that has ended. One that is not wanted comes back, to be
    /// dropped outside the lock.
    fn awaits_guest(&mut self, host: Place, waker: Waker) -> Option<Waker> {
        if host.epoch != self.epoch {
            return Some(waker);
        }
        let company = &mut self.flying[host.slot].company;
        if company.guest.is_none() { Some(waker) } else { company.waker.replace(waker) }
    }

    /// Notes a body as one in flight that runs in the place of the one in that slot, or of its innermost guest where all wait.
    /// `None`: it has a guest, and not all do.
    fn invite(&mut self, mut host: usize, priority: Priority, body: &Arc<dyn Body>) -> Option<Place> {
        let all_wait = self.all_wait();
        while let Some(guest) = self.flying[host].company.guest {
            if !all_wait {
                return None;
            }
            host = guest;
        }
        let place = self.admit(priority, Arc::clone(body), None, std::time::Instant::now());
        self.flying[host].company.guest = Some(place.slot);
        self.flying[place.slot].company.host = Some(host);
        self.seated += 1;
        Some(place)
    }

    /// One in flight has ended: its guest has its place from now on. What is to be woken; and a waker to be dropped. Both
    /// outside the lock.
    pub(super) fn part(&mut self, company: Company, seat: &mut Option<crate::admission::Seat>) -> [Option<Waker>; 2] {
        let Company { guest, host, waker } = company;
        if let Some(guest) = guest {
            let guest = &mut self.flying[guest];
            guest.company.host = host;
            guest.seat = seat.take();
            // The host was in flight beside all places.
            if !guest.has_place() {
                self.seated -= 1;
                self.idle -= usize::from(std::mem::take(&mut guest.waits));
            }
        }
        let woken = host.and_then(|host| {
            let host = &mut self.flying[host].company;
            host.guest = guest;
            if guest.is_none() { host.waker.take() } else { None }
        });
        [woken, waker]
    }
}

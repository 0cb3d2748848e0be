//! The right to be in flight.

use std::sync::Arc;
use std::task::Waker;

use super::carrier::Badge;
use super::ends::Ends;
use super::gate::{Gate, Place, Rest};
use super::{End, Lane};
use crate::panics::wake_contained;
use crate::waits::{self, Walk};

/// The right to be in flight, and the duty to say how it ended. Dropped, it gives the place back, if that was not done.
pub(crate) struct Ticket {
    pub(super) lane: Arc<Lane>,
    /// Where ends are counted: those of the epoch that it was made in, and all its places are of that one.
    ends: Arc<Ends>,
    /// `None`: it was given back.
    pub(super) place: Option<Place>,
    /// Where its body, pending, has looked for what may run in its place.
    pub(super) walk: Option<Box<Walk>>,
    /// When it was, something waited.
    saw_more: bool,
    /// The carrier that has it.
    badge: Option<Badge>,
    /// That carrier has been put among those that rest.
    rested: bool,
}

impl Ticket {
    /// `place`: `None` for one that is still to be [filled](Self::fill). `badge`: of the carrier that has it.
    pub(super) fn new(lane: &Arc<Lane>, gate: &Gate, place: Option<Place>, badge: Option<Badge>) -> Self {
        let (lane, ends) = (Arc::clone(lane), gate.ends());
        Self { lane, ends, place, walk: None, saw_more: false, badge, rested: false }
    }

    /// Of no body in flight, for the models of those who make bodies.
    #[cfg(all(test, any(atasker_loom, atasker_shuttle)))]
    pub(crate) fn without_place(lane: &Arc<Lane>) -> Self {
        Self::new(lane, &lane.gate.lock(), None, None)
    }

    /// All that it stands for, for somebody else: what is left here is blank.
    pub(super) fn take(&mut self) -> Self {
        Self {
            lane: Arc::clone(&self.lane),
            ends: Arc::clone(&self.ends),
            place: self.place.take(),
            walk: self.walk.take(),
            saw_more: self.saw_more,
            badge: self.badge.take(),
            rested: self.rested,
        }
    }

    pub(super) fn lane(&self) -> &Arc<Lane> {
        &self.lane
    }

    /// For the next body of the one who has it.
    pub(super) fn fill(&mut self, place: Place) {
        debug_assert!(self.place.is_none(), "one place at a time");
        self.place = Some(place);
    }

    /// Whether something waited when the place was given back.
    pub(super) fn saw_more(&self) -> bool {
        self.saw_more
    }

    /// It has ended: said before anybody who waits for it can know, so that who has waited finds the counts exact.
    ///
    /// Its place it keeps until the result is handed over and what is dropped is gone: a stop that finds no place taken is
    /// complete. So this is counted beside the gate: a round of its lock more for each end cost 100 of 600 ns.
    pub(crate) fn count(&self, end: End) {
        self.ends.count(end);
    }

    /// Its carrier has no body any more: it comes again where one waits, else it rests, or ends.
    pub(super) fn rest(&mut self, waker: Waker) -> Rest {
        let badge = self.badge.as_mut().expect("only a carrier asks");
        self.lane.gate.lock().rest(badge, waker)
    }

    pub(super) fn badge(&self) -> Badge {
        self.badge.expect("only a carrier asks")
    }

    /// Whether its carrier rests already. Asked once.
    pub(super) fn has_rested(&mut self) -> bool {
        std::mem::take(&mut self.rested)
    }

    /// Gives the place back, if that was not done.
    pub(super) fn vacate(&mut self) {
        self.land(None);
    }

    /// The same for a carrier that looks for the next one: where none waits, it rests from now on. In one round of the lock
    /// with the place: nothing of the user's comes behind it, which would keep waiting what the carrier is called for.
    pub(super) fn vacate_and_rest(&mut self, carrier: &Waker) {
        self.land(Some(carrier.clone()));
    }

    fn land(&mut self, carrier: Option<Waker>) {
        let Some(place) = self.place.take() else { return };
        self.walk = None;
        let ((landed, [host, unwanted]), call, drained, unused, all_wait) = {
            let mut gate = self.lane.gate.lock();
            let landed = gate.land(place);
            self.saw_more = gate.has_waiting();
            let drained = gate.is_drained();
            let mut unused = carrier;
            // Whom a quiet lane is told to may be of the user's (a waker): the carrier rests behind it.
            if !self.saw_more
                && !drained
                && let Some(badge) = &mut self.badge
                && let Some(waker) = unused.take()
            {
                match gate.rest(badge, waker) {
                    Rest::Resting => self.rested = true,
                    Rest::Again(waker) | Rest::Over(waker) => unused = Some(waker),
                }
            }
            let all_wait = self.saw_more && self.lane.is_limited() && gate.all_wait();
            (landed, gate.call_another(), drained, unused, all_wait)
        };
        drop((unused, unwanted));
        if let Some(host) = host {
            wake_contained(host);
        }
        // Nothing of the user's is left in it.
        drop(landed);
        if all_wait {
            waits::stir(self.lane.address());
        }
        self.lane.call(call);
        self.lane.tell(drained);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.vacate();
    }
}

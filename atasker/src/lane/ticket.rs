//! The right to be in flight.

use std::sync::Arc;
use std::task::Waker;

use super::carrier::Badge;
use super::gate::{Place, Rest};
use super::{End, Lane};
use crate::panics::wake_contained;
use crate::waits::Walk;

/// The right to be in flight, and the duty to say how it ended. Dropped, it gives the place back, if that was not done.
pub(crate) struct Ticket {
    pub(super) lane: Arc<Lane>,
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
    pub(super) fn new(lane: &Arc<Lane>, place: Option<Place>, badge: Option<Badge>) -> Self {
        Self { lane: Arc::clone(lane), place, walk: None, saw_more: false, badge, rested: false }
    }

    /// Of a lane that counts nothing of it, for the models of those who make bodies.
    #[cfg(all(test, any(atasker_loom, atasker_shuttle)))]
    pub(crate) fn uncounted(lane: &Arc<Lane>) -> Self {
        Self::new(lane, None, None)
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

    /// It has ended: said before anybody who waits for it can know, so that who has waited finds the counts exact. The place
    /// is given back by that.
    ///
    /// A stop may then be over an instant before the result is handed over; but it joins the runtime's threads, of which this
    /// is one. Two rounds of the lock instead of one, for the end and for the place, cost 100 of 600 ns.
    pub(crate) fn ended(&mut self, end: End) {
        self.land(Some(end), None);
    }

    /// The same for one behind whom no code of the user's comes before the carrier looks again: it may be called from now on.
    /// Else it would keep waiting what it was called for.
    pub(crate) fn ended_last(&mut self, end: End, carrier: &Waker) {
        self.land(Some(end), Some(carrier.clone()));
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
        self.land(None, None);
    }

    fn land(&mut self, end: Option<End>, carrier: Option<Waker>) {
        let Some(place) = self.place.take() else { return };
        self.walk = None;
        let ((landed, [host, unwanted]), call, drained, unused) = {
            let mut gate = self.lane.gate.lock();
            if let Some(end) = end {
                gate.count_end(place, end);
            }
            let landed = gate.land(place);
            self.saw_more = gate.has_waiting();
            let mut unused = carrier;
            if !self.saw_more
                && let Some(badge) = &mut self.badge
                && let Some(waker) = unused.take()
            {
                match gate.rest(badge, waker) {
                    Rest::Resting => self.rested = true,
                    Rest::Again(waker) | Rest::Over(waker) => unused = Some(waker),
                }
            }
            (landed, gate.call_another(), gate.is_drained(), unused)
        };
        drop((unused, unwanted));
        if let Some(host) = host {
            wake_contained(host);
        }
        // The last owner of a body may drop a user's value.
        drop(landed);
        self.lane.call(call);
        self.lane.tell(drained);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.vacate();
    }
}

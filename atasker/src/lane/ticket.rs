//! The right to be in flight.

use std::sync::Arc;

use super::gate::Place;
use super::{End, Lane};

/// The right to be in flight, and the duty to say how it ended. Dropped, it gives the place back, if that was not done.
pub(crate) struct Ticket {
    lane: Arc<Lane>,
    /// `None`: it was given back.
    place: Option<Place>,
    /// When it was, something waited.
    saw_more: bool,
}

impl Ticket {
    pub(super) fn new(lane: &Arc<Lane>, place: Place) -> Self {
        Self { lane: Arc::clone(lane), place: Some(place), saw_more: false }
    }

    /// Of a lane, without a place.
    pub(super) fn blank(lane: &Arc<Lane>) -> Self {
        Self { lane: Arc::clone(lane), place: None, saw_more: false }
    }

    /// Of a lane that counts nothing of it, for the models of those who make bodies.
    #[cfg(all(test, any(atasker_loom, atasker_shuttle)))]
    pub(crate) fn uncounted(lane: &Arc<Lane>) -> Self {
        Self::blank(lane)
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
        self.land(Some(end));
    }

    /// Gives the place back, if that was not done.
    pub(super) fn vacate(&mut self) {
        self.land(None);
    }

    fn land(&mut self, end: Option<End>) {
        let Some(place) = self.place.take() else { return };
        let (landed, call, drained) = {
            let mut gate = self.lane.gate.lock();
            if let Some(end) = end {
                gate.count_end(place, end);
            }
            let landed = gate.land(place);
            self.saw_more = gate.has_waiting();
            (landed, gate.call_another(), gate.is_drained())
        };
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

//! A clock whose time a test moves. It has no thread: whoever moves the time rings.

use std::sync::Arc;

use super::moment::Moment;
use super::source::Manual;
use super::thread::Due;
use super::{Clock, Opening};
use crate::time::Deadline;

impl Clock {
    /// Goes by `time` from now on. `false`: it is open, or has a time of a test's already.
    pub(crate) fn go_by(&self, time: Arc<Manual>) -> bool {
        let state = self.state.lock();
        !state.open && self.source.set(time)
    }

    /// Rings what is due, as much as a thread would in one go. `false`: nothing was.
    pub(crate) fn ring_due(&self) -> bool {
        let mut due = Due::default();
        let opening = {
            let mut state = self.state.lock();
            _ = self.look(&mut state, &mut due);
            Opening(state.epoch)
        };
        let any = !due.is_empty();
        if any {
            self.ring(&mut due, opening);
        }
        any
    }

    /// When the next bell is due, as it looks now.
    pub(crate) fn next_due(&self) -> Deadline {
        let state = self.state.lock();
        let [now, wall] = self.moments();
        let next_on_wall = match state.on_wall.next().0.min(state.ticks_on_wall.next().0) {
            Moment::NEVER => Moment::NEVER,
            next => now.later(next.since_moment(wall)),
        };
        state.deadlines.next().0.min(state.ticks.next().0).min(next_on_wall).deadline(self.origin)
    }
}

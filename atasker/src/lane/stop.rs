//! How a lane ends: it drains and is closed, or it is given up on.

use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use super::gate::Stage;
use super::{Body, Lane};

impl Lane {
    /// Closes the intake for callers. `false`: it was closed before.
    pub(crate) fn drain(&self) -> bool {
        let (was_open, drained) = {
            let mut gate = self.gate.lock();
            let was_open = gate.stage == Stage::Open;
            if was_open {
                gate.stage = Stage::Draining;
            }
            (was_open, gate.is_drained())
        };
        self.tell(drained);
        was_open
    }

    /// Cancels the tasks that the clock holds.
    pub(crate) fn cancel_delayed(self: &Arc<Self>) {
        let delayed = self.gate.lock().condemn(|_| false);
        self.refuse(delayed);
    }

    /// Cancels every task that waits. Workers' runs stay.
    pub(crate) fn cancel_queued(self: &Arc<Self>) {
        let queued = self.gate.lock().condemn(|body| body.is_task());
        self.refuse(queued);
    }

    /// Asks every body in flight to end at its next await.
    pub(crate) fn hurry(&self) {
        let bodies = self.gate.lock().bodies();
        bodies.into_iter().for_each(|body| body.ask_to_end());
    }

    /// Has the watcher told whenever it is quiet, from now on.
    #[cfg(feature = "test-util")]
    pub(crate) fn watch(&self) {
        self.gate.lock().watched = true;
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.gate.lock().is_quiet()
    }

    /// Closes without waiting: cancels what waits, gives up on what is in flight and asks it to end. Names it, and since when
    /// it runs.
    pub(crate) fn give_up(self: &Arc<Self>) -> Vec<(String, Instant)> {
        let (flying, stranded) = {
            let mut gate = self.gate.lock();
            (gate.give_up(), gate.condemn(|_| true))
        };
        let named = flying.iter().map(|(body, since)| (body.name(), *since)).collect();
        // Only now: what ends because it is asked to has run until the time was over, and is named.
        flying.into_iter().for_each(|(body, _)| body.ask_to_end());
        self.refuse(stranded);
        named
    }

    /// Shuts the runtime down. To be called when the lane is quiet, or given up.
    pub(crate) fn close(&self, gave_up: bool) {
        let (engine, resting) = {
            let mut motor = self.motor.lock();
            let mut gate = self.gate.lock();
            gate.stage = Stage::Closed;
            (motor.engine.take(), gate.dismiss())
        };
        resting.into_iter().for_each(Waker::wake);
        if let Some(engine) = engine {
            engine.shut_down(&self.thread_name, !gave_up);
        }
    }

    fn refuse(self: &Arc<Self>, bodies: Vec<Arc<dyn Body>>) {
        let condemned = bodies.len();
        let refused: Vec<_> = bodies.into_iter().filter(|body| Arc::clone(body).refuse()).collect();
        let drained = {
            let mut gate = self.gate.lock();
            gate.told(condemned);
            gate.is_drained()
        };
        self.tell(drained);
        // Only now: a body's Drop is user code, which may take long, or wait for another that is refused with it.
        refused.into_iter().for_each(|body| body.drop_body());
    }
}

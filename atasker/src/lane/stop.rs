//! How a lane ends: it drains and is closed, or it is given up on.

use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use super::engine::Engine;
use super::gate::Stage;
use super::{Body, Lane, Scope};
use crate::stops::Leftover;

/// One opening of a lane. What was asked for one opening never touches the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opening(u64);

/// The runtime of a lane that has closed, to be shut down outside every lock.
#[must_use]
pub(crate) struct Shutdown {
    engine: Option<Engine>,
    resting: Vec<Waker>,
}

impl Lane {
    /// Closes the intake for callers from outside that scope. The opening that this ends; `None`: it is not open.
    ///
    /// Whoever waits for it to be quiet is to look again: who asks tells them, since he may hold a lock here.
    pub(crate) fn drain(&self, scope: Scope) -> Option<Opening> {
        let mut gate = self.gate.lock();
        match (gate.stage, scope) {
            (Stage::Open, _) | (Stage::Draining(_), Scope::Supervisor) => gate.stage = Stage::Draining(scope),
            (Stage::Draining(_) | Stage::Ending, _) => {}
            (Stage::Created | Stage::Closed, _) => return None,
        }
        Some(Opening(gate.epoch))
    }

    /// The opening that lasts, or was the last.
    pub(crate) fn opening(&self) -> Opening {
        Opening(self.gate.lock().epoch)
    }

    /// Whether that opening is being ended, and not with the supervisor whole.
    pub(crate) fn drains_alone(&self, opening: Opening) -> bool {
        let gate = self.gate.lock();
        Opening(gate.epoch) == opening && matches!(gate.stage, Stage::Draining(Scope::Lane) | Stage::Ending)
    }

    /// Whether that opening is over.
    pub(crate) fn has_closed(&self, opening: Opening) -> bool {
        let gate = self.gate.lock();
        Opening(gate.epoch) != opening || gate.stage == Stage::Closed
    }

    /// Cancels the tasks that the clock holds. Gives what is left to drop.
    pub(crate) fn cancel_delayed(self: &Arc<Self>) -> Option<Leftover> {
        let delayed = self.gate.lock().condemn(|_| false);
        self.refuse(delayed)
    }

    /// Closes the intake for bodies too, cancels every task that waits, and asks every body in flight to end at its next
    /// await. Workers' runs stay in the queue. Gives what is left to drop.
    pub(crate) fn hurry(self: &Arc<Self>) -> Vec<Leftover> {
        let (queued, bodies) = {
            let mut gate = self.gate.lock();
            if let Stage::Draining(_) = gate.stage {
                gate.stage = Stage::Ending;
            }
            (gate.condemn(|body| body.is_task()), gate.bodies())
        };
        let dropped = self.refuse(queued);
        dropped.into_iter().chain(bodies.into_iter().filter_map(|body| body.ask_to_end())).collect()
    }

    /// Has the watcher told whenever it is quiet, from now on.
    #[cfg(feature = "test-util")]
    pub(crate) fn watch(&self) {
        self.gate.lock().watched = true;
    }

    /// Whether nothing is in flight or waits.
    #[cfg(feature = "test-util")]
    pub(crate) fn is_quiet(&self) -> bool {
        self.rest().is_some()
    }

    /// How many bodies it has admitted, where none is in flight or waits. Where that is the same at a second look, it has
    /// been quiet all the time between them.
    pub(crate) fn rest(&self) -> Option<u64> {
        let gate = self.gate.lock();
        gate.is_quiet().then(|| gate.begun())
    }

    /// Takes in nothing more, if nothing is in flight or waits. `None`: something does.
    ///
    /// Invariant: whoever gets in before this finds a lane that stays open, and who comes after it is refused, since both
    /// are under the gate's lock; and an opening that came since is left alone (`lane::model::gate::enter_and_close`).
    pub(crate) fn close_if_quiet(&self, opening: Opening, scope: Scope) -> Option<Shutdown> {
        let mut motor = self.motor.lock();
        let mut gate = self.gate.lock();
        if Opening(gate.epoch) != opening {
            return Some(Shutdown { engine: None, resting: Vec::new() });
        }
        let for_another = scope == Scope::Lane && gate.stage == Stage::Draining(Scope::Supervisor);
        if for_another || !gate.is_quiet() {
            return None;
        }
        gate.stage = Stage::Closed;
        Some(Shutdown { engine: motor.engine.take(), resting: gate.dismiss() })
    }

    /// What is in flight, by name.
    pub(crate) fn busy(&self) -> Vec<String> {
        let bodies = self.gate.lock().bodies();
        bodies.into_iter().map(|body| body.name()).collect()
    }

    /// Closes without waiting: cancels what waits, gives up on what is in flight and asks it to end. Names it, and since when
    /// it runs; and gives what is left to do, which is user code.
    pub(crate) fn give_up(self: &Arc<Self>, opening: Opening) -> (Vec<(String, Instant)>, Vec<Leftover>) {
        let (flying, stranded, engine, resting) = {
            let mut motor = self.motor.lock();
            let mut gate = self.gate.lock();
            if Opening(gate.epoch) != opening {
                return Default::default();
            }
            let (flying, stranded) = (gate.give_up(), gate.condemn(|_| true));
            (flying, stranded, motor.engine.take(), gate.dismiss())
        };
        let named: Vec<_> = flying.iter().map(|(body, since)| (body.name(), *since)).collect();
        let tasks = flying.iter().filter(|(body, _)| body.is_task()).count();
        // Only now: what ends because it is asked to has run until the time was over, and is named.
        let mut leftovers: Vec<_> = flying.into_iter().filter_map(|(body, _)| body.ask_to_end()).collect();
        leftovers.extend(self.refuse(stranded));
        self.gate.lock().count_given_up(tasks as u64);
        resting.into_iter().for_each(Waker::wake);
        if let Some(engine) = engine {
            let name = self.thread_name.clone();
            let patient = named.is_empty();
            leftovers.push(Box::new(move || engine.shut_down(&name, patient)));
        }
        (named, leftovers)
    }

    /// Shuts the runtime of a closed lane down.
    pub(crate) fn shut_down(&self, Shutdown { engine, resting }: Shutdown) {
        resting.into_iter().for_each(Waker::wake);
        if let Some(engine) = engine {
            engine.shut_down(&self.thread_name, true);
        }
    }

    /// Refuses bodies that were taken out. Gives what drops them.
    fn refuse(self: &Arc<Self>, bodies: Vec<Arc<dyn Body>>) -> Option<Leftover> {
        let condemned = bodies.len();
        let refused: Vec<_> = bodies.into_iter().filter(|body| Arc::clone(body).refuse()).collect();
        let drained = {
            let mut gate = self.gate.lock();
            gate.told(condemned);
            gate.is_drained()
        };
        self.tell(drained);
        if refused.is_empty() {
            return None;
        }
        // Only later: a body's Drop is user code, which may take long, or wait for another that is refused with it.
        Some(Box::new(move || refused.into_iter().for_each(|body| body.drop_body())))
    }
}

//! Threads that were called for, under the lock, are woken and made here, outside it.

use std::io;
use std::sync::Arc;

use super::entry::Entry;
use super::job::{Job, Refusal};
use super::queue::Removed;
use super::state::{Call, Reservation};
use super::{Calls, Pool, Refused, Source, thread};

impl Pool {
    /// Wakes and makes threads.
    pub(crate) fn make(self: &Arc<Self>, Calls(calls): Calls) {
        // A refusal has been told to the overseer; the threads there are go on.
        _ = self.answer(calls);
    }

    /// Tries again to get the threads that are needed.
    pub(crate) fn retry(self: &Arc<Self>) {
        let calls = self.lock().call_all();
        _ = self.answer(calls);
    }

    /// Wakes and makes the threads that were called.
    pub(super) fn answer(self: &Arc<Self>, calls: Vec<Call>) -> io::Result<()> {
        let mut result = Ok(());
        for call in calls {
            match call {
                Call::Unpark(thread) => thread.unpark(),
                Call::Spawn(reservation) => {
                    if let Err((error, refused)) = self.spawn(reservation) {
                        self.refuse(refused, Refusal::NoThread);
                        result = Err(error);
                    }
                }
            }
        }
        result
    }

    /// Answers a call that came up while the lock was let go.
    pub(super) fn answer_late(&self, call: Option<Call>) {
        let Some(call) = call else { return };
        // Where it is gone, nobody can be about to submit.
        if let Some(pool) = self.me.upgrade() {
            // A refusal has been told to the overseer; what is queued waits for the next thread.
            _ = pool.answer(vec![call]);
        }
    }

    /// Makes the thread that was called for `job`, whose caller gets it back if nobody is there to run it.
    ///
    /// `None`: a task without a handle; it is refused with the others, and that is counted and told.
    pub(super) fn answer_for(
        self: &Arc<Self>,
        call: Call,
        job: Option<&Arc<dyn Job>>,
        source: Source,
    ) -> Result<(), Refused> {
        let Call::Spawn(reservation) = call else { return Ok(()) };
        let Err((_, mut refused)) = self.spawn(reservation) else { return Ok(()) };
        let position = job.and_then(|job| refused.iter().position(|(_, other)| other.is(job)));
        let own = position.filter(|_| source == Source::Caller).map(|position| refused.remove(position));
        self.lock().condemned -= usize::from(own.is_some());
        self.refuse(refused, Refusal::NoThread);
        if own.is_some() { Err(Refused::NoThread) } else { Ok(()) }
    }

    /// Makes a thread. On failure gives back the tasks that nobody is there to run.
    pub(super) fn spawn(self: &Arc<Self>, reservation: Reservation) -> Result<(), (io::Error, Vec<Removed>)> {
        let (slot, serial, epoch) = (reservation.slot, reservation.serial, reservation.epoch);
        let (threads, finished) = {
            let mut state = self.lock();
            (state.threads.clone(), state.take_finished())
        };
        // Let go, not joined: one of them may be this very thread, in a destructor of its locals.
        drop(finished);
        let made = thread::make(self, &threads, reservation);
        let mut state = self.lock();
        if state.epoch != epoch {
            return Ok(());
        }
        state.spawning -= 1;
        let error = match made {
            Ok(join) => {
                state.adopt(slot, serial, join);
                drop(state);
                self.tell_if_quiet();
                return Ok(());
            }
            Err(error) => error,
        };
        state.unmade(slot);
        let alone = state.thread_count() == 0;
        let refused = if alone { state.condemn(Entry::is_task) } else { Vec::new() };
        let stranded = alone && !state.queues.is_empty();
        drop(state);
        self.tell(|overseer| overseer.no_thread(&error, stranded));
        self.tell_if_quiet();
        Err((error, refused))
    }
}

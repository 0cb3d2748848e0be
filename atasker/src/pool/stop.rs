//! How a pool ends: it drains and is closed, or it is given up on.

use std::sync::Arc;
use std::time::Instant;

use super::Pool;
use super::current;
use super::entry::Entry;
use super::job::Refusal;
use super::queue::Removed;
use super::state::Stage;
use crate::log;
use crate::panics::drop_contained;
use crate::sync::atomic::Ordering;

impl Pool {
    /// Closes the intake for callers.
    pub(crate) fn drain(&self) {
        self.lock().enter(Stage::Draining);
    }

    /// Asks every body that runs now to end.
    pub(crate) fn hurry(&self) {
        let epoch = self.lock().epoch;
        // Relaxed: a flag that bodies look at when they like; nothing else is published by it.
        self.hurried.store(epoch, Ordering::Relaxed);
    }

    /// Whether bodies of that epoch have been asked to end.
    pub(super) fn is_hurried(&self, epoch: u64) -> bool {
        self.hurried.load(Ordering::Relaxed) >= epoch
    }

    /// Takes every task out of the queues and cancels it. Workers' runs stay.
    pub(crate) fn cancel_queued(self: &Arc<Self>) {
        let cancelled = {
            let mut state = self.lock();
            // A carried task also stands in its own queue.
            state.queues.carried.retain(|carried| !carried.job.is_task());
            state.condemn(Entry::is_task)
        };
        self.refuse(cancelled, Refusal::Cancelled);
    }

    /// Whether nothing runs or waits.
    pub(crate) fn is_quiet(&self) -> bool {
        let mut state = self.lock();
        if !state.is_quiet() && state.thread_count() == 0 {
            // Dead entries are buried by the threads that take them out; where there is none, here.
            state.take_in();
            let dead = state.sweep_all();
            let quiet = state.is_quiet();
            drop(state);
            drop(dead);
            return quiet;
        }
        state.is_quiet()
    }

    /// Has the overseer told whenever it is quiet, from now on.
    #[cfg(feature = "test-util")]
    pub(crate) fn watch(&self) {
        self.lock().watch();
    }

    /// Undoes an opening that could not make its threads.
    pub(crate) fn undo_open(self: &Arc<Self>, was_created: bool) {
        self.close();
        if was_created {
            self.lock().enter(Stage::Created);
        }
    }

    /// Sends the threads away and joins them. To be called when the pool is quiet.
    pub(crate) fn close(self: &Arc<Self>) {
        let calls = {
            let mut state = self.lock();
            state.enter(Stage::Closed);
            state.call_parked()
        };
        _ = self.answer(calls);
        loop {
            let joins = {
                let mut state = self.lock();
                let running = state.slots.iter_mut().flatten().filter_map(|slot| slot.join.take());
                let mut joins: Vec<_> = running.collect();
                joins.append(&mut state.left);
                joins
            };
            if joins.is_empty() {
                return;
            }
            for join in joins {
                // A pool thread contains every panic of a body; one of its own is a bug that has been printed.
                _ = join.join();
            }
        }
    }

    /// Closes without waiting: cancels what is queued, and gives up on what runs and asks it to end. Names it, and since
    /// when it runs.
    pub(crate) fn give_up(self: &Arc<Self>) -> Vec<(String, Instant)> {
        let (running, threads, stranded, errands) = {
            let mut state = self.lock();
            let epoch = state.epoch;
            let (running, threads) = state.give_up();
            // Only now: what ends because it is asked to has run until the time was over, and is named.
            self.hurried.store(epoch, Ordering::Relaxed);
            state.queues.carried.clear();
            let errands = std::mem::take(&mut state.queues.errands);
            let stranded = state.condemn(|_| true);
            (running, threads, stranded, errands)
        };
        for thread in threads {
            thread.unpark();
        }
        self.refuse(stranded, Refusal::Cancelled);
        for errand in errands {
            errand.refuse(self, Refusal::Cancelled);
        }
        running
    }

    /// Refuses entries that were taken out of their queues.
    pub(super) fn refuse(self: &Arc<Self>, entries: Vec<Removed>, why: Refusal) {
        let condemned = entries.len();
        let mut refused = Vec::with_capacity(condemned);
        for (priority, entry) in entries {
            let ended = match &entry {
                Entry::Job(job) => Arc::clone(job).refuse(self, why),
                Entry::Closure(closure) => {
                    self.count(|totals| totals.count_refusal(why));
                    if why == Refusal::NoThread {
                        log::rejected(closure.name().get(), "the system gives no thread");
                    }
                    true
                }
            };
            if ended {
                refused.push(entry);
            } else {
                // It was dead, or was claimed or cancelled since it was taken out: either is, or will be, reported as the
                // death of an entry in the queue.
                self.glance.buried(priority, 1);
            }
        }
        self.lock().condemned -= condemned;
        self.tell_if_quiet();
        // Only now: a body's Drop is user code, which may take long, or wait for another that is refused with it.
        refused.into_iter().for_each(|entry| self.drop_unrun(entry));
    }

    /// Drops an entry that will not run, as a body of the pool: what its values' `Drop` calls, a stop among it, must not
    /// wait for the thread it is called on.
    pub(super) fn drop_unrun(self: &Arc<Self>, entry: Entry) {
        match entry {
            Entry::Job(job) => job.drop_body(self),
            Entry::Closure(closure) => current::enter_unnamed(self, || drop_contained(closure)),
        }
    }

    pub(super) fn tell_if_quiet(&self) {
        if self.lock().is_drained() {
            self.tell(|overseer| overseer.quiet());
        }
    }
}

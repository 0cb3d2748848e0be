//! How a pool ends: it drains and is closed, or it is given up on.

use std::sync::Arc;
use std::time::Instant;

use super::Pool;
use super::job::{Job, Refusal};
use super::queue::Removed;
use super::state::{Running, Stage};
use crate::sync::atomic::Ordering;

impl Pool {
    /// Closes the intake for callers.
    pub(crate) fn drain(&self) {
        self.state.lock().stage = Stage::Draining;
    }

    /// Asks every body that runs now to end.
    pub(crate) fn hurry(&self) {
        let epoch = self.state.lock().epoch;
        // Relaxed: a flag that bodies look at when they like; nothing else is published by it.
        self.hurried.store(epoch, Ordering::Relaxed);
    }

    /// Whether bodies of that epoch have been asked to end.
    pub(super) fn is_hurried(&self, epoch: u64) -> bool {
        self.hurried.load(Ordering::Relaxed) >= epoch
    }

    /// Takes every task out of the queues and cancels it. Workers' runs stay.
    pub(crate) fn cancel_queued(&self) {
        let cancelled = {
            let mut state = self.state.lock();
            // A carried task also stands in its own queue.
            state.queues.carried.retain(|(job, _)| !job.is_task());
            state.condemn(|job| job.is_task())
        };
        self.refuse(cancelled, Refusal::Cancelled);
    }

    /// Whether nothing runs or waits.
    pub(crate) fn is_quiet(&self) -> bool {
        let mut state = self.state.lock();
        if !state.is_quiet() && state.thread_count() == 0 {
            // Dead entries are buried by the threads that take them out; where there is none, here.
            let dead = state.queues.sweep();
            let quiet = state.is_quiet();
            drop(state);
            drop(dead);
            return quiet;
        }
        state.is_quiet()
    }

    /// Undoes an opening that could not make its threads.
    pub(crate) fn undo_open(self: &Arc<Self>, was_created: bool) {
        self.close();
        if was_created {
            self.state.lock().stage = Stage::Created;
        }
    }

    /// Sends the threads away and joins them. To be called when the pool is quiet.
    pub(crate) fn close(self: &Arc<Self>) {
        let calls = {
            let mut state = self.state.lock();
            state.stage = Stage::Closed;
            state.call_parked()
        };
        _ = self.answer(calls);
        loop {
            let joins = {
                let mut state = self.state.lock();
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

    /// Closes without waiting: cancels what is queued and gives up on what runs. Names it, and since when it runs.
    pub(crate) fn give_up(&self) -> Vec<(String, Instant)> {
        let (running, threads, stranded, errands) = {
            let mut state = self.state.lock();
            state.stage = Stage::Closed;
            let (running, threads) = state.give_up();
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
            errand.refuse(Refusal::Cancelled);
        }
        running.iter().map(|Running { job, since }| (job.name().into_owned(), *since)).collect()
    }

    /// Refuses jobs that were taken out of their queues.
    pub(super) fn refuse(&self, jobs: Vec<Removed>, why: Refusal) {
        let condemned = jobs.len();
        let mut refused = Vec::with_capacity(condemned);
        for (priority, job) in jobs {
            if Arc::clone(&job).refuse(why) {
                refused.push(job);
            } else {
                // It was dead, or was claimed or cancelled since it was taken out: either is, or will be, reported as the
                // death of an entry in the queue.
                self.state.lock().queues.of[priority].buried();
            }
        }
        self.state.lock().condemned -= condemned;
        self.tell_if_quiet();
        // Only now: a body's Drop is user code, which may take long, or wait for another that is refused with it.
        refused.into_iter().for_each(Job::drop_body);
    }

    pub(super) fn tell_if_quiet(&self) {
        if self.state.lock().is_drained() {
            self.tell(|overseer| overseer.quiet());
        }
    }
}

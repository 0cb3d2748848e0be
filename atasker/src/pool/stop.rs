//! How a pool ends: it drains and is closed, or it is given up on.

use std::sync::Arc;
use std::time::Instant;

use super::Pool;
use super::current;
use super::entry::Entry;
use super::job::{Job, Refusal};
use super::queue::Removed;
use super::state::{GivenUp, Stage};
use crate::log;
use crate::outside;
use crate::panics::drop_contained;
use crate::stops::Leftover;
use crate::sync::atomic::Ordering;

/// One opening of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opening(u64);

/// What a stop has given up on, by name, and since when it runs; `None`: it has not begun.
pub(crate) type GivenUpOn = (String, Option<Instant>);

/// Entries that were taken out of their queues, with what is still to be dropped of them.
struct Undropped {
    /// Refused: their bodies are there.
    refused: Vec<Entry>,
    /// Dead before that: somebody else has, or had, their bodies.
    dead: Vec<Entry>,
}

impl Undropped {
    fn is_empty(&self) -> bool {
        self.refused.is_empty() && self.dead.is_empty()
    }
}

impl Pool {
    /// Closes the intake for callers from outside.
    pub(crate) fn drain(&self) {
        self.lock().enter(Stage::Draining);
    }

    /// Closes the intake for bodies too, and asks every body that runs now to end.
    pub(crate) fn hurry(&self) {
        let epoch = {
            let mut state = self.lock();
            if state.stage() == Stage::Draining {
                state.enter(Stage::Ending);
            }
            state.epoch
        };
        // Relaxed: a flag that bodies look at when they like; nothing else is published by it.
        self.hurried.store(epoch, Ordering::Relaxed);
    }

    /// Whether bodies of that epoch have been asked to end.
    pub(super) fn is_hurried(&self, epoch: u64) -> bool {
        self.hurried.load(Ordering::Relaxed) >= epoch
    }

    /// Takes every task out of the queues and cancels it. Workers' runs stay. Gives what is left to drop.
    pub(crate) fn cancel_queued(self: &Arc<Self>) -> Option<Leftover> {
        let (cancelled, carried) = {
            let mut state = self.lock();
            // A carried task also stands in its own queue.
            let all = std::mem::take(&mut state.queues.carried);
            let (carried, left): (Vec<_>, Vec<_>) = all.into_iter().partition(|carried| carried.job.is_task());
            state.queues.carried = left.into();
            (state.condemn(Entry::is_task), carried)
        };
        self.tell_if_all_wait();
        let left = self.refuse_undropped(cancelled, Refusal::Cancelled);
        self.leftover(left, carried.into_iter().map(|carried| carried.job).collect())
    }

    /// What drops them, if there are any.
    fn leftover(self: &Arc<Self>, left: Undropped, owners: Vec<Arc<dyn Job>>) -> Option<Leftover> {
        if left.is_empty() && owners.is_empty() {
            return None;
        }
        let pool = Arc::clone(self);
        Some(Box::new(move || {
            pool.drop_as_body(owners);
            pool.drop_refused(left);
        }))
    }

    /// Whether nothing runs or waits.
    #[cfg(feature = "test-util")]
    pub(crate) fn is_quiet(&self) -> bool {
        self.rest().is_some()
    }

    /// How many entries it has begun, where nothing runs or waits. Where that is the same at a second look, it has been
    /// quiet all the time between them.
    pub(crate) fn rest(&self) -> Option<u64> {
        let mut state = self.lock();
        let dead = state.bury_alone();
        let rest = state.is_quiet().then(|| state.begun());
        drop(state);
        self.drop_as_body(dead);
        rest
    }

    /// Has the overseer told whenever it is quiet, from now on.
    #[cfg(feature = "test-util")]
    pub(crate) fn watch(&self) {
        self.lock().watch();
    }

    /// Undoes an opening that could not make its threads.
    pub(crate) fn undo_open(self: &Arc<Self>, was_created: bool) {
        let (calls, opening) = {
            let mut state = self.lock();
            (state.close(), Opening(state.epoch))
        };
        _ = self.answer(calls);
        self.join(opening);
        if was_created {
            self.lock().enter(Stage::Created);
        }
    }

    /// The opening that lasts, or was the last.
    pub(crate) fn opening(&self) -> Opening {
        Opening(self.lock().epoch)
    }

    /// Takes in nothing more and sends the threads away, if nothing runs or waits. `false`: something does. What was asked for
    /// one opening never touches the next.
    ///
    /// Invariant: what was taken in is run: who gets in before this finds a pool that stays open, and who comes after it is
    /// refused, since both are under the pool's lock (`supervisor::model::chain_and_stop`).
    pub(crate) fn close_if_quiet(self: &Arc<Self>, opening: Opening) -> bool {
        let (calls, dead) = {
            let mut state = self.lock();
            if Opening(state.epoch) != opening {
                return true;
            }
            let dead = state.bury_alone();
            // In one go: an opening that came in between would be closed by the second.
            (state.is_quiet().then(|| state.close()), dead)
        };
        self.drop_as_body(dead);
        let is_closed = calls.is_some();
        _ = self.answer(calls.unwrap_or_default());
        is_closed
    }

    /// Joins the threads of a closed pool, as long as it is not opened again.
    pub(crate) fn join(&self, opening: Opening) {
        loop {
            let joins = {
                let mut state = self.lock();
                if Opening(state.epoch) != opening {
                    return;
                }
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

    /// What runs, by name: what a stop waits for.
    pub(crate) fn busy(&self) -> Vec<String> {
        self.lock().busy()
    }

    /// Closes without waiting: cancels what is queued, and gives up on what runs and asks it to end. Names it, and what is
    /// queued beside all places, which has not begun; and gives what is left to do, which is user code.
    pub(crate) fn give_up(self: &Arc<Self>) -> (Vec<GivenUpOn>, Vec<Leftover>) {
        let (running, threads, stranded, errands, left) = {
            let mut state = self.lock();
            let epoch = state.epoch;
            let GivenUp { running, threads, noted: mut left } = state.give_up();
            // Only now: what ends because it is asked to has run until the time was over, and is named.
            self.hurried.store(epoch, Ordering::Relaxed);
            left.extend(state.queues.carried.drain(..).map(|carried| carried.job));
            let errands = std::mem::take(&mut state.queues.errands);
            let stranded = state.condemn(|_| true);
            (running, threads, stranded, errands, left)
        };
        for thread in threads {
            thread.unpark();
        }
        let undropped = self.refuse_undropped(stranded, Refusal::Cancelled);
        let mut leftovers: Vec<_> = self.leftover(undropped, left).into_iter().collect();
        let mut running: Vec<GivenUpOn> = running.into_iter().map(|(name, since)| (name, Some(since))).collect();
        for errand in errands {
            running.push((errand.name().to_owned(), None));
            let pool = Arc::clone(self);
            leftovers.push(Box::new(move || _ = errand.refuse(&pool, Refusal::Cancelled)));
        }
        (running, leftovers)
    }

    /// Refuses entries that were taken out of their queues.
    pub(super) fn refuse(self: &Arc<Self>, entries: Vec<Removed>, why: Refusal) {
        let pool = Arc::clone(self);
        outside::run(move || {
            // Dropped only now: a body's Drop is user code, which may take long, or wait for another that is refused with it.
            let left = pool.refuse_undropped(entries, why);
            pool.drop_refused(left);
        });
    }

    fn drop_refused(self: &Arc<Self>, Undropped { refused, dead }: Undropped) {
        self.drop_as_body(dead);
        refused.into_iter().for_each(|entry| self.drop_unrun(entry));
    }

    /// The same, with those that are left to drop.
    fn refuse_undropped(self: &Arc<Self>, entries: Vec<Removed>, why: Refusal) -> Undropped {
        let condemned = entries.len();
        let (mut refused, mut dead) = (Vec::with_capacity(condemned), Vec::new());
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
                dead.push(entry);
            }
        }
        self.lock().condemned -= condemned;
        self.tell_if_quiet();
        Undropped { refused, dead }
    }

    /// Drops an entry that will not run, as a body of the pool: what its values' `Drop` calls, a stop among it, must not
    /// wait for the thread it is called on.
    pub(super) fn drop_unrun(self: &Arc<Self>, entry: Entry) {
        match entry {
            Entry::Job(job) => job.drop_body(self),
            Entry::Closure(closure) => current::enter_unnamed(self, || drop_contained(closure)),
        }
    }

    /// Drops what may be the last owners of jobs, as a body of the pool: what a user's `Drop` in them calls, a stop among it,
    /// must not wait for the thread it is called on. Outside every lock.
    ///
    /// All that the pool lets go of between two bodies goes this way: dead entries, and what only noted what runs.
    pub(super) fn drop_as_body<T>(&self, left: Vec<T>) {
        if !left.is_empty() {
            current::enter_at(self.address(), || left.into_iter().for_each(drop_contained));
        }
    }

    pub(super) fn tell_if_quiet(&self) {
        if self.lock().is_drained() {
            self.tell(|overseer| overseer.quiet());
        }
    }
}

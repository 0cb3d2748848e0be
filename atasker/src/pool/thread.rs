//! The life of a pool thread: look, run, look again; sleep when there is nothing; leave after a while.

use std::io;
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use super::Pool;
use super::current::{self, Home};
use super::job::Done;
use super::limits::ThreadSpec;
use super::state::{Reservation, Running, Stage, State};
use crate::panics::wake_contained;
use crate::sync::thread::{Builder, JoinHandle};
use crate::sync::{MutexGuard, Parker};
use crate::time::Deadline;

/// Makes a thread in the slot kept for it.
pub(super) fn make(pool: &Arc<Pool>, spec: &ThreadSpec, reservation: Reservation) -> io::Result<JoinHandle<()>> {
    let mut builder = Builder::new().name(format!("{}-{}", spec.name, reservation.slot));
    if let Some(bytes) = spec.stack_size {
        builder = builder.stack_size(bytes);
    }
    let pool = Arc::clone(pool);
    builder.spawn(move || live(pool, reservation))
}

/// A thread's whole life.
fn live(pool: Arc<Pool>, reservation: Reservation) {
    work(&pool, reservation);
    // What destructors of this thread's locals call from here on must take it for no pool thread any more.
    current::unsettle();
}

fn work(pool: &Arc<Pool>, reservation: Reservation) {
    let home = Home { pool: Arc::clone(pool), thread: reservation.slot, epoch: reservation.epoch };
    current::settle(home.clone());
    let mut state = pool.state.lock();
    if state.epoch != home.epoch {
        return;
    }
    state.arrived();
    loop {
        let taken = state.take();
        let dead = std::mem::take(&mut state.graveyard);
        let Some((job, charge)) = taken else {
            let found = if dead.is_empty() {
                sleep(pool, state, &home, &reservation.parker)
            } else {
                tidy(pool, state, &home, None, dead)
            };
            match found {
                Some(awake) => state = awake,
                None => return,
            }
            continue;
        };
        // What this thread took may have been charged elsewhere than what it gave back before, so a place may be free.
        let call = state.call();
        state.slot(home.thread).running.push(Running { job: Arc::clone(&job), since: Instant::now() });
        drop(state);
        drop(dead);
        if let Some(call) = call {
            // A refusal has been told to the overseer; this thread is there to take what is left.
            _ = pool.answer(vec![call]);
        }
        let Done { ran, waiter } = current::enter(pool, Arc::clone(&job), || job.run());
        state = pool.state.lock();
        if state.epoch != home.epoch {
            // Given up on, not forgotten: who waits for it learns of its end.
            drop(state);
            waiter.into_iter().for_each(wake_contained);
            return;
        }
        let done = state.slot(home.thread).running.pop();
        let swept = state.release(charge, ran);
        let last_owner = done.as_ref().is_some_and(|done| Arc::strong_count(&done.job) == 1);
        if waiter.is_some() || last_owner || !swept.is_empty() || state.is_drained() {
            match tidy(pool, state, &home, waiter, (done, swept)) {
                Some(relocked) => state = relocked,
                None => return,
            }
        }
    }
}

/// What may not be done under the lock: wakes who waits for a job, drops what may be the last owner of one, tells that
/// the pool is quiet.
///
/// `None`: the thread's epoch is over.
fn tidy<'a, T>(
    pool: &'a Pool,
    mut state: MutexGuard<'a, State>,
    home: &Home,
    waiter: Option<Waker>,
    spent: T,
) -> Option<MutexGuard<'a, State>> {
    let drained = state.is_drained();
    // It comes back to a look in a moment: nobody else need be called for what it will find.
    state.departs();
    drop(state);
    if let Some(waiter) = waiter {
        wake_contained(waiter);
    }
    drop(spent);
    if drained {
        pool.tell(|overseer| overseer.quiet());
    }
    let mut state = pool.state.lock();
    if state.epoch != home.epoch {
        return None;
    }
    state.arrived();
    Some(state)
}

/// Sleeps until called. `None`: the thread has left.
fn sleep<'a>(
    pool: &'a Pool,
    mut state: MutexGuard<'a, State>,
    home: &Home,
    parker: &Parker,
) -> Option<MutexGuard<'a, State>> {
    let mut until = Deadline::within(state.threads.keep_alive);
    if state.stage == Stage::Closed {
        state.leave(home.thread);
        return None;
    }
    state.park(home.thread);
    loop {
        drop(state);
        // The race this closes: a call between the look and the sleep. Whoever calls marks the slot under the lock
        // and unparks after it, so the mark is seen here or the sleep ends at once.
        match until {
            Deadline::Never => parker.park(),
            Deadline::At(at) => parker.park_deadline(at),
        }
        state = pool.state.lock();
        if state.epoch != home.epoch {
            return None;
        }
        if state.slot(home.thread).woken {
            state.arrived();
            return Some(state);
        }
        if until.is_due(Instant::now()) {
            if state.thread_count() > state.threads.min_threads && state.unpark_itself(home.thread) {
                state.leave(home.thread);
                return None;
            }
            // One of those that stay: nothing wakes it but a call.
            until = Deadline::Never;
        }
    }
}

//! The life of a pool thread: look, run, look again; sleep when there is nothing; leave after a while.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use super::Pool;
use super::current::{self, Home};
use super::state::{Reservation, Running, Stage, State, ThreadSpec};
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

fn live(pool: Arc<Pool>, reservation: Reservation) {
    let home = Home { pool: Arc::clone(&pool), thread: reservation.slot, epoch: reservation.epoch };
    current::settle(home.clone());
    let mut state = pool.state.lock();
    if state.epoch != home.epoch {
        return;
    }
    state.arrived();
    loop {
        let Some((job, charge)) = state.take() else {
            match sleep(&pool, state, &home, &reservation.parker) {
                Some(awake) => state = awake,
                None => return,
            }
            continue;
        };
        // What this thread took may have been charged elsewhere than what it gave back before, so a place may be free.
        let call = state.call();
        state.slot(home.thread).running.push(Running { job: Arc::clone(&job), since: Instant::now() });
        drop(state);
        if let Some(call) = call {
            // A refusal has been told to the overseer; this thread is there to take what is left.
            _ = pool.answer(vec![call]);
        }
        let ran = current::enter(&pool, Arc::clone(&job), || job.run());
        state = pool.state.lock();
        if state.epoch != home.epoch {
            return;
        }
        let done = state.slot(home.thread).running.pop();
        let swept = state.release(charge, ran);
        let quiet = state.stage != Stage::Open && state.is_quiet();
        let last_owner = done.as_ref().is_some_and(|done| Arc::strong_count(&done.job) == 1);
        if quiet || last_owner || !swept.is_empty() {
            // Nobody is woken, and no job loses its last owner, under the lock.
            drop(state);
            drop((done, swept));
            if quiet {
                pool.tell(|overseer| overseer.quiet());
            }
            state = pool.state.lock();
            if state.epoch != home.epoch {
                return;
            }
        }
    }
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

//! The life of a pool thread: look, run, look again; sleep when there is nothing; leave after a while.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use super::Pool;
use super::current;
use super::entry::Entry;
use super::home::Home;
use super::limits::ThreadSpec;
use super::state::{Locked, Reservation, Stage};
use crate::sync::Parker;
use crate::sync::thread::{Builder, JoinHandle};
use crate::time::Deadline;

/// Makes a thread in the slot kept for it.
pub(super) fn make(pool: &Arc<Pool>, spec: &ThreadSpec, reservation: Reservation) -> io::Result<JoinHandle<()>> {
    let mut builder = Builder::new().name(format!("{}-{}", spec.name, reservation.slot));
    if let Some(bytes) = spec.stack_size {
        builder = builder.stack_size(bytes);
    }
    let (pool, nesting) = (Arc::clone(pool), spec.nesting());
    builder.spawn(move || live(pool, nesting, reservation))
}

/// A thread's whole life.
fn live(pool: Arc<Pool>, nesting: usize, reservation: Reservation) {
    work(&pool, nesting, reservation);
    // What destructors of this thread's locals call from here on must take it for no pool thread any more.
    current::unsettle();
}

fn work(pool: &Arc<Pool>, nesting: usize, reservation: Reservation) {
    let Reservation { slot, epoch, parker, ledger, rings, .. } = reservation;
    let home = Rc::new(Home::new(Arc::clone(pool), (slot, epoch), nesting, ledger, rings));
    current::settle(&home);
    let mut state = pool.lock();
    if state.epoch != home.epoch {
        return;
    }
    state.arrived();
    loop {
        let Some((entry, charge)) = state.take(&home) else {
            let dead = std::mem::take(&mut state.graveyard);
            if !home.is_empty() {
                // Taken ahead, and not to be started now: it waits where others find it.
                state.put_back(&home);
            }
            let found =
                if dead.is_empty() { wait(pool, state, &home, &parker) } else { tidy(pool, state, &home, dead) };
            match found {
                Some(awake) => state = awake,
                None => return,
            }
            continue;
        };
        // What this thread took may have been charged elsewhere than what it gave back before, so a place may be free.
        let call = state.call();
        drop(state);
        if let Some(call) = call {
            // A refusal has been told to the overseer; this thread is there to take what is left.
            _ = pool.answer(vec![call]);
        }
        home.turn(entry, charge);
        home.let_gather();
        state = pool.lock();
        if state.epoch != home.epoch {
            drop(state);
            // What it was about to take from its rings when they were closed.
            return pool.refuse_all_kept(&home);
        }
        state.release(charge);
        // Not before the body: what is dropped may take long, and would hold up what has a place already.
        let dead = std::mem::take(&mut state.graveyard);
        if state.is_drained() || !dead.is_empty() {
            match tidy(pool, state, &home, dead) {
                Some(relocked) => state = relocked,
                None => return,
            }
        }
    }
}

/// What may not be done under the lock: drops what may be the last owner of a job, tells that the pool is quiet.
///
/// With something to drop, which may be the user's and take long, the thread does not count as coming: what comes meanwhile
/// calls another.
///
/// `None`: the thread's epoch is over.
fn tidy<'a>(pool: &'a Pool, mut state: Locked<'a>, home: &Home, dead: Vec<Entry>) -> Option<Locked<'a>> {
    let (drained, returns_soon) = (state.is_drained(), dead.is_empty());
    if returns_soon {
        // It comes back to a look in a moment: nobody else need be called for what it will find.
        state.departs();
    }
    let call = state.call();
    drop(state);
    pool.answer_late(call);
    pool.drop_as_body(dead);
    if drained {
        pool.tell(|overseer| overseer.quiet());
    }
    let mut state = pool.lock();
    if state.epoch != home.epoch {
        return None;
    }
    if returns_soon {
        state.arrived();
    }
    Some(state)
}

/// Waits for work: awake for a moment, where work has lately come soon, and then asleep. `None`: the thread has left.
fn wait<'a>(pool: &'a Pool, mut state: Locked<'a>, home: &Home, parker: &Parker) -> Option<Locked<'a>> {
    // One at a time: a second one awake could only take the core from whoever brings work.
    if home.is_eager() && !state.is_searched() && state.stage() != Stage::Closed {
        // It counts as coming: whoever brings work meanwhile wakes nobody for it.
        state.departs();
        drop(state);
        home.watch();
        state = pool.lock();
        if state.epoch != home.epoch {
            return None;
        }
        state.arrived();
        // What came after the last glance called nobody: there is one more look before the sleep.
        return Some(state);
    }
    sleep(pool, state, home, parker)
}

/// Sleeps until called. `None`: the thread has left.
fn sleep<'a>(pool: &'a Pool, mut state: Locked<'a>, home: &Home, parker: &Parker) -> Option<Locked<'a>> {
    let mut until = Deadline::within(state.threads.keep_alive);
    if state.stage() == Stage::Closed {
        state.leave(home.thread);
        return None;
    }
    state.park(home.thread);
    drop(state);
    pool.tell_if_all_wait();
    loop {
        // The race this closes: a call between the look and the sleep. Whoever calls marks the slot under the lock
        // and unparks after it, so the mark is seen here or the sleep ends at once.
        match until {
            Deadline::Never => parker.park(),
            Deadline::At(at) => parker.park_deadline(at),
        }
        let mut state = pool.lock();
        if state.epoch != home.epoch {
            return None;
        }
        if state.slot(home.thread).woken {
            state.arrived();
            return Some(state);
        }
        if until.is_due(Instant::now()) {
            let leaves = state.thread_count() > state.threads.min_threads && state.unpark_itself(home.thread);
            if leaves {
                state.leave(home.thread);
            }
            drop(state);
            pool.tell(|overseer| overseer.idle());
            if leaves {
                return None;
            }
            // One of those that stay: nothing wakes it but a call.
            until = Deadline::Never;
        }
    }
}

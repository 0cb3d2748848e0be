//! The floor of a wake-up: one parked thread, one atomic, no queue and no closure.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread::{self, Thread},
};

use crate::{
    clock,
    peer::Peer,
    record::Figures,
    scenario::{self, Run, Scenario},
};

/// `std`'s park and unpark, which are a futex on Linux.
pub(crate) static FUTEX: Peer = Peer {
    name: "futex",
    about: "one parked thread, woken by `Thread::unpark`: no queue, no closure",
    runs: &[(Scenario::IdleWake, wakes)],
};

/// 1 while the parked thread is asked for something.
static ASKED: AtomicU64 = AtomicU64::new(0);
/// When it began; 0 while it has not.
static BEGAN: AtomicU64 = AtomicU64::new(0);

fn wakes(run: &Run) -> Figures {
    let waker = thread::current();
    let sleeper = thread::spawn(move || answer(&waker)).thread().clone();
    scenario::measure_wakes(run, || {
        // Release and acquire in both directions: each side's store is seen by the one it then wakes.
        ASKED.store(1, Ordering::Release);
        sleeper.unpark();
        loop {
            thread::park();
            match BEGAN.swap(0, Ordering::Acquire) {
                0 => {}
                began => break began,
            }
        }
    })
}

fn answer(waker: &Thread) {
    loop {
        thread::park();
        if ASKED.swap(0, Ordering::Acquire) == 1 {
            BEGAN.store(clock::nanos(), Ordering::Release);
            waker.unpark();
        }
    }
}

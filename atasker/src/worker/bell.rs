//! The state word of a worker: whether somebody has it, and whether it is to be had again.
//!
//! ```text
//!            ring              claim              settle
//!   Idle ───────────▶ Queued ─────────▶ Running ─────────▶ Idle
//!     └───────seize─────┴─────seize───▶    │ring
//!                         ◀───requeue───  Rung ──settle──▶ Running again: look once more
//!   Stopped ──open──▶ Running ──close──▶ Stopped
//! ```
//!
//! Whoever moves it to `Running` has the worker alone until he moves it on: overlap cannot happen. A ring while it runs
//! is remembered, and any number of them come to exactly one more look (`model::ring_and_run`). What the look is for is
//! not told here: conditions are set elsewhere before the ring, and read there after the claim.

use crate::sync::atomic::{AtomicU8, Ordering};

const STOPPED: u8 = 0;
const IDLE: u8 = 1;
const QUEUED: u8 = 2;
const RUNNING: u8 = 3;
const RUNG: u8 = 4;

/// The word. SeqCst throughout: a waiter that announces itself and then looks here must not miss a requeue that looks
/// for waiters after it (a store and a load of two different words on each side).
#[derive(Debug)]
pub(super) struct Bell(AtomicU8);

/// What a ring came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rung {
    /// The ringer is to put it into the pool's queue.
    Enqueue,
    /// It is queued, or will look once more.
    Noted,
    /// It is stopped.
    Stopped,
}

/// What a worker was seized from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seized {
    Idle,
    /// Its entry in the pool's queue is dead now.
    Queued,
}

impl Bell {
    pub(super) fn new() -> Self {
        Self(AtomicU8::new(STOPPED))
    }

    pub(super) fn ring(&self) -> Rung {
        let rung = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |word| match word {
            IDLE => Some(QUEUED),
            RUNNING => Some(RUNG),
            _ => None,
        });
        match rung {
            Ok(IDLE) => Rung::Enqueue,
            Err(STOPPED) => Rung::Stopped,
            _ => Rung::Noted,
        }
    }

    /// Takes a queued worker. `false`: somebody else has.
    pub(super) fn claim(&self) -> bool {
        self.0.compare_exchange(QUEUED, RUNNING, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Takes a worker that does not run, wherever it is. `None`: it runs, or is stopped.
    pub(super) fn seize(&self) -> Option<Seized> {
        let seized = self
            .0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |word| matches!(word, IDLE | QUEUED).then_some(RUNNING));
        seized.ok().map(|word| if word == IDLE { Seized::Idle } else { Seized::Queued })
    }

    /// Makes the one who has it look once more. `false`: nobody has it, so it can be seized; or it is stopped.
    pub(super) fn remind(&self) -> bool {
        let reminded = self
            .0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |word| matches!(word, RUNNING | RUNG).then_some(RUNG));
        reminded.is_ok()
    }

    /// Lets it go. `false`: it was rung meanwhile, so the one who has it is to look once more.
    pub(super) fn settle(&self) -> bool {
        let settled = self
            .0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |word| Some(if word == RUNG { RUNNING } else { IDLE }));
        settled == Ok(RUNNING)
    }

    /// Lets it go to be queued again; rings so far are answered by that.
    pub(super) fn requeue(&self) {
        self.0.store(QUEUED, Ordering::SeqCst);
    }

    /// Takes a stopped worker.
    pub(super) fn open(&self) {
        self.0.store(RUNNING, Ordering::SeqCst);
    }

    /// The one who has it stops it.
    pub(super) fn close(&self) {
        self.0.store(STOPPED, Ordering::SeqCst);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.0.load(Ordering::SeqCst) == STOPPED
    }

    pub(super) fn is_queued(&self) -> bool {
        self.0.load(Ordering::SeqCst) == QUEUED
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.0.load(Ordering::SeqCst), RUNNING | RUNG)
    }
}

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

use crate::sync::atomic::{AtomicU64, Ordering};

/// The lowest three bits: where it is. The bits above count its lives.
const STATE: u64 = 0b111;
const STOPPED: u64 = 0;
const IDLE: u64 = 1;
const QUEUED: u64 = 2;
const RUNNING: u64 = 3;
const RUNG: u64 = 4;
/// One life more.
const LIFE: u64 = STATE + 1;

/// The word. SeqCst throughout: a waiter that announces itself and then looks here must not miss a requeue that looks
/// for waiters after it (a store and a load of two different words on each side).
#[derive(Debug)]
pub(super) struct Bell(AtomicU64);

/// One life of a worker. What an entry of an earlier life finds in a queue is not its to claim: the later life may have
/// another priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Life(u64);

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
        Self(AtomicU64::new(STOPPED))
    }

    pub(super) fn ring(&self) -> Rung {
        match self.advance(|state| match state {
            IDLE => Some(QUEUED),
            RUNNING => Some(RUNG),
            _ => None,
        }) {
            Ok(IDLE) => Rung::Enqueue,
            Err(STOPPED) => Rung::Stopped,
            _ => Rung::Noted,
        }
    }

    /// Takes a queued worker for an entry of that life. `false`: somebody else has, or that life is over.
    pub(super) fn claim(&self, Life(life): Life) -> bool {
        self.0.compare_exchange(life | QUEUED, life | RUNNING, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Takes a worker that does not run, wherever it is. `None`: it runs, or is stopped.
    pub(super) fn seize(&self) -> Option<Seized> {
        match self.advance(|state| matches!(state, IDLE | QUEUED).then_some(RUNNING)) {
            Ok(IDLE) => Some(Seized::Idle),
            Ok(_) => Some(Seized::Queued),
            Err(_) => None,
        }
    }

    /// Makes the one who has it look once more. `false`: nobody has it, so it can be seized; or it is stopped.
    pub(super) fn remind(&self) -> bool {
        self.advance(|state| matches!(state, RUNNING | RUNG).then_some(RUNG)).is_ok()
    }

    /// Lets it go. `false`: it was rung meanwhile, so the one who has it is to look once more.
    pub(super) fn settle(&self) -> bool {
        self.advance(|state| Some(if state == RUNG { RUNNING } else { IDLE })) == Ok(RUNNING)
    }

    /// Lets it go to be queued again; rings so far are answered by that.
    pub(super) fn requeue(&self) {
        _ = self.advance(|_| Some(QUEUED));
    }

    /// Takes a stopped worker, whose next life begins.
    pub(super) fn open(&self) -> Life {
        let before =
            self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |word| Some(((word & !STATE) + LIFE) | RUNNING));
        Life((before.expect("it always gives a word") & !STATE) + LIFE)
    }

    /// The one who has it stops it.
    pub(super) fn close(&self) {
        _ = self.advance(|_| Some(STOPPED));
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.state() == STOPPED
    }

    pub(super) fn is_idle(&self) -> bool {
        self.state() == IDLE
    }

    pub(super) fn is_queued(&self) -> bool {
        self.state() == QUEUED
    }

    /// Whether it is queued in that life.
    pub(super) fn is_queued_in(&self, Life(life): Life) -> bool {
        self.0.load(Ordering::SeqCst) == life | QUEUED
    }

    /// Whether in that life somebody has it, or is to have it: it is queued.
    pub(super) fn is_at_work_in(&self, Life(life): Life) -> bool {
        let word = self.0.load(Ordering::SeqCst);
        word & !STATE == life && matches!(word & STATE, QUEUED | RUNNING | RUNG)
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.state(), RUNNING | RUNG)
    }

    fn state(&self) -> u64 {
        self.0.load(Ordering::SeqCst) & STATE
    }

    /// Moves the state on as `next` says. The state before; `Err` where `next` gave none.
    fn advance(&self, next: impl Fn(u64) -> Option<u64>) -> Result<u64, u64> {
        let advanced = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |word| {
            next(word & STATE).map(|state| word & !STATE | state)
        });
        advanced.map(|word| word & STATE).map_err(|word| word & STATE)
    }
}

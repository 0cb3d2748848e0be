//! The state word of a light job: whether a run may start, whether one is under way, and how many there were.
//!
//! ```text
//!             claim                 rest
//!   Waiting ──────────▶ Running ──────────▶ Waiting
//!      │ │                 │ cancel
//!      │ │ claim, once     ▼
//!      │ └───────▶ Last   Cancelled
//!      │             │       │ finish
//!      └──cancel─────┴───────┴──────────▶ Ended
//!         end      finish
//! ```
//!
//! Whoever claims it has its body until it rests or ends; whoever ends it while it waits has its body for good. Nothing else
//! touches the body, and a job that is running is with no clock and in no queue, so it never runs twice at once.

use crate::sync::atomic::{AtomicU64, Ordering};

/// The lowest three bits: where it is. The bits above count its runs.
const STATE: u64 = 0b111;
const WAITING: u64 = 0;
const RUNNING: u64 = 1;
/// Runs, and will not again.
const LAST: u64 = 2;
/// Runs, and was cancelled meanwhile.
const CANCELLED: u64 = 3;
const ENDED: u64 = 4;
/// One run more.
const RUN: u64 = STATE + 1;

/// The word. Acquire and release: who claims or ends it sees the body as it was left by the last who had it.
#[derive(Debug)]
pub(super) struct State(AtomicU64);

/// What a cancellation came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cancelled {
    /// The canceller is to drop the body.
    Waiting,
    /// Whoever runs it will.
    Running,
    /// There was no run to come.
    TooLate,
}

impl State {
    pub(super) fn new() -> Self {
        Self(AtomicU64::new(WAITING))
    }

    /// Takes it for a run. `false`: it has been cancelled, or runs.
    pub(super) fn claim(&self, is_last: bool) -> bool {
        let running = if is_last { LAST } else { RUNNING };
        self.advance(|state| (state == WAITING).then_some(RUN + running)).is_ok()
    }

    /// Lets it go after a run, to wait for the next. `false`: it was cancelled, and has ended by this.
    pub(super) fn rest(&self) -> bool {
        self.advance(|state| Some(if state == RUNNING { WAITING } else { ENDED })) == Ok(RUNNING)
    }

    /// Ends it after a run.
    pub(super) fn finish(&self) {
        _ = self.advance(|_| Some(ENDED));
    }

    pub(super) fn cancel(&self) -> Cancelled {
        let next = |state| match state {
            WAITING => Some(ENDED),
            RUNNING => Some(CANCELLED),
            _ => None,
        };
        match self.advance(next) {
            Ok(WAITING) => Cancelled::Waiting,
            Ok(_) => Cancelled::Running,
            Err(_) => Cancelled::TooLate,
        }
    }

    /// Ends it where it waits. `false`: it runs, or has ended.
    pub(super) fn end(&self) -> bool {
        self.advance(|state| (state == WAITING).then_some(ENDED)).is_ok()
    }

    /// Whether a run is to come.
    pub(super) fn is_active(&self) -> bool {
        matches!(self.get() & STATE, WAITING | RUNNING)
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.get() & STATE == WAITING
    }

    pub(super) fn is_ended(&self) -> bool {
        self.get() & STATE == ENDED
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.get() & STATE == CANCELLED
    }

    pub(super) fn runs(&self) -> u64 {
        self.get() / RUN
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// Moves the state on to what `next` says, with so many runs added. The state before; `Err` where `next` gave none.
    fn advance(&self, next: impl Fn(u64) -> Option<u64>) -> Result<u64, u64> {
        let advanced = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| {
            next(word & STATE).map(|state| (word & !STATE) + state)
        });
        advanced.map(|word| word & STATE).map_err(|word| word & STATE)
    }
}

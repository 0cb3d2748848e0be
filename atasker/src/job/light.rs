//! A light job's one allocation: its state, its next moment and its body.
//!
//! It knows no supervisor, so that a job costs a hundred bytes with its place in the clock; whoever runs it says where it is.

use std::sync::Arc;

use super::pace::Pace;
use super::state::{Cancelled, State};
use crate::clock::{Came, Clock, End, Moment, Opening, Refused, Spot, Tick};
use crate::log;
use crate::names::own_name;
use crate::panics::{contain, drop_contained};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// A user's closure.
pub(super) trait Body: Send + 'static {
    fn name() -> &'static str;
    fn run(&mut self);
}

/// One that runs again and again.
pub(super) struct Again<F>(pub(super) F);

impl<F: FnMut() + Send + 'static> Body for Again<F> {
    fn name() -> &'static str {
        own_name::<F>()
    }

    fn run(&mut self) {
        (self.0)();
    }
}

/// One that runs once.
pub(super) struct OneShot<F>(pub(super) Option<F>);

impl<F: FnOnce() + Send + 'static> Body for OneShot<F> {
    fn name() -> &'static str {
        own_name::<F>()
    }

    fn run(&mut self) {
        if let Some(body) = self.0.take() {
            body();
        }
    }
}

/// A job of some pace and some body.
pub(super) struct Light<P, B> {
    state: State,
    /// The moment of the next run, or of the one under way.
    due: AtomicU64,
    /// The clock's.
    place: AtomicU32,
    pace: P,
    /// `None` while it runs, and after its end. Locked by whoever has the job, so never contended; nothing of the user's
    /// runs or is dropped under it.
    body: Mutex<Option<B>>,
}

/// A job as its handle sees it.
pub(super) trait Handled: Tick {
    fn state(&self) -> &State;

    fn spot(&self) -> Spot;

    /// Sees to it that no run starts any more.
    fn cancel(&self) -> Cancelled;
}

impl<P: Pace, B: Body> Light<P, B> {
    pub(super) fn new(pace: P, first: Moment, body: B) -> Arc<Self> {
        Arc::new(Self {
            state: State::new(),
            due: AtomicU64::new(first.to_bits()),
            place: AtomicU32::new(0),
            pace,
            body: Mutex::new(Some(body)),
        })
    }

    /// Hands it to the clock.
    pub(super) fn plan(self: &Arc<Self>, clock: &Arc<Clock>, opening: Option<Opening>) -> Result<(), Refused> {
        clock.plan(self.spot(), opening, Arc::<Self>::clone(self) as Arc<dyn Tick>)
    }

    fn due(&self) -> Moment {
        // Relaxed: written by whoever has the job, and who has it next comes after that; a handle reads what it finds.
        Moment::from_bits(self.due.load(Ordering::Relaxed))
    }

    fn now(&self, clock: &Clock) -> Moment {
        if self.pace.is_on_wall() { Moment::on_wall(clock.wall()) } else { clock.moment(clock.now()) }
    }

    /// Waits for `next`. Why it has ended, if it has.
    fn go_on(self: &Arc<Self>, next: Moment, clock: &Arc<Clock>, opening: Opening) -> Option<End> {
        self.due.store(next.to_bits(), Ordering::Relaxed);
        if !self.state.rest() {
            // The canceller has counted it.
            self.drop_body();
            return None;
        }
        self.replan(clock, opening)
    }

    /// Hands it, which waits, to the clock.
    fn replan(self: &Arc<Self>, clock: &Arc<Clock>, opening: Opening) -> Option<End> {
        if self.plan(clock, Some(opening)).is_err() {
            if !self.state.end() {
                return None;
            }
            self.drop_body();
            return Some(End::Stopped);
        }
        // The race this closes: a cancellation between the rest and here finds nothing to take back. It ends the job first
        // and takes back second, under the clock's lock, and this plans under that lock first and looks second: one of the
        // two takes it back (`model::cancel_and_plan`).
        if self.state.is_ended() {
            let this: Arc<dyn Tick> = Arc::<Self>::clone(self);
            clock.take_back(self.spot(), &this);
        }
        None
    }
}

impl<P: Pace, B: Body> Tick for Light<P, B> {
    fn place(&self) -> &AtomicU32 {
        &self.place
    }

    fn name(&self) -> &'static str {
        B::name()
    }

    fn come(self: Arc<Self>, clock: &Arc<Clock>, opening: Opening) -> Came {
        if self.pace.is_on_wall() {
            let (now, due) = (self.now(clock), self.due());
            if now < due {
                // The wall clock was put back. It waits still, and only whoever it came to plans it.
                self.due.store(self.pace.plan_anew(due, now).to_bits(), Ordering::Relaxed);
                return Came { end: self.replan(clock, opening), ..Came::default() };
            }
        }
        if !self.state.claim(P::IS_ONCE) {
            return Came::default();
        }
        let mut body = self.body.lock().take().expect("it is there while the job waits");
        let panic = contain(|| body.run()).err();
        *self.body.lock() = Some(body);
        let panicked = panic.is_some();
        if let Some(panic) = panic {
            log::job_panicked(B::name(), self.state.runs(), &panic);
        }
        if P::IS_ONCE {
            self.state.finish();
            self.drop_body();
            return Came { ran: true, panicked, end: Some(End::Over), now: None };
        }
        let now = self.now(clock);
        let end = self.go_on(self.pace.next(self.due(), now), clock, opening);
        Came { ran: true, panicked, end, now: Some(now).filter(|_| !self.pace.is_on_wall()) }
    }

    fn forget(&self) -> bool {
        self.state.end()
    }

    fn drop_body(&self) {
        let body = self.body.lock().take();
        drop_contained(body);
    }

    fn is_asked_to_end(&self) -> bool {
        self.state.is_cancelled()
    }
}

impl<P: Pace, B: Body> Handled for Light<P, B> {
    fn state(&self) -> &State {
        &self.state
    }

    fn spot(&self) -> Spot {
        Spot { due: self.due(), on_wall: self.pace.is_on_wall(), tolerance: self.pace.tolerance() }
    }

    fn cancel(&self) -> Cancelled {
        self.state.cancel()
    }
}

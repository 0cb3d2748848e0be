//! A task of the runtime that carries bodies: it takes one that waits, polls it to its end, and takes the next.
//!
//! ```text
//!            called           takes a body            its body has ended
//!   resting ───────▶ coming ──────────────▶ carrying ───────────────────▶ takes another, comes again, or rests
//!      ▲               │ nothing waits          │ pending: stays with it
//!      └───────────────┘                        └── polled again when that is woken
//! ```
//!
//! A body that has begun keeps its carrier until it has ended, so it is a task of the runtime as any: with a budget of its
//! own, free to block in place, moved from thread to thread. Bodies that end at once cost the runtime nothing: one carrier
//! polls one after the other, for a while. One that finds nothing rests, and is called by its waker, which costs less than
//! another task.
//!
//! Invariant: while a body waits that may start, a carrier is coming, or about to look (`model::gate::submit_and_finish`).
//! Whoever puts one in, gives a place back or takes one out calls the next by that rule, under the gate's lock.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

#[cfg(not(all(test, any(atasker_loom, atasker_shuttle))))]
use tokio::runtime::Handle;
use tokio::task::coop;

use super::gate::{Boarding, Call, Gate, Rest};
use super::{Body, Lane, Ticket};
use crate::outside;
use crate::sync::MutexGuard;

/// After so long a carrier lets others of its thread on before it takes another body: the runtime's timers and sockets
/// among them.
const TURN: Duration = Duration::from_micros(50);

/// And after so many bodies, however short.
const BODIES: u32 = 64;

/// Which carrier it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Badge {
    pub(super) number: u64,
    /// That of the lane when it was made. Later the lane knows it no more.
    pub(super) epoch: u64,
    /// Its place among those that rest, if it does.
    pub(super) rests_at: usize,
}

/// How long a carrier has gone from body to body without letting others on.
#[derive(Default)]
struct Turn {
    began: Option<Instant>,
    bodies: u32,
}

impl Turn {
    /// Whether another body may be taken now.
    fn goes_on(&mut self, now: Instant) -> bool {
        self.bodies += 1;
        let began = *self.began.get_or_insert(now);
        self.bodies < BODIES && now.saturating_duration_since(began) < TURN && coop::has_budget_remaining()
    }
}

/// One task of the runtime.
pub(super) struct Carrier {
    /// What it carries.
    body: Option<Arc<dyn Body>>,
    /// Of the body that it carries; else blank.
    ticket: Ticket,
    /// It is being polled, or has ended: neither does it rest, nor is it coming.
    at_work: bool,
}

impl Carrier {
    /// One that was called, and comes. `ticket`: without a place.
    fn coming(ticket: Ticket) -> Self {
        Self { body: None, ticket, at_work: false }
    }

    /// One that has its body, which was claimed.
    pub(super) fn with(body: Arc<dyn Body>, ticket: Ticket) -> Self {
        Self { body: Some(body), ticket, at_work: false }
    }

    /// Makes it a task of the runtime, which is let go, not kept: bodies report their ends themselves.
    #[cfg(not(all(test, any(atasker_loom, atasker_shuttle))))]
    pub(super) fn set_out(self, on: &Handle) {
        drop(on.spawn(self));
    }

    /// It begins the body that it was given, or where that was taken elsewhere meanwhile, another.
    fn begin(&mut self, mut boarding: Option<Boarding>, now: Instant) {
        while let Some(Boarding { body, place }) = boarding {
            self.ticket.fill(place);
            if body.begin() {
                self.body = Some(body);
                return;
            }
            drop(body);
            self.ticket.vacate();
            boarding = self.ticket.lane().next(self.ticket.badge(), now);
        }
    }
}

impl Future for Carrier {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        this.at_work = true;
        let polled = this.work(cx);
        this.at_work = polled.is_ready();
        polled
    }
}

impl Carrier {
    /// One turn.
    fn work(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut turn = Turn::default();
        if self.body.is_none() {
            let now = Instant::now();
            let Some(boarding) = self.ticket.lane().board(self.ticket.badge(), now) else { return Poll::Pending };
            self.begin(boarding, now);
        }
        while let Some(body) = self.body.take() {
            self.body = body.turn(cx, &mut self.ticket);
            if self.body.is_some() {
                return Poll::Pending;
            }
            self.ticket.vacate_and_rest(cx.waker());
            if self.ticket.has_rested() {
                return Poll::Pending;
            }
            if self.ticket.saw_more() {
                let now = Instant::now();
                if turn.goes_on(now) {
                    let boarding = self.ticket.lane().next(self.ticket.badge(), now);
                    self.begin(boarding, now);
                }
            }
        }
        match self.ticket.rest(cx.waker().clone()) {
            Rest::Resting => Poll::Pending,
            Rest::Again(waker) => {
                waker.wake();
                Poll::Pending
            }
            Rest::Over(_) => Poll::Ready(()),
        }
    }
}

impl Drop for Carrier {
    /// Where it has not ended by itself, its runtime has gone down: so does what it carries, and where it was called for
    /// others, so do they.
    fn drop(&mut self) {
        if let Some(body) = self.body.take() {
            let mut ticket = self.ticket.take();
            outside::run(move || {
                body.cut_off(&mut ticket);
                ticket.vacate();
            });
        } else if !self.at_work && self.ticket.lane().leave(self.ticket.badge()) {
            let mut ticket = self.ticket.take();
            outside::run(move || {
                let lane = Arc::clone(ticket.lane());
                lane.cut_waiting(&mut ticket);
            });
        }
    }
}

impl Lane {
    /// Does what the gate has asked for. Outside its lock.
    pub(super) fn call(self: &Arc<Self>, call: Option<Call>) {
        match call {
            None => {}
            Some(Call::Wake(waker)) => Waker::wake(waker),
            Some(Call::Spawn(epoch)) => self.spawn(epoch),
        }
    }

    #[cold]
    fn spawn(self: &Arc<Self>, epoch: u64) {
        let recruited = {
            let mut gate = self.gate.lock();
            let recruited = gate.recruit(epoch);
            recruited.map(|(on, badge)| (on, Ticket::new(self, &gate, None, Some(badge))))
        };
        if let Some((on, ticket)) = recruited {
            Carrier::coming(ticket).set_out(&on);
        }
    }

    /// A carrier without a body has been woken. What it is to carry; `None`: nobody has called it.
    fn board(self: &Arc<Self>, badge: Badge, now: Instant) -> Option<Option<Boarding>> {
        let mut gate = self.gate.lock();
        gate.comes(badge).then(|| self.take_next(gate, badge, now))
    }

    /// The next body that may start, for a carrier that has none.
    fn next(self: &Arc<Self>, badge: Badge, now: Instant) -> Option<Boarding> {
        self.take_next(self.gate.lock(), badge, now)
    }

    fn take_next(self: &Arc<Self>, mut gate: MutexGuard<'_, Gate>, badge: Badge, now: Instant) -> Option<Boarding> {
        // Not for one of a runtime that was closed.
        let next = if badge.epoch == gate.epoch { gate.take(now) } else { None };
        let (call, dead) = (gate.call_another(), gate.dead());
        drop(gate);
        drop(dead);
        self.call(call);
        next
    }

    /// A carrier without a body is gone. Whether it was called.
    fn leave(&self, badge: Badge) -> bool {
        let (called, waker) = self.gate.lock().leave(badge);
        drop(waker);
        called
    }

    /// Nothing will carry what waits: ends it, as long as its epoch lasts. One at a time does so, and looks again after each:
    /// each end gives a place back, and would else begin the next one on top of its own stack.
    fn cut_waiting(self: &Arc<Self>, ticket: &mut Ticket) {
        let epoch = ticket.badge().epoch;
        {
            let mut gate = self.gate.lock();
            if gate.epoch != epoch || std::mem::replace(&mut gate.cutting, true) {
                return;
            }
        }
        loop {
            let (next, dead) = {
                let mut gate = self.gate.lock();
                if gate.epoch != epoch {
                    return;
                }
                let next = gate.take(Instant::now());
                gate.cutting = next.is_some();
                (next, gate.dead())
            };
            drop(dead);
            let Some(Boarding { body, place }) = next else { return };
            ticket.fill(place);
            if body.begin() {
                body.cut_off(ticket);
            }
            ticket.vacate();
        }
    }
}

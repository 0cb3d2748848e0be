//! What an async worker does with one admission: as a slice does, on the thread of a runtime, and from await to await.
//!
//! The worker's body is owned by the voyage, and lent to one future at a time. A voyage that is dropped before its end (the
//! runtime went down) ends the worker.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::super::async_body::{AsyncStep, Boxed};
use super::super::body::Steps;
use super::super::context::WorkerContext;
use super::super::plan::Answer;
use super::super::schedule::Pacer;
use super::slice::Next;
use super::{Body, Core, Home, OnLane, Turn, Work};
use crate::lane::{self, End, Lane, Leash, Ticket};
use crate::panics::{Panic, contain, drop_contained};
use crate::pool;
use crate::priority::Priority;
use crate::stops::Leftover;
use crate::sync::Mutex;

/// An async worker that somebody has, on its way.
struct Voyage {
    core: Arc<Core>,
    home: Arc<Home>,
    /// `None` once it was given back.
    body: Option<Body>,
}

/// A voyage from its beginning to its end.
pub(super) type Sailing = Pin<Box<dyn Future<Output = Landing> + Send>>;

/// A voyage that has run its last: the worker is still to be let go.
pub(super) struct Landing {
    voyage: Voyage,
    /// Whether the last run was a planned one: then with what the schedule says.
    planned: Option<Option<Answer>>,
}

/// What a voyage works with.
struct Parts<'a> {
    core: &'a Arc<Core>,
    home: &'a Arc<Home>,
    step: &'a mut dyn AsyncStep,
    pacer: Option<&'a mut Pacer>,
    greeted: &'a mut bool,
}

/// Why a future of the user's gave nothing.
enum Cut {
    Panicked(Panic),
    /// It was asked to end, and was dropped at an await.
    Recalled,
}

/// A future of the user's.
struct Inside<'a, R> {
    /// `None` once it has ended.
    future: Option<Boxed<'a, R>>,
    home: &'a Home,
    /// Whether it ends when a stop asks what runs to end. A hook that puts things away does not.
    heeds: bool,
}

impl<R> Future for Inside<'_, R> {
    type Output = Result<R, Cut>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let leash = self.home.leash();
        let ended = loop {
            if self.heeds && leash.is_pulled() {
                break Err(Cut::Recalled);
            }
            let future = self.future.as_mut().expect("it is polled until it has ended");
            match contain(|| future.as_mut().poll(cx)) {
                Ok(Poll::Ready(output)) => break Ok(output),
                Err(panic) => break Err(Cut::Panicked(panic)),
                Ok(Poll::Pending) if leash.stay(cx.waker()) || !self.heeds => return Poll::Pending,
                Ok(Poll::Pending) => {}
            }
        };
        drop_contained(self.future.take());
        Poll::Ready(ended)
    }
}

impl<R> Drop for Inside<'_, R> {
    fn drop(&mut self) {
        drop_contained(self.future.take());
    }
}

/// Makes a future of the user's, in the fn that gives it too.
async fn inside<'a, R>(home: &'a Home, heeds: bool, make: impl FnOnce() -> Boxed<'a, R>) -> Result<R, Cut> {
    match contain(make) {
        Ok(future) => Inside { future: Some(future), home, heeds }.await,
        Err(panic) => Err(Cut::Panicked(panic)),
    }
}

/// Polls a voyage, or begins it: as a body of its supervisor, in all that it calls and drops. Whether it has ended.
fn turn(home: &Arc<Home>, slot: &Mutex<Option<Sailing>>, cx: &mut Context<'_>, ticket: &mut Ticket) -> bool {
    let mut sailing = slot.lock().take().expect("it is there from the beginning to the end");
    let pending = home.enter(|| {
        let Poll::Ready(Landing { mut voyage, planned }) = sailing.as_mut().poll(cx) else {
            ticket.lend(pool::Job::key(&**home), cx.waker());
            return Some(sailing);
        };
        drop(sailing);
        // Before the worker is let go: who has seen it stop, or run again, finds the counts exact. The place is given back
        // behind that: a stop of the lane that finds nothing in flight finds the worker ended, or queued again.
        ticket.count(End::Slice);
        voyage.arrive(planned);
        None
    });
    match pending {
        None => true,
        pending => {
            *slot.lock() = pending;
            false
        }
    }
}

/// Drops a voyage that goes nowhere any more: it ends its worker.
fn cut_off(home: &Arc<Home>, slot: &Mutex<Option<Sailing>>) {
    let sailing = slot.lock().take();
    home.enter(|| drop_contained(sailing));
}

impl Voyage {
    fn new(core: Arc<Core>) -> Self {
        let (home, body) = (core.own_home(), core.take_body());
        Self { core, home, body: Some(body) }
    }

    /// The body, taken apart.
    fn parts(&mut self) -> Parts<'_> {
        let Body { work, greeted } = self.body.as_mut().expect("it has the body until it gives it back");
        let Work { step, pacer } = work;
        let Steps::Async(step) = step else { unreachable!("a blocking body is on no lane") };
        Parts { core: &self.core, home: &self.home, step: &mut **step, pacer: pacer.as_mut(), greeted }
    }

    /// One slice but for its end: greets once, runs what is wanted, and says goodbye where it was the last.
    async fn sail(mut self) -> Landing {
        let planned = self.runs().await;
        if self.core.is_ending() {
            self.farewell().await;
        }
        Landing { voyage: self, planned }
    }

    /// Whether the last run was a planned one: then with what the schedule says.
    async fn runs(&mut self) -> Option<Option<Answer>> {
        let Parts { core, home, step, mut pacer, greeted } = self.parts();
        let supervisor = home.shared();
        let now = supervisor.clock.now();
        let mut cx = WorkerContext::new(Arc::clone(core), Arc::clone(home), now);
        let mut turn = Turn::new(core, home, now);
        while let Some(next) = core.next(&mut cx, &turn) {
            match next {
                Next::Greet => {
                    *greeted = true;
                    core.judge_hook("on_start", inside(home, true, || step.on_start(&cx)).await);
                }
                Next::Plan => core.plan_anew(supervisor, pacer.as_deref_mut()),
                Next::End => core.break_off(),
                Next::Await(_) => unreachable!("an async body is called in time, not early"),
                Next::Planned | Next::Items => {}
            }
            if !next.is_run() {
                turn = Turn::new(core, home, supervisor.clock.now());
                continue;
            }
            let stepped = match inside(home, true, || step.step(&mut cx, &mut turn)).await {
                Ok(stepped) => Ok(stepped),
                Err(Cut::Panicked(panic)) => Err(panic),
                Err(Cut::Recalled) => return (next == Next::Planned).then_some(None),
            };
            if let Some(error) = core.outcome(stepped) {
                core.count_error(&cx, &error);
                core.judge_hook("on_error", inside(home, true, || step.on_error(&error, &cx)).await);
                // Its payload is the user's.
                drop_contained(error);
                turn.look_soon();
            }
            if next == Next::Planned {
                return Some(core.consult(supervisor, pacer, &cx));
            }
            if !turn.goes_on() {
                return None;
            }
        }
        None
    }

    /// Calls `on_stop`, where that is to be done.
    async fn farewell(&mut self) {
        let Parts { core, home, step, greeted, .. } = self.parts();
        if std::mem::take(greeted) {
            let now = home.shared().clock.now();
            let cx = WorkerContext::new(Arc::clone(core), Arc::clone(home), now);
            core.judge_hook("on_stop", inside(home, false, || step.on_stop(&cx)).await);
        }
    }

    /// Gives the body back and lets the worker go.
    fn arrive(&mut self, planned: Option<Option<Answer>>) {
        self.home.leash().let_go();
        *self.core.body.lock() = self.body.take();
        let want = match planned {
            Some(answer) => self.core.plan_next(self.home.shared(), answer),
            None => self.core.want_or_rest(),
        };
        if !self.core.goes(want) {
            // A stop that came after the last look finds nobody to call `on_stop` but this thread's successor.
            self.core.end_ashore(&self.home);
        }
    }
}

impl Drop for Voyage {
    fn drop(&mut self) {
        if self.body.is_none() {
            return;
        }
        // The runtime went down with it: nothing will run this worker again, nor its `on_stop`.
        self.core.break_off();
        *self.core.body.lock() = self.body.take();
        self.core.finish();
    }
}

impl Core {
    /// Whether the one who has it is to end it.
    fn is_ending(&self) -> bool {
        use super::super::plan::Want;
        self.want() == Want::Finish
    }

    /// Ends a worker that this thread has, by way of its `on_stop` where that is to be called.
    fn end_ashore(self: &Arc<Self>, home: &Arc<Home>) {
        let greeted = self.body.lock().as_ref().is_some_and(|body| body.greeted);
        match home.lane() {
            Some(lane) if greeted => self.say_farewell(lane, home.priority),
            _ => self.finish(),
        }
    }

    fn judge_hook(&self, name: &str, ended: Result<(), Cut>) {
        if let Err(Cut::Panicked(panic)) = ended {
            self.count_hook_panic(name, &panic);
            drop_contained(panic);
        }
    }

    /// Ends a worker that this thread has: calls its `on_stop` on the lane, at once and beside all places.
    pub(super) fn say_farewell(self: &Arc<Self>, lane: &Arc<Lane>, priority: Priority) {
        let greeted = self.body.lock().as_ref().is_some_and(|body| body.greeted);
        let farewell =
            || Farewell { core: Mutex::new(Some(Arc::clone(self))), home: self.own_home(), sailing: Mutex::default() };
        if !greeted || lane.send(priority, Arc::new(farewell())).is_err() {
            // A closed lane runs nothing any more.
            self.finish();
        }
    }
}

/// The end of an async worker that did not run when it was stopped.
struct Farewell {
    /// Taken by its voyage: the last owner of a worker drops what is the user's, and must not be one that only notes what is
    /// in flight. Lock rule: with no other.
    core: Mutex<Option<Arc<Core>>>,
    home: Arc<Home>,
    sailing: Mutex<Option<Sailing>>,
}

impl lane::Body for Farewell {
    fn name(&self) -> String {
        format!("on_stop of {}", self.home.name)
    }

    fn is_live(&self) -> bool {
        true
    }

    fn begin(&self) -> bool {
        let Some(core) = self.core.lock().take() else { return false };
        let mut voyage = Voyage::new(core);
        *self.sailing.lock() = Some(Box::pin(async move {
            voyage.farewell().await;
            Landing { voyage, planned: None }
        }));
        true
    }

    fn turn(self: Arc<Self>, cx: &mut Context<'_>, ticket: &mut Ticket) -> Option<Arc<dyn lane::Body>> {
        let ended = turn(&self.home, &self.sailing, cx, ticket);
        if ended { None } else { Some(self) }
    }

    fn has_ended(&self) -> bool {
        lane::Body::has_ended(&*self.home)
    }

    fn cut_off(self: Arc<Self>, _ticket: &mut Ticket) {
        cut_off(&self.home, &self.sailing);
    }

    fn refuse(self: Arc<Self>) -> bool {
        false
    }

    fn drop_body(self: Arc<Self>) {}

    fn is_task(&self) -> bool {
        false
    }

    fn waits_as(&self) -> usize {
        pool::Job::key(&*self.home)
    }

    fn ask_to_end(self: Arc<Self>) -> Option<Leftover> {
        None
    }
}

impl Home {
    /// Of an async worker.
    fn at_sea(&self) -> &OnLane {
        self.on_lane.as_ref().expect("only an async worker sets out")
    }

    /// Of an async worker.
    fn leash(&self) -> &Leash {
        &self.at_sea().leash
    }
}

impl lane::Body for Home {
    fn name(&self) -> String {
        self.name.clone().into_owned()
    }

    fn is_live(&self) -> bool {
        pool::Job::is_live(self)
    }

    fn begin(&self) -> bool {
        let Some(core) = self.core.upgrade().filter(|core| core.bell.claim(self.life)) else { return false };
        *self.at_sea().sailing.lock() = Some(Box::pin(Voyage::new(core).sail()));
        true
    }

    fn turn(self: Arc<Self>, cx: &mut Context<'_>, ticket: &mut Ticket) -> Option<Arc<dyn lane::Body>> {
        let ended = turn(&self, &self.at_sea().sailing, cx, ticket);
        if ended { None } else { Some(self) }
    }

    /// Of a life that goes on, it has also where it waits to be rung: in a queue, it is about to run again.
    fn has_ended(&self) -> bool {
        self.core.upgrade().is_none_or(|core| !core.bell.is_at_work_in(self.life))
    }

    fn cut_off(self: Arc<Self>, _ticket: &mut Ticket) {
        cut_off(&self, &self.at_sea().sailing);
    }

    /// Only a stop that gives up takes it out, and it ends the worker itself.
    fn refuse(self: Arc<Self>) -> bool {
        false
    }

    fn drop_body(self: Arc<Self>) {}

    fn is_task(&self) -> bool {
        false
    }

    fn waits_as(&self) -> usize {
        pool::Job::key(self)
    }

    fn nudge(&self) {
        self.leash().nudge();
    }

    fn ask_to_end(self: Arc<Self>) -> Option<Leftover> {
        self.leash().pull();
        None
    }
}

//! The cell of a task whose body is a future, which lies there from its making to its end, and is polled there by a lane.
//!
//! The state word is that of every task, so a handle can't tell which of the two it has. Whoever claims it (a carrier of the
//! lane) ends it, unfinished too.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Waker};

use super::berth::{Berth, Helm};
use super::cell::{Detail, Head, Join, next_id};
use super::state::{CancelOutcome, TaskStatus};
use crate::clock::{self, Clock};
use crate::error::TaskError;
use crate::lane::{Body, End, Lane, Refused, Source, Ticket};
use crate::log;
use crate::outside;
use crate::panics::{clone_waker, drop_contained, wake_contained};
use crate::pool::{self, Job, Named, Pool, PoolNumber, Ran, Refusal, StaticName, Tally};
use crate::priority::Priority;
use crate::stops::Leftover;
use crate::sync::Mutex;
use crate::time::Deadline;
use crate::waits::{self, Awaited, Donor, Places, Served};

/// What makes a delayed task due, to be taken back by a cancellation.
type Timer = Mutex<Option<(Arc<Clock>, clock::Key)>>;

/// A task whose body is the future `F` with result `T`, and whose name `N` stands for.
///
/// It is kept small, as [`Cell`](super::Cell) is: 120 bytes for a body and a result of two words.
pub(crate) struct FutureCell<N: Named, F, T> {
    head: Head,
    berth: Berth<F, T>,
    lane: Arc<Lane>,
    priority: Priority,
    /// Lock rule: with no other; nothing is dropped under it, and no waker is cloned or used.
    wakers: Mutex<Wakers>,
    /// Of a delayed one.
    timer: Option<Box<Timer>>,
    named: PhantomData<fn() -> N>,
}

#[derive(Default)]
struct Wakers {
    /// Who waits for the end.
    waiter: Option<Waker>,
    /// What makes the body's carrier look, while it sleeps.
    carrier: Option<Waker>,
}

impl<N: Named, F, T> FutureCell<N, F, T> {
    /// `Queued`, or `Delayed`.
    #[inline(always)]
    pub(crate) fn new(
        lane: &Arc<Lane>,
        priority: Priority,
        detail: Option<Box<Detail>>,
        delayed: bool,
        body: F,
    ) -> Arc<Self> {
        let status = if delayed { TaskStatus::Delayed } else { TaskStatus::Queued };
        Arc::new(Self {
            head: Head::new(detail),
            berth: Berth::new(next_id(), status, body),
            lane: Arc::clone(lane),
            priority,
            wakers: Mutex::default(),
            timer: delayed.then(Box::default),
            named: PhantomData,
        })
    }

    fn shown_name(&self) -> &str {
        self.head.given_name().unwrap_or_else(|| N::name())
    }

    /// The body of a task that will not run.
    pub(crate) fn take_body(&self) -> Option<F> {
        self.berth.take_unrun()
    }

    /// It was not taken in: the handle says `Rejected`. `false`: a stop was faster, and has cancelled it.
    pub(crate) fn reject(&self) -> bool {
        let rejected = self.berth.state().end_unstarted(TaskStatus::Rejected).is_some();
        if rejected {
            self.lane.count(|counts| {
                counts.submitted += 1;
                counts.rejected += 1;
            });
            self.tell_end();
        }
        rejected
    }

    /// It has ended unstarted: takes its deadline back and wakes the waiter.
    fn tell_end(&self) {
        self.head.stamp(|times, now| times.finished = now);
        if let Some(timer) = &self.timer {
            let deadline = timer.lock().take();
            if let Some((clock, key)) = deadline {
                // Taken back, so that cancelled delays cost no memory; if it is about to ring, it will find the end.
                clock.remove(key);
            }
        }
        self.wake_waiter();
    }

    /// Whether anybody waits for its end.
    fn is_awaited(&self) -> bool {
        self.wakers.lock().waiter.is_some()
    }

    fn wake_waiter(&self) {
        let waiter = self.wakers.lock().waiter.take();
        if let Some(waiter) = waiter {
            wake_contained(waiter);
        }
    }

    /// Makes the carrier look, which finds that the body has been asked to end.
    ///
    /// The race this closes: the body goes to sleep just now. Its carrier leaves its waker first and looks second ([`stay`]),
    /// this was called after the mark was made and looks for a waker, and the lock between puts one of the two before the
    /// other (`model::cancel_poll_and_finish`).
    ///
    /// [`stay`]: Self::stay
    fn recall(&self) {
        let carrier = self.wakers.lock().carrier.take();
        if let Some(waker) = carrier {
            wake_contained(waker);
        }
    }

    /// The body would sleep: leaves its carrier's waker. `false`: it has been asked to end meanwhile, and is to look once more.
    fn stay(&self, waker: &Waker) -> bool {
        let known = self.wakers.lock().carrier.as_ref().is_some_and(|known| known.will_wake(waker));
        if !known {
            let waker = clone_waker(waker);
            let replaced = self.wakers.lock().carrier.replace(waker);
            drop(replaced);
        }
        !self.berth.state().is_cancel_requested()
    }

    /// The body has ended: counts it, hands the result over, wakes who waits, and drops what nobody will collect.
    ///
    /// Called as a body: a waker is the user's code, and so is a `Drop`. Behind it nothing of the user's is left here, so the
    /// place may be given back, by which a stop is complete.
    fn finish(&self, helm: Helm<'_, F, T>, ticket: &Ticket) {
        let end = match helm.end() {
            TaskStatus::Completed => End::Completed,
            TaskStatus::Panicked => End::Panicked,
            _ => End::Cancelled,
        };
        self.head.stamp(|times, now| times.finished = now);
        ticket.count(end);
        let finished = helm.finish();
        if finished.is_awaited {
            self.wake_waiter();
        }
        if finished.is_let_go {
            self.drop_result();
        }
    }

    /// What nobody will collect is dropped, a panic told.
    fn drop_result(&self) {
        if let Some(panic) = self.berth.drop_result() {
            log::uncollected_panic(self.shown_name(), self.berth.state().number(), &panic);
        }
    }
}

/// A task about to be handed in, and how.
impl<N, F, T> FutureCell<N, F, T>
where
    N: Named,
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    /// Hands it to its lane.
    pub(crate) fn queue(self: &Arc<Self>) -> Result<(), Refused> {
        let submit = |source| self.lane.submit(self.priority, Arc::<Self>::clone(self), source);
        match submit(Source::Caller) {
            // What accepted work starts is accepted.
            Err(Refused::Draining(scope)) if pool::is_within(self.lane.owner(), scope) => submit(Source::Body),
            taken => taken,
        }
    }

    /// Hands it to the clock, to be handed to its lane at `due`.
    pub(crate) fn delay(self: &Arc<Self>, clock: &Arc<Clock>, due: Deadline) -> Result<(), Refused> {
        let number = self.berth.state().number();
        // Counted first: the bell may ring, or a stop drop it, before the insertion returns.
        self.lane.delay(number, self.priority, Arc::<Self>::clone(self))?;
        let refused = match clock.insert(due, Arc::<Self>::clone(self)) {
            Ok(key) => {
                if let Some(timer) = &self.timer {
                    *timer.lock() = Some((Arc::clone(clock), key));
                }
                return Ok(());
            }
            Err(clock::Refused::Stopped) => Refused::Stopped,
            Err(clock::Refused::NoThread(error)) => Refused::NoThread(error),
        };
        if self.lane.undelay(number) {
            self.lane.count(|counts| counts.submitted -= 1);
        }
        Err(refused)
    }

    /// Hands it to its lane, at its moment.
    fn come_due(self: &Arc<Self>) {
        if !self.berth.state().due() {
            return;
        }
        self.lane.undelay(self.berth.state().number());
        if let Some(timer) = &self.timer {
            let rung = timer.lock().take();
            drop(rung);
        }
        let body: Arc<dyn Body> = Arc::<Self>::clone(self);
        if self.lane.submit(self.priority, body, Source::Inside).is_ok() {
            // A body of its lane that waits for who waits for it may lend its place now.
            if self.is_awaited() {
                waits::stir(Job::key(&**self));
            }
        } else {
            let cell = Arc::clone(self);
            outside::run(move || {
                if Body::refuse(Arc::clone(&cell)) {
                    cell.drop_unrun();
                }
            });
        }
    }

    fn drop_unrun(self: Arc<Self>) {
        if let Some(body) = self.take_body() {
            let job: Arc<dyn Job> = Arc::<Self>::clone(&self);
            pool::enter_async(self.lane.owner(), Some(job), || drop_contained(body));
        }
    }
}

impl<N: Named, F, T> Drop for FutureCell<N, F, T> {
    /// Of one whose task has not ended. What nobody collects of one that has was dropped before.
    fn drop(&mut self) {
        if let Some(panic) = self.berth.abandon() {
            log::uncollected_panic(self.shown_name(), self.berth.state().number(), &panic);
        }
    }
}

#[cfg(all(test, any(atasker_loom, atasker_shuttle)))]
impl<N, F, T> FutureCell<N, F, T>
where
    N: Named,
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    /// What a carrier would poll, for a model to poll. Dropped unfinished, it is cut off.
    pub(super) fn fly(self: &Arc<Self>) -> Option<Flight> {
        let body: Arc<dyn Body> = Arc::<Self>::clone(self);
        body.begin().then(|| Flight { body: Some(body), ticket: Ticket::without_place(&self.lane) })
    }
}

/// A body with a carrier that is a model's.
#[cfg(all(test, any(atasker_loom, atasker_shuttle)))]
pub(super) struct Flight {
    body: Option<Arc<dyn Body>>,
    ticket: Ticket,
}

#[cfg(all(test, any(atasker_loom, atasker_shuttle)))]
impl Future for Flight {
    type Output = ();

    fn poll(mut self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> std::task::Poll<()> {
        let Self { body, ticket } = &mut *self;
        *body = body.take().expect("it is polled until it has ended").turn(cx, ticket);
        if body.is_none() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    }
}

#[cfg(all(test, any(atasker_loom, atasker_shuttle)))]
impl Drop for Flight {
    fn drop(&mut self) {
        if let Some(body) = self.body.take() {
            body.cut_off(&mut self.ticket);
        }
    }
}

impl<N, F, T> Body for FutureCell<N, F, T>
where
    N: Named,
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    fn name(&self) -> String {
        self.shown_name().to_owned()
    }

    fn is_live(&self) -> bool {
        self.berth.state().status() == TaskStatus::Queued
    }

    fn begin(&self) -> bool {
        let claimed = self.berth.state().claim();
        if claimed {
            self.head.stamp(|times, now| times.started = now);
        }
        claimed
    }

    fn turn(self: Arc<Self>, cx: &mut Context<'_>, ticket: &mut Ticket) -> Option<Arc<dyn Body>> {
        let mut helm = self.berth.helm()?;
        let job: Arc<dyn Job> = Arc::<Self>::clone(&self);
        let ended = pool::enter_async(self.lane.owner(), Some(job), || {
            loop {
                if self.berth.state().is_cancel_requested() {
                    helm.recall();
                    break;
                }
                if helm.poll(cx).is_ready() {
                    break;
                }
                if self.stay(cx.waker()) {
                    ticket.lend(Job::key(&*self), cx.waker());
                    return false;
                }
            }
            self.finish(helm, ticket);
            true
        });
        if ended { None } else { Some(self) }
    }

    fn has_ended(&self) -> bool {
        self.berth.state().status().is_finished()
    }

    fn cut_off(self: Arc<Self>, ticket: &mut Ticket) {
        // What the values' `Drop` calls, a stop among it, must not wait for the thread it is called on.
        pool::enter_async(self.lane.owner(), None, || {
            if let Some(mut helm) = self.berth.helm() {
                helm.recall();
                self.finish(helm, ticket);
            }
        });
    }

    fn refuse(self: Arc<Self>) -> bool {
        let refused = self.berth.state().end_unstarted(TaskStatus::Cancelled).is_some();
        if refused {
            self.lane.count(|counts| counts.cancelled += 1);
            // A waker is the user's code: a stop in it must not wait for this thread, which may lead one.
            pool::enter_async(self.lane.owner(), None, || self.tell_end());
        }
        refused
    }

    fn drop_body(self: Arc<Self>) {
        self.drop_unrun();
    }

    fn is_task(&self) -> bool {
        true
    }

    fn nudge(&self) {
        self.recall();
    }

    fn ask_to_end(self: Arc<Self>) -> Option<Leftover> {
        // Admitted and not begun yet, it must not begin: nobody would ask it again (`stop_now_racing_with_starts_ends`).
        if !self.berth.state().request_cancel() && Body::refuse(Arc::clone(&self)) {
            return Some(Box::new(move || self.drop_unrun()));
        }
        if self.berth.state().request_cancel() {
            self.recall();
        }
        None
    }
}

impl<N, F, T> Awaited for FutureCell<N, F, T>
where
    N: Named,
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    fn key(&self) -> usize {
        Job::key(self)
    }

    fn serve(self: Arc<Self>, donor: Donor) -> Served {
        if Body::is_live(&*self) { self.lane.clone().host(donor, self.priority, self) } else { Served::No }
    }

    fn queued_at(&self) -> Option<Arc<dyn Places>> {
        if Body::is_live(self) { self.lane.queued_at() } else { None }
    }
}

/// How a thread that polls it knows what runs there. It is in no pool's queue.
impl<N, F, T> Job for FutureCell<N, F, T>
where
    N: Named,
    F: Send + 'static,
    T: Send + 'static,
{
    fn name(&self) -> &str {
        self.shown_name()
    }

    fn static_name(&self) -> Option<StaticName> {
        None
    }

    fn lends_at(&self) -> usize {
        self.lane.lends()
    }

    fn is_live(&self) -> bool {
        false
    }

    fn run(&self, _tally: &Tally<'_>) -> Ran {
        Ran::Dead
    }

    /// The handle goes.
    fn retire(self: Arc<Self>) {
        if self.berth.state().let_go() {
            self.drop_result();
        }
    }

    fn refuse(self: Arc<Self>, _pool: &Arc<Pool>, _why: Refusal) -> bool {
        false
    }

    fn drop_body(self: Arc<Self>, _pool: &Arc<Pool>) {}

    fn is_task(&self) -> bool {
        true
    }

    fn is_asked_to_end(&self) -> bool {
        self.berth.state().is_cancel_requested()
    }
}

impl<N, F, T> clock::Bell for FutureCell<N, F, T>
where
    N: Named,
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    fn ring(self: Arc<Self>, _key: clock::Key) {
        self.come_due();
        // As with a plain task.
        outside::let_go(self);
    }

    fn dropped(self: Arc<Self>) -> bool {
        self.lane.undelay(self.berth.state().number());
        Body::refuse(self)
    }

    fn drop_body(self: Arc<Self>) {
        self.drop_unrun();
    }
}

impl<N, F, T> Join<T> for FutureCell<N, F, T>
where
    N: Named,
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    fn id(&self) -> u64 {
        self.berth.state().number()
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn runs_on_pool(&self) -> bool {
        false
    }

    fn awaited(self: Arc<Self>, _pool: PoolNumber, _priority: Priority) -> Arc<dyn Awaited> {
        self
    }

    fn status(&self) -> TaskStatus {
        self.berth.state().status()
    }

    fn collect(&self, waker: Option<&Waker>) -> Option<Result<T, TaskError>> {
        if let Some(result) = self.berth.result() {
            return Some(result);
        }
        let waker = clone_waker(waker?);
        let replaced = self.wakers.lock().waiter.replace(waker);
        drop(replaced);
        // The race this closes: an end between the look and here. Each marks the word, the end after the result is in
        // its place and this after the waker is in its own: the later of the two sees the other.
        if self.berth.state().set_awaited() {
            return None;
        }
        let unused = self.wakers.lock().waiter.take();
        drop(unused);
        self.berth.result()
    }

    /// Its lane counts it, and not the pool.
    fn cancel(self: Arc<Self>, _pool: Option<&Arc<Pool>>, priority: Priority) -> CancelOutcome {
        let end = || self.berth.state().end_unstarted(TaskStatus::Cancelled);
        if self.lane.cancel(self.berth.state().number(), priority, || end().map(|before| before == TaskStatus::Delayed))
        {
            self.tell_end();
            self.drop_unrun();
            return CancelOutcome::Dequeued;
        }
        if !self.berth.state().request_cancel() {
            return CancelOutcome::TooLate;
        }
        self.recall();
        CancelOutcome::Requested
    }
}

#[cfg(test)]
mod tests {
    use super::FutureCell;
    use crate::pool::OwnName;

    #[test]
    fn a_small_cell_is_small() {
        // With the two counts of its owners.
        assert!(size_of::<FutureCell<OwnName<()>, [usize; 2], u64>>() + 16 <= 120);
    }
}

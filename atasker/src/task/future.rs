//! The cell of a task whose body is a future, and the flight in which a lane's runtime polls it.
//!
//! The state word is that of every task, so a handle can't tell which of the two it has. The body waits in the cell and
//! moves into its flight when it is admitted. Whoever drops a flight unfinished ends the task.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;
use tokio::runtime::Handle;

use super::cell::{Detail, Head, Join, next_id};
use super::state::{CancelOutcome, State, TaskStatus};
use crate::clock::{self, Clock};
use crate::error::TaskError;
use crate::lane::{Body, End, Lane, Refused, Source, Ticket};
use crate::log;
use crate::panics::{contain, drop_contained, wake_contained};
use crate::pool::{self, Job, Named, Pool, Ran, Refusal, StaticName, Tally};
use crate::priority::Priority;
use crate::sync::Mutex;
use crate::time::Deadline;

/// What makes a delayed task due, to be taken back by a cancellation.
type Timer = Mutex<Option<(Arc<Clock>, clock::Key)>>;

/// A task whose body is the future `F` with result `T`, and whose name `N` stands for.
///
/// It is kept small, as [`Cell`](super::Cell) is: 120 bytes for a body and a result of two words.
pub(crate) struct FutureCell<N: Named, F, T> {
    head: Head,
    state: State,
    lane: Arc<Lane>,
    priority: Priority,
    /// Lock rule: with no other; nothing is dropped under it, and no waker is cloned or used.
    place: Mutex<Place<F, T>>,
    /// Of a delayed one.
    timer: Option<Box<Timer>>,
    named: PhantomData<fn() -> N>,
}

/// What one lock guards: a result and who waits for it change hands in one step.
struct Place<F, T> {
    /// The body until it starts, then what makes its flight look, then the result.
    content: Content<F, T>,
    /// Who waits for the end.
    waiter: Option<Waker>,
}

enum Content<F, T> {
    Body(F),
    /// The flight sleeps, and left this.
    Flying(Waker),
    Output(Result<T, TaskError>),
    Empty,
}

impl<N: Named, F, T> FutureCell<N, F, T> {
    /// `Queued`, or `Delayed`.
    pub(crate) fn new(
        lane: &Arc<Lane>,
        priority: Priority,
        detail: Option<Box<Detail>>,
        delayed: bool,
        body: F,
    ) -> Arc<Self> {
        let state = State::spent();
        state.begin(next_id(), if delayed { TaskStatus::Delayed } else { TaskStatus::Queued });
        Arc::new(Self {
            head: Head::new(detail),
            state,
            lane: Arc::clone(lane),
            priority,
            place: Mutex::new(Place { content: Content::Body(body), waiter: None }),
            timer: delayed.then(Box::default),
            named: PhantomData,
        })
    }

    fn shown_name(&self) -> &str {
        self.head.given_name().unwrap_or_else(|| N::name())
    }

    fn replace(&self, content: Content<F, T>) -> Content<F, T> {
        std::mem::replace(&mut self.place.lock().content, content)
    }

    /// The body of a task that will not run.
    pub(crate) fn take_body(&self) -> Option<F> {
        match self.replace(Content::Empty) {
            Content::Body(body) => Some(body),
            _ => None,
        }
    }

    /// It was not taken in: the handle says `Rejected`. `false`: a stop was faster, and has cancelled it.
    pub(crate) fn reject(&self) -> bool {
        let rejected = self.state.end_unstarted(TaskStatus::Rejected).is_some();
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

    fn wake_waiter(&self) {
        let waiter = self.place.lock().waiter.take();
        if let Some(waiter) = waiter {
            wake_contained(waiter);
        }
    }

    /// Makes the flight look, which finds that it has been asked to end.
    ///
    /// The race this closes: the flight goes to sleep just now. It leaves its waker first and looks second ([`stay`]), this
    /// was called after the mark was made and looks for a waker, and the lock between puts one of the two before the other
    /// (`model::cancel_poll_and_finish`).
    ///
    /// [`stay`]: Self::stay
    fn recall(&self) {
        let waker = {
            let mut place = self.place.lock();
            match std::mem::replace(&mut place.content, Content::Empty) {
                Content::Flying(waker) => Some(waker),
                other => {
                    place.content = other;
                    None
                }
            }
        };
        if let Some(waker) = waker {
            wake_contained(waker);
        }
    }

    /// The flight would sleep: leaves its waker. `false`: it has been asked to end meanwhile, and is to look once more.
    fn stay(&self, waker: &Waker) -> bool {
        let known = matches!(&self.place.lock().content, Content::Flying(known) if known.will_wake(waker));
        if !known {
            let replaced = self.replace(Content::Flying(waker.clone()));
            drop(replaced);
        }
        !self.state.is_cancel_requested()
    }

    /// The flight has ended: hands the result over. The body has been dropped by now.
    fn finish(&self, ticket: &mut Ticket, output: Result<T, TaskError>) {
        let (status, end) = match &output {
            Ok(_) => (TaskStatus::Completed, End::Completed),
            Err(TaskError::Panicked(_)) => (TaskStatus::Panicked, End::Panicked),
            Err(_) => (TaskStatus::Cancelled, End::Cancelled),
        };
        self.head.stamp(|times, now| times.finished = now);
        ticket.ended(end);
        let (left, waiter) = {
            let mut place = self.place.lock();
            let left = std::mem::replace(&mut place.content, Content::Output(output));
            self.state.finish(status);
            (left, place.waiter.take())
        };
        drop(left);
        if let Some(waiter) = waiter {
            wake_contained(waiter);
        }
    }

    /// The result of an ended task, if nobody has it yet.
    fn result(&self) -> Option<Result<T, TaskError>> {
        match self.state.status() {
            TaskStatus::Completed | TaskStatus::Panicked => match self.replace(Content::Empty) {
                Content::Output(output) => Some(output),
                _ => None,
            },
            TaskStatus::Cancelled => Some(Err(TaskError::Cancelled)),
            TaskStatus::Rejected => Some(Err(TaskError::Rejected)),
            TaskStatus::Delayed | TaskStatus::Queued | TaskStatus::Running => None,
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
        self.lane.submit(self.priority, Arc::<Self>::clone(self), Source::Caller)
    }

    /// Hands it to the clock, to be handed to its lane at `due`.
    pub(crate) fn delay(self: &Arc<Self>, clock: &Arc<Clock>, due: Deadline) -> Result<(), Refused> {
        let number = self.state.number();
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

    /// What the runtime polls, for the one who has claimed the task.
    fn flight(self: &Arc<Self>, ticket: Ticket) -> Flight<N, F, T> {
        let (cell, job): (_, Arc<dyn Job>) = (Arc::clone(self), Arc::<Self>::clone(self));
        Flight { body: self.take_body(), cell: Some(cell), job: Some(job), ticket, finished: false }
    }

    fn drop_unrun(self: Arc<Self>) {
        if let Some(body) = self.take_body() {
            let job: Arc<dyn Job> = Arc::<Self>::clone(&self);
            pool::enter_async(self.lane.owner(), Some(job), || drop_contained(body));
        }
    }
}

impl<N: Named, F, T> Drop for FutureCell<N, F, T> {
    /// What nobody has collected is dropped, a panic told.
    fn drop(&mut self) {
        match std::mem::replace(&mut self.place.get_mut().content, Content::Empty) {
            Content::Output(Err(TaskError::Panicked(panic))) => {
                log::uncollected_panic(self.shown_name(), self.state.number(), &panic);
            }
            left => drop_contained(left),
        }
    }
}

pin_project! {
    /// A body on its way: what the runtime polls.
    struct Flight<N: Named, F, T> {
        // `None` once it has ended.
        #[pin]
        body: Option<F>,
        // `None` in the drop only.
        cell: Option<Arc<FutureCell<N, F, T>>>,
        // The cell, as the thread that polls it knows it; lent to that for each turn.
        job: Option<Arc<dyn Job>>,
        ticket: Ticket,
        finished: bool,
    }

    impl<N: Named, F, T> PinnedDrop for Flight<N, F, T> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let Some(cell) = this.cell.take() else { return };
            *this.job = None;
            if *this.finished && Arc::strong_count(&cell) > 1 {
                return;
            }
            // What the values' `Drop` calls, a stop among it, must not wait for the thread it is called on.
            pool::enter_async(cell.lane.owner(), None, || {
                if !*this.finished {
                    // The runtime went down with it.
                    if let Err(panic) = contain(|| this.body.set(None)) {
                        panic.leak();
                    }
                    cell.finish(this.ticket, Err(TaskError::Cancelled));
                }
                drop(cell);
            });
        }
    }
}

impl<N, F, T> Future for Flight<N, F, T>
where
    N: Named,
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let cell = this.cell.as_ref().expect("it is polled before it is dropped");
        let job = this.job.take().expect("it comes back from each turn");
        let (output, job) = pool::enter_turn(cell.lane.owner(), job, || {
            let output = loop {
                if cell.state.is_cancel_requested() {
                    break Err(TaskError::Cancelled);
                }
                let body = this.body.as_mut().as_pin_mut().expect("it is polled until it has ended");
                match contain(|| body.poll(cx)) {
                    Ok(Poll::Ready(output)) => break Ok(output),
                    Err(panic) => break Err(TaskError::Panicked(panic)),
                    Ok(Poll::Pending) if cell.stay(cx.waker()) => return None,
                    Ok(Poll::Pending) => {}
                }
            };
            if let Err(panic) = contain(|| this.body.set(None)) {
                panic.leak();
            }
            Some(output)
        });
        // Without thread locals (the thread is at its end) it did not come back.
        *this.job = job.or_else(|| Some(Arc::<FutureCell<N, F, T>>::clone(cell)));
        let Some(output) = output else { return Poll::Pending };
        *this.finished = true;
        cell.finish(this.ticket, output);
        Poll::Ready(())
    }
}

#[cfg(all(test, any(atasker_loom, atasker_shuttle)))]
impl<N, F, T> FutureCell<N, F, T>
where
    N: Named,
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    /// What a runtime would poll, for a model to poll.
    pub(super) fn fly(self: &Arc<Self>) -> Option<impl Future<Output = ()> + Send + use<N, F, T>> {
        let ticket = Ticket::uncounted(&self.lane);
        self.state.claim().then(|| self.flight(ticket))
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
        self.state.status() == TaskStatus::Queued
    }

    fn begin(self: Arc<Self>, ticket: Ticket, on: &Handle) {
        if !self.state.claim() {
            return;
        }
        self.head.stamp(|times, now| times.started = now);
        // Let go, not kept: the flight reports its end itself.
        drop(on.spawn(self.flight(ticket)));
    }

    fn refuse(self: Arc<Self>) -> bool {
        let refused = self.state.end_unstarted(TaskStatus::Cancelled).is_some();
        if refused {
            self.lane.count(|counts| counts.cancelled += 1);
            self.tell_end();
        }
        refused
    }

    fn drop_body(self: Arc<Self>) {
        self.drop_unrun();
    }

    fn is_task(&self) -> bool {
        true
    }

    fn ask_to_end(self: Arc<Self>) {
        // Admitted and not begun yet, it must not begin: nobody would ask it again (`stop_now_racing_with_starts_ends`).
        if !self.state.request_cancel() && Body::refuse(Arc::clone(&self)) {
            return self.drop_unrun();
        }
        if self.state.request_cancel() {
            self.recall();
        }
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

    fn is_live(&self) -> bool {
        false
    }

    fn run(&self, _tally: &Tally<'_>) -> Ran {
        Ran::Dead
    }

    fn refuse(self: Arc<Self>, _pool: &Arc<Pool>, _why: Refusal) -> bool {
        false
    }

    fn drop_body(self: Arc<Self>, _pool: &Arc<Pool>) {}

    fn is_task(&self) -> bool {
        true
    }

    fn is_asked_to_end(&self) -> bool {
        self.state.is_cancel_requested()
    }
}

impl<N, F, T> clock::Bell for FutureCell<N, F, T>
where
    N: Named,
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    fn ring(self: Arc<Self>, _key: clock::Key) {
        if !self.state.due() {
            return;
        }
        self.lane.undelay(self.state.number());
        if let Some(timer) = &self.timer {
            let rung = timer.lock().take();
            drop(rung);
        }
        let body: Arc<dyn Body> = Arc::<Self>::clone(&self);
        if self.lane.submit(self.priority, body, Source::Inside).is_err() && Body::refuse(Arc::clone(&self)) {
            self.drop_unrun();
        }
    }

    fn dropped(self: Arc<Self>) -> bool {
        self.lane.undelay(self.state.number());
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
        self.state.number()
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn runs_on_pool(&self) -> bool {
        false
    }

    fn status(&self) -> TaskStatus {
        self.state.status()
    }

    fn collect(&self, waker: Option<&Waker>) -> Option<Result<T, TaskError>> {
        if let Some(result) = self.result() {
            return Some(result);
        }
        let waker = waker?.clone();
        let replaced = {
            let mut place = self.place.lock();
            // The race this closes: an end between the look and here. It changes the word under the lock and takes the waker
            // with it, so either the end is seen here, or the waker there. One that ends unstarted changes the word first
            // and takes the waker second.
            if self.state.status().is_finished() { Err(waker) } else { Ok(place.waiter.replace(waker)) }
        };
        match replaced {
            Ok(replaced) => {
                drop(replaced);
                None
            }
            Err(unused) => {
                drop(unused);
                self.result()
            }
        }
    }

    /// Its lane counts it, and not the pool.
    fn cancel(self: Arc<Self>, _pool: Option<&Arc<Pool>>, priority: Priority) -> CancelOutcome {
        let end = || self.state.end_unstarted(TaskStatus::Cancelled);
        if self.lane.cancel(self.state.number(), priority, || end().map(|before| before == TaskStatus::Delayed)) {
            self.tell_end();
            self.drop_unrun();
            return CancelOutcome::Dequeued;
        }
        if !self.state.request_cancel() {
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

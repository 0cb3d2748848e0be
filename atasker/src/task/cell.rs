//! A task's one allocation: state, body, result and waiter. The queue holds one end of it, the handle the other.

use std::borrow::Cow;
use std::cell::Cell as StdCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;
use std::time::Instant;

use super::handover::{Handover, Output};
use super::spare;
use super::state::{CancelOutcome, TaskStatus};
use crate::clock::{self, Clock};
use crate::error::TaskError;
use crate::log;
use crate::outside;
use crate::panics::{clone_waker, contain, drop_contained, wake_contained};
use crate::pool::{
    self, Entry, Job, Named, Pool, PoolNumber, Queued, Ran, Refusal, Refused, Source, StaticName, Tally,
};
use crate::priority::Priority;
use crate::sync::Mutex;
use crate::time::Deadline;
use crate::waits::{self, Awaited};

/// A task of some body with some result; by default none, spent.
///
/// It is kept small: an allocation of more than 120 bytes that another thread frees takes a lock in glibc, and held tasks
/// with a dropped handle at 350 ns instead of 160. What few tasks have is in [`Detail`], and what only a handle needs is
/// in the handle.
#[derive(Default)]
pub(crate) struct Cell {
    head: Head,
    handover: Handover,
    /// Who waits for the end, or for the moment it can be claimed. Lock rule: with no other, and no waker is cloned,
    /// used or dropped under it.
    waiter: Mutex<Option<Waker>>,
}

/// What a cell knows besides body and result.
#[derive(Default)]
pub(crate) struct Head {
    detail: Option<Box<Detail>>,
}

/// What few tasks have.
pub(crate) struct Detail {
    /// A name that was given at run time.
    name: Option<Cow<'static, str>>,
    /// Only with [`Config::task_times`](crate::Config::task_times).
    times: Option<Box<Mutex<Times>>>,
    delay: Option<Delay>,
}

/// What becomes of a delayed task.
struct Delay {
    /// Where it is queued when it is due.
    pool: Arc<Pool>,
    priority: Priority,
    /// What makes it due, to be taken back by a cancellation. Lock rule: with no other.
    deadline: Mutex<Option<(Arc<Clock>, clock::Key)>>,
}

/// When things happened to a task.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Times {
    pub(super) submitted: Option<Instant>,
    pub(super) started: Option<Instant>,
    pub(super) finished: Option<Instant>,
}

/// A cell as its handle sees it: of some body, with a known result.
pub(crate) trait Join<T>: Job {
    /// Unique in the process.
    fn id(&self) -> u64;

    fn head(&self) -> &Head;

    /// Whether a thread of its pool may run it inside a wait for it.
    fn runs_on_pool(&self) -> bool {
        true
    }

    /// The same as those see it that wait for it. The pool and the priority are those that it was submitted with.
    fn awaited(self: Arc<Self>, pool: PoolNumber, priority: Priority) -> Arc<dyn Awaited>;

    fn status(&self) -> TaskStatus;

    /// The result, if the task has ended; else leaves the waker to be used when it has, or can be claimed.
    fn collect(&self, waker: Option<&Waker>) -> Option<Output<T>>;

    /// The pool and the priority are those that it was submitted with. `None`: the pool is gone.
    fn cancel(self: Arc<Self>, pool: Option<&Arc<Pool>>, priority: Priority) -> CancelOutcome;
}

impl Detail {
    /// `delay`: where it is to be queued when its delay has passed.
    pub(crate) fn of(
        name: Option<Cow<'static, str>>,
        task_times: bool,
        delay: Option<(&Arc<Pool>, Priority)>,
    ) -> Option<Box<Self>> {
        if name.is_none() && !task_times && delay.is_none() {
            return None;
        }
        let submitted = || Box::new(Mutex::new(Times { submitted: Some(Instant::now()), ..Times::default() }));
        let times = task_times.then(submitted);
        let delay =
            delay.map(|(pool, priority)| Delay { pool: Arc::clone(pool), priority, deadline: Mutex::default() });
        Some(Box::new(Self { name, times, delay }))
    }
}

impl Head {
    pub(super) fn new(detail: Option<Box<Detail>>) -> Self {
        Self { detail }
    }

    pub(super) fn given_name(&self) -> Option<&str> {
        self.detail.as_ref()?.name.as_deref()
    }

    fn delay(&self) -> Option<&Delay> {
        self.detail.as_ref()?.delay.as_ref()
    }

    pub(super) fn times(&self) -> Times {
        let times = self.detail.as_ref().and_then(|detail| detail.times.as_ref());
        times.map_or(Times::default(), |times| *times.lock())
    }

    pub(super) fn stamp(&self, stamp: impl FnOnce(&mut Times, Option<Instant>)) {
        if let Some(times) = self.detail.as_ref().and_then(|detail| detail.times.as_ref()) {
            stamp(&mut times.lock(), Some(Instant::now()));
        }
    }
}

impl Cell {
    /// `Queued` or `Delayed`.
    #[inline(always)]
    pub(crate) fn new<N, F, T>(detail: Option<Box<Detail>>, body: F) -> Arc<Self>
    where
        N: Named,
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let status = match &detail {
            Some(detail) if detail.delay.is_some() => TaskStatus::Delayed,
            _ => TaskStatus::Queued,
        };
        let cell = match detail {
            None => spare::take(),
            Some(detail) => {
                let head = Head { detail: Some(detail) };
                Arc::new(Self { head, handover: Handover::default(), waiter: Mutex::default() })
            }
        };
        // SAFETY: it is new, or was kept by the last who had it, with nothing in it.
        #[allow(unsafe_code)]
        unsafe {
            cell.handover.fill::<N, F, T>(next_id(), status, body);
        }
        cell
    }

    /// Whether it may serve once more: its task has ended, and nothing of it is left.
    pub(super) fn is_spent(&self) -> bool {
        self.head.detail.is_none() && self.handover.state().is_spent()
    }

    /// Whose result it has.
    fn own_name(&self) -> StaticName {
        self.handover.name()
    }

    /// Puts it into its pool's queue.
    pub(crate) fn queue(self: &Arc<Self>, pool: &Arc<Pool>, priority: Priority) -> Result<(), Refused> {
        let job: Arc<dyn Job> = Arc::<Self>::clone(self);
        pool.submit(priority, Entry::Job(job), Source::Caller).map_err(|(why, _)| why)
    }

    /// Hands it to the clock, to be queued at `due`.
    pub(crate) fn delay(self: &Arc<Self>, clock: &Arc<Clock>, due: Deadline) -> Result<(), clock::Refused> {
        let Delay { pool, priority, deadline } = self.head.delay().expect("it was made with a delay");
        let bell: Arc<dyn clock::Bell> = Arc::<Self>::clone(self);
        // Counted first: the bell may ring, or a stop drop it, before the insertion returns.
        pool.count(|totals| totals.submitted += 1);
        pool.count_delayed(*priority, true);
        let inserted = clock.insert(due, bell);
        match inserted {
            Ok(key) => {
                *deadline.lock() = Some((Arc::clone(clock), key));
                Ok(())
            }
            Err(refused) => {
                pool.count(|totals| totals.submitted -= 1);
                pool.count_delayed(*priority, false);
                Err(refused)
            }
        }
    }

    /// It was not taken in: the handle says `Rejected`. `false`: a stop was faster, and has cancelled it.
    pub(crate) fn reject(&self, pool: &Pool) -> bool {
        let counted = |_| {
            pool.count(|totals| {
                totals.submitted += 1;
                totals.rejected += 1;
            });
        };
        self.end_unstarted(TaskStatus::Rejected, counted).is_some()
    }

    /// Counts a task that its queue refused after it had been counted as submitted.
    pub(crate) fn reject_counted(&self, pool: &Pool) -> bool {
        pool.count(|totals| totals.submitted -= 1);
        self.reject(pool)
    }

    /// The body of a task that was rejected, for the caller to have back.
    pub(crate) fn take_body<F: 'static>(&self) -> Option<F> {
        self.handover.take_body()
    }

    /// Drops that body.
    #[cold]
    pub(crate) fn drop_refused(&self) {
        self.handover.take_unrun().into_iter().for_each(drop_contained);
    }

    /// Ends it as `Cancelled` or `Rejected` and wakes the waiter. The status before; `None`: it had started.
    ///
    /// The body stays for the caller to take and drop.
    fn end_unstarted(&self, end: TaskStatus, count: impl FnOnce(TaskStatus)) -> Option<TaskStatus> {
        let before = self.handover.state().end_unstarted(end)?;
        // Before the waiter is woken: who has waited for a task finds the counts exact.
        count(before);
        self.tell_end();
        Some(before)
    }

    /// It has ended unstarted: takes its deadline back and wakes the waiter.
    fn tell_end(&self) {
        self.head.stamp(|times, now| times.finished = now);
        if let Some(delay) = self.head.delay() {
            let deadline = delay.deadline.lock().take();
            if let Some((clock, key)) = deadline {
                // Taken back, so that cancelled delays cost no memory; if it is about to ring, it will find the end.
                clock.remove(key);
            }
        }
        self.wake_waiter();
    }

    /// Drops the body of a task that will not run, as a body of the pool: what its values' `Drop` calls, a stop among
    /// it, must not wait for the thread it is called on.
    fn drop_unrun(self: &Arc<Self>, pool: &Arc<Pool>) {
        if let Some(body) = self.handover.take_unrun() {
            let job: Arc<dyn Job> = Arc::<Self>::clone(self);
            pool::enter(pool, job, || drop_contained(body));
        }
    }

    /// The result of an ended task, if nobody has it yet.
    fn result<T: 'static>(&self) -> Option<Output<T>> {
        match self.handover.state().status() {
            TaskStatus::Completed | TaskStatus::Panicked => self.handover.take_output(),
            // It never ran; whoever ended it drops the body.
            TaskStatus::Cancelled => Some(Err(TaskError::Cancelled)),
            TaskStatus::Rejected => Some(Err(TaskError::Rejected)),
            TaskStatus::Delayed | TaskStatus::Queued | TaskStatus::Running => None,
        }
    }

    fn is_awaited(&self) -> bool {
        self.waiter.lock().is_some()
    }

    fn wake_waiter(&self) {
        let waiter = self.waiter.lock().take();
        if let Some(waiter) = waiter {
            wake_contained(waiter);
        }
    }

    /// The last one lets go: what nobody has collected is dropped, a panic told.
    pub(super) fn abandon(&self) {
        match contain(|| self.handover.drop_rest()) {
            Ok(Some(panic)) => {
                log::uncollected_panic(Job::name(self), self.handover.state().number(), &panic);
                drop(panic);
            }
            Ok(None) => {}
            Err(panic) => panic.leak(),
        }
    }
}

impl Drop for Cell {
    fn drop(&mut self) {
        self.abandon();
    }
}

impl Job for Cell {
    fn name(&self) -> &str {
        self.head.given_name().unwrap_or_else(|| self.own_name().get())
    }

    fn static_name(&self) -> Option<StaticName> {
        self.head.given_name().is_none().then(|| self.own_name())
    }

    fn is_live(&self) -> bool {
        self.handover.state().status() == TaskStatus::Queued
    }

    fn run(&self, tally: &Tally<'_>) -> Ran {
        let Some(claim) = self.handover.claim() else { return Ran::Dead };
        self.head.stamp(|times, now| times.started = now);
        let ended = claim.run();
        let ran = Ran::Task { panicked: ended.panicked };
        self.head.stamp(|times, now| times.finished = now);
        tally.ended(ran);
        if ended.finish() {
            self.wake_waiter();
        }
        ran
    }

    fn retire(self: Arc<Self>) {
        spare::keep(self);
    }

    fn refuse(self: Arc<Self>, pool: &Arc<Pool>, why: Refusal) -> bool {
        let end = match why {
            Refusal::Cancelled => TaskStatus::Cancelled,
            Refusal::NoThread => TaskStatus::Rejected,
        };
        let count = |before| {
            if before == TaskStatus::Delayed
                && let Some(delay) = self.head.delay()
            {
                pool.count_delayed(delay.priority, false);
            }
            pool.count(|totals| totals.count_refusal(why));
        };
        // A waker is the user's code: a stop in it must not wait for this thread, which may lead one.
        let ended = pool::enter_unnamed(pool, || self.end_unstarted(end, count));
        if ended.is_none() {
            return false;
        }
        if why == Refusal::NoThread {
            log::rejected(self.name(), "the system gives no thread");
        }
        true
    }

    fn drop_body(self: Arc<Self>, pool: &Arc<Pool>) {
        self.drop_unrun(pool);
    }

    fn is_task(&self) -> bool {
        true
    }

    fn is_asked_to_end(&self) -> bool {
        self.handover.state().is_cancel_requested()
    }
}

impl clock::Bell for Cell {
    fn ring(self: Arc<Self>, _key: clock::Key) {
        self.come_due();
        // Its task may have ended meanwhile, with nobody to collect what it left.
        outside::let_go(self);
    }

    fn dropped(self: Arc<Self>) -> bool {
        self.head.delay().is_some_and(|delay| Arc::clone(&self).refuse(&delay.pool, Refusal::Cancelled))
    }

    fn drop_body(self: Arc<Self>) {
        if let Some(delay) = self.head.delay() {
            self.drop_unrun(&delay.pool);
        }
    }
}

impl Cell {
    fn come_due(self: &Arc<Self>) {
        let Some(delay) = self.head.delay().filter(|_| self.handover.state().due()) else { return };
        delay.pool.count_delayed(delay.priority, false);
        *delay.deadline.lock() = None;
        let job: Arc<dyn Job> = Arc::<Self>::clone(self);
        match delay.pool.submit(delay.priority, Entry::Job(job), Source::Inside) {
            // A pool thread that waits for it can claim it now, and so can one that waits for who waits for it. Who leaves a
            // waker from now on, finds it queued.
            Ok(()) => {
                if self.is_awaited() {
                    waits::stir(Job::key(&**self));
                }
            }
            Err(_) => {
                let cell = Arc::clone(self);
                outside::run(move || {
                    if clock::Bell::dropped(Arc::clone(&cell)) {
                        clock::Bell::drop_body(cell);
                    }
                });
            }
        }
    }
}

impl<T: Send + 'static> Join<T> for Cell {
    fn id(&self) -> u64 {
        self.handover.state().number()
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn status(&self) -> TaskStatus {
        self.handover.state().status()
    }

    fn awaited(self: Arc<Self>, pool: PoolNumber, priority: Priority) -> Arc<dyn Awaited> {
        Arc::new(Queued { job: self, pool, priority })
    }

    fn collect(&self, waker: Option<&Waker>) -> Option<Result<T, TaskError>> {
        if let Some(result) = self.result() {
            return Some(result);
        }
        let waker = clone_waker(waker?);
        let replaced = self.waiter.lock().replace(waker);
        drop(replaced);
        // The race this closes: an end between the look and here. Each marks the word, the end after the result is in
        // its place and this after the waker is in its own: the later of the two sees the other.
        if self.handover.state().set_awaited() {
            return None;
        }
        let unused = self.waiter.lock().take();
        drop(unused);
        self.result()
    }

    fn cancel(self: Arc<Self>, pool: Option<&Arc<Pool>>, priority: Priority) -> CancelOutcome {
        let end = || self.handover.state().end_unstarted(TaskStatus::Cancelled);
        let Some(pool) = pool else {
            // Whatever there was to run it is no more, and neither are its counts.
            let ended = end().is_some();
            self.drop_refused();
            return if ended { CancelOutcome::Dequeued } else { CancelOutcome::TooLate };
        };
        if pool.cancel(priority, || end().map(|before| before == TaskStatus::Delayed)) {
            self.tell_end();
            self.drop_unrun(pool);
            return CancelOutcome::Dequeued;
        }
        if self.handover.state().request_cancel() { CancelOutcome::Requested } else { CancelOutcome::TooLate }
    }
}

/// Unique, not dense: each thread takes a block of numbers at a time, so that threads don't share a counter's line.
pub(crate) fn next_id() -> u64 {
    const BLOCK: u64 = 1024;
    static NEXT_BLOCK: AtomicU64 = AtomicU64::new(1);
    std::thread_local! {
        static NEXT: StdCell<(u64, u64)> = const { StdCell::new((0, 0)) };
    }
    let take_block = || {
        // Relaxed: only the number matters.
        let first = NEXT_BLOCK.fetch_add(BLOCK, Ordering::Relaxed);
        (first, first + BLOCK)
    };
    let next = NEXT.try_with(|block| {
        let (next, end) = if block.get().0 == block.get().1 { take_block() } else { block.get() };
        block.set((next + 1, end));
        next
    });
    next.unwrap_or_else(|_| take_block().0)
}

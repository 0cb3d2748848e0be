//! A task's one allocation: state, body, result and waiter. The queue holds one end of it, the handle the other.

use std::borrow::Cow;
use std::cell::Cell as StdCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;
use std::time::Instant;

use super::handover::{Claim, Finished, Handover, Output};
use super::state::{CancelOutcome, TaskStatus};
use crate::clock::{self, Clock};
use crate::error::TaskError;
use crate::log;
use crate::panics::{contain, drop_contained, wake_contained};
use crate::pool::{self, Entry, Job, Named, Pool, Ran, Refusal, Refused, Source, StaticName, Tally};
use crate::priority::Priority;
use crate::sync::Mutex;

/// How a task is to be named; no allocation unless the name was made at run time.
#[derive(Clone)]
pub(crate) enum Name {
    /// Looked up when it is asked for.
    Static(StaticName),
    Given(Cow<'static, str>),
}

impl Name {
    pub(crate) fn get(&self) -> &str {
        match self {
            Self::Static(name) => name.get(),
            Self::Given(name) => name,
        }
    }
}

/// What a cell knows besides body and result.
pub(crate) struct Head {
    pub(super) priority: Priority,
    pub(super) id: u64,
    pub(super) pool: Arc<Pool>,
    /// Its name, if none was given.
    name: StaticName,
    detail: Option<Box<Detail>>,
}

/// What few tasks have: a queued task takes an allocation of at most 120 bytes, which glibc frees on any thread without a
/// lock; larger ones cost FIGURE_SLIM.
struct Detail {
    name: Option<Cow<'static, str>>,
    /// Only with [`Config::task_times`](crate::Config::task_times).
    times: Option<Mutex<Times>>,
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

/// A task of body `F` with result `T`.
pub(crate) struct Cell<F, T> {
    head: Head,
    handover: Handover<F, T>,
    /// Who waits for the end, or for the moment it can be claimed. Lock rule: with no other, and no waker is cloned,
    /// used or dropped under it.
    waiter: Mutex<Option<Waker>>,
}

/// A cell as its handle sees it: of some body, with a known result.
pub(crate) trait Join<T>: Job {
    fn head(&self) -> &Head;

    fn status(&self) -> TaskStatus;

    /// The result, if the task has ended; else leaves the waker to be used when it has, or can be claimed.
    fn collect(&self, waker: Option<&Waker>) -> Option<Result<T, TaskError>>;

    fn cancel(self: Arc<Self>) -> CancelOutcome;

    /// The handle is dropped.
    fn detach(&self);
}

impl Head {
    pub(crate) fn new(pool: Arc<Pool>, name: Name, priority: Priority, status: TaskStatus, task_times: bool) -> Self {
        let (name, given) = match name {
            Name::Static(name) => (name, None),
            Name::Given(given) => (StaticName::of::<Unnamed>(), Some(given)),
        };
        let is_detailed = given.is_some() || task_times || status == TaskStatus::Delayed;
        let detail = is_detailed.then(|| {
            let submitted = || Mutex::new(Times { submitted: Some(Instant::now()), ..Times::default() });
            Box::new(Detail { name: given, times: task_times.then(submitted), deadline: Mutex::default() })
        });
        Self { priority, id: next_id(), pool, name, detail }
    }

    pub(super) fn name(&self) -> &str {
        let given = self.detail.as_ref().and_then(|detail| detail.name.as_deref());
        given.unwrap_or_else(|| self.name.get())
    }

    pub(super) fn times(&self) -> Times {
        let times = self.detail.as_ref().and_then(|detail| detail.times.as_ref());
        times.map_or(Times::default(), |times| *times.lock())
    }

    fn stamp(&self, stamp: impl FnOnce(&mut Times, Option<Instant>)) {
        if let Some(times) = self.detail.as_ref().and_then(|detail| detail.times.as_ref()) {
            stamp(&mut times.lock(), Some(Instant::now()));
        }
    }

    fn set_deadline(&self, deadline: Option<(Arc<Clock>, clock::Key)>) -> Option<(Arc<Clock>, clock::Key)> {
        std::mem::replace(&mut *self.detail.as_ref()?.deadline.lock(), deadline)
    }
}

/// Stands for the name of tasks that have a given one.
struct Unnamed;

impl Named for Unnamed {
    fn name() -> &'static str {
        "task"
    }
}

impl<F, T> Cell<F, T> {
    pub(crate) fn name(&self) -> &str {
        self.head.name()
    }
}

impl<F, T> Cell<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    pub(crate) fn new(head: Head, status: TaskStatus, body: F) -> Arc<Self> {
        Arc::new(Self { head, handover: Handover::new(status, body), waiter: Mutex::default() })
    }

    /// Puts it into its pool's queue.
    pub(crate) fn queue(self: &Arc<Self>) -> Result<(), Refused> {
        let job: Arc<dyn Job> = Arc::<Self>::clone(self);
        self.head.pool.submit(self.head.priority, Entry::Job(job), Source::Caller).map_err(|(why, _)| why)
    }

    /// Hands it to the clock, to be queued at `due`.
    pub(crate) fn delay(
        self: &Arc<Self>,
        clock: &Arc<Clock>,
        due: crate::time::Deadline,
    ) -> Result<(), clock::Refused> {
        let bell: Arc<dyn clock::Bell> = Arc::<Self>::clone(self);
        // Counted first: the bell may ring, or a stop drop it, before the insertion returns.
        self.head.pool.count(|totals| totals.submitted += 1);
        self.head.pool.count_delayed(self.head.priority, true);
        let inserted = clock.insert(due, bell);
        match inserted {
            Ok(key) => {
                self.head.set_deadline(Some((Arc::clone(clock), key)));
                Ok(())
            }
            Err(refused) => {
                self.head.pool.count(|totals| totals.submitted -= 1);
                self.head.pool.count_delayed(self.head.priority, false);
                Err(refused)
            }
        }
    }

    /// It was not taken in: its body, for the caller to have back. The handle says `Rejected`.
    pub(crate) fn reject(&self) -> Option<F> {
        self.end_unstarted(TaskStatus::Rejected, |_| {
            self.head.pool.count(|totals| {
                totals.submitted += 1;
                totals.rejected += 1;
            });
        })?;
        self.handover.take_body()
    }

    /// Counts a task whose queue refused it after it had been counted as submitted.
    pub(crate) fn reject_counted(&self) -> Option<F> {
        self.head.pool.count(|totals| totals.submitted -= 1);
        self.reject()
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
        if let Some((clock, key)) = self.head.set_deadline(None) {
            // Taken back, so that cancelled delays cost no memory; if it is about to ring, it will find the end.
            clock.remove(key);
        }
        self.wake_waiter();
    }

    /// Counts a task that the clock had taken in as no longer delayed.
    fn leave_clock(&self, before: TaskStatus) {
        if before == TaskStatus::Delayed {
            self.head.pool.count_delayed(self.head.priority, false);
        }
    }

    /// Drops the body of a task that will not run, as a body of the pool: what its values' `Drop` calls, a stop among
    /// it, must not wait for the thread it is called on.
    fn drop_unrun(self: &Arc<Self>) {
        if let Some(body) = self.handover.take_body() {
            let job: Arc<dyn Job> = Arc::<Self>::clone(self);
            pool::enter(&self.head.pool, job, || drop_contained(body));
        }
    }

    /// The result of an ended task, if nobody has it yet.
    fn result(&self) -> Option<Output<T>> {
        match self.handover.state().status() {
            TaskStatus::Completed | TaskStatus::Panicked => self.handover.take_output(),
            // It never ran; whoever ended it drops the body.
            TaskStatus::Cancelled => Some(Err(TaskError::Cancelled)),
            TaskStatus::Rejected => Some(Err(TaskError::Rejected)),
            TaskStatus::Delayed | TaskStatus::Queued | TaskStatus::Running => None,
        }
    }

    fn wake_waiter(&self) {
        let waiter = self.waiter.lock().take();
        wake(waiter);
    }

    /// Hands the result over, or drops it where nobody is left to collect it.
    fn finish(&self, claim: Claim<'_, F, T>, output: Output<T>, tally: &Tally<'_>) -> Ran {
        let ran = Ran::Task { panicked: output.is_err() };
        self.head.stamp(|times, now| times.finished = now);
        tally.ended(ran);
        let Finished { unwanted, is_awaited } = claim.finish(output);
        if let Some(unwanted) = unwanted {
            self.abandon(unwanted);
        }
        if is_awaited {
            self.wake_waiter();
        }
        ran
    }

    /// A result nobody collects: its panic is told, its drop contained.
    fn abandon(&self, output: Output<T>) {
        if let Err(TaskError::Panicked(panic)) = &output {
            log::uncollected_panic(self.head.name(), self.head.id, panic);
        }
        drop_contained(output);
    }
}

impl<F, T> Job for Cell<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    fn name(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.head.name())
    }

    fn static_name(&self) -> Option<StaticName> {
        let is_given = self.head.detail.as_ref().is_some_and(|detail| detail.name.is_some());
        (!is_given).then_some(self.head.name)
    }

    fn is_live(&self) -> bool {
        self.handover.state().status() == TaskStatus::Queued
    }

    fn run(self: Arc<Self>, tally: &Tally<'_>) -> Ran {
        let Some((body, claim)) = self.handover.claim() else { return Ran::Dead };
        self.head.stamp(|times, now| times.started = now);
        let output = contain(body);
        self.finish(claim, output.map_err(TaskError::Panicked), tally)
    }

    fn refuse(self: Arc<Self>, pool: &Arc<Pool>, why: Refusal) -> bool {
        let end = match why {
            Refusal::Cancelled => TaskStatus::Cancelled,
            Refusal::NoThread => TaskStatus::Rejected,
        };
        let ended = self.end_unstarted(end, |before| {
            self.leave_clock(before);
            pool.count(|totals| totals.count_refusal(why));
        });
        if ended.is_none() {
            return false;
        }
        if why == Refusal::NoThread {
            log::rejected(self.head.name(), "the system gives no thread");
        }
        true
    }

    fn drop_body(self: Arc<Self>, _pool: &Arc<Pool>) {
        self.drop_unrun();
    }

    fn is_task(&self) -> bool {
        true
    }

    fn is_asked_to_end(&self) -> bool {
        self.handover.state().is_cancel_requested()
    }
}

impl<F, T> clock::Bell for Cell<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    fn ring(self: Arc<Self>, _key: clock::Key) {
        if !self.handover.state().due() {
            return;
        }
        self.leave_clock(TaskStatus::Delayed);
        self.head.set_deadline(None);
        let job: Arc<dyn Job> = Arc::<Self>::clone(&self);
        match self.head.pool.submit(self.head.priority, Entry::Job(job), Source::Inside) {
            // A pool thread that waits for it can claim it now.
            Ok(()) => self.wake_waiter(),
            Err(_) => {
                if Arc::clone(&self).refuse(&self.head.pool, Refusal::Cancelled) {
                    self.drop_unrun();
                }
            }
        }
    }

    fn dropped(self: Arc<Self>) -> bool {
        Arc::clone(&self).refuse(&self.head.pool, Refusal::Cancelled)
    }

    fn drop_body(self: Arc<Self>) {
        self.drop_unrun();
    }
}

impl<F, T> Join<T> for Cell<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    fn head(&self) -> &Head {
        &self.head
    }

    fn status(&self) -> TaskStatus {
        self.handover.state().status()
    }

    fn collect(&self, waker: Option<&Waker>) -> Option<Result<T, TaskError>> {
        if let Some(result) = self.result() {
            return Some(result);
        }
        let replaced = self.waiter.lock().replace(waker?.clone());
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

    fn cancel(self: Arc<Self>) -> CancelOutcome {
        if self.head.pool.is_forked() {
            return CancelOutcome::TooLate;
        }
        let end = || self.handover.state().end_unstarted(TaskStatus::Cancelled);
        if self.head.pool.cancel(self.head.priority, || end().map(|before| before == TaskStatus::Delayed)) {
            self.tell_end();
            self.drop_unrun();
            return CancelOutcome::Dequeued;
        }
        if self.handover.state().request_cancel() { CancelOutcome::Requested } else { CancelOutcome::TooLate }
    }

    fn detach(&self) {
        if self.handover.state().detach().is_finished()
            && let Some(output) = self.handover.take_output()
        {
            self.abandon(output);
        }
    }
}

fn wake(waiter: Option<Waker>) {
    if let Some(waiter) = waiter {
        wake_contained(waiter);
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

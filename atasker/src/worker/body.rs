//! What can be a worker's body: structs with a trait, and closures; for workers without and with a queue.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::async_body::AsyncStep;
use super::context::WorkerContext;
use super::core::Turn;
use super::mailbox::Mailbox;
use super::outcome::{Outcome, WorkerError};

/// A worker as a struct: its state is its fields, its body is [`run`](Worker::run).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use atasker::{background_worker, Worker, WorkerContext, WorkerError};
///
/// struct Poller { seen: u64 }
///
/// impl Worker for Poller {
///     type Output = Result<(), String>;
///
///     fn run(&mut self, cx: &WorkerContext) -> Self::Output {
///         self.seen += 1;
///         cx.request_stop();
///         Err(format!("nothing there, looked {} times", self.seen))
///     }
///
///     fn on_error(&mut self, error: &WorkerError, cx: &WorkerContext) {
///         eprintln!("{}: {error}", cx.name());
///     }
/// }
///
/// let worker = background_worker(Poller { seen: 0 }).interval(Duration::from_millis(1)).start()?;
/// worker.stop();
/// # Ok::<(), atasker::Error>(())
/// ```
pub trait Worker: Send + 'static {
    /// What a run comes to: `()`, `ControlFlow<()>`, or a `Result` of either.
    type Output: Outcome;

    /// One run. Never called twice at once. The state survives an `Err` and a panic.
    fn run(&mut self, cx: &WorkerContext) -> Self::Output;

    /// Called once after the start, before the first run, at the worker's priority.
    fn on_start(&mut self, cx: &WorkerContext) {
        _ = cx;
    }

    /// Called once after the last run, if `on_start` was. It runs at once, whatever the load.
    fn on_stop(&mut self, cx: &WorkerContext) {
        _ = cx;
    }

    /// Called after a run that ended with an `Err` or a panic. By default the error is told to `tracing`, or to stderr.
    fn on_error(&mut self, error: &WorkerError, cx: &WorkerContext) {
        cx.tell_unhandled(error);
    }
}

/// A queue worker as a struct: [`Worker`] with an item for each run.
///
/// # Examples
///
/// ```
/// use std::sync::mpsc;
/// use atasker::{background_worker, QueueBody, WorkerContext};
///
/// struct Sum { sum: u64, tell: mpsc::Sender<u64> }
///
/// impl QueueBody for Sum {
///     type Item = u64;
///     type Output = ();
///
///     fn run(&mut self, item: u64, _cx: &WorkerContext) {
///         self.sum += item;
///     }
///
///     fn on_stop(&mut self, _cx: &WorkerContext) {
///         self.tell.send(self.sum).unwrap();
///     }
/// }
///
/// let (tell, told) = mpsc::channel();
/// let worker = background_worker(Sum { sum: 0, tell }).queue().start()?;
/// for item in 1..=10 {
///     worker.put(item)?;
/// }
/// worker.stop();
/// assert_eq!(told.recv().unwrap(), 55);
/// # Ok::<(), atasker::Error>(())
/// ```
pub trait QueueBody: Send + 'static {
    /// What is put into the queue.
    type Item: Send + 'static;
    /// What a run comes to: `()`, `ControlFlow<()>`, or a `Result` of either.
    type Output: Outcome;

    /// One run, for one item. Never called twice at once. The state survives an `Err` and a panic.
    fn run(&mut self, item: Self::Item, cx: &WorkerContext) -> Self::Output;

    /// Called once after the start, before the first run, at the worker's priority.
    fn on_start(&mut self, cx: &WorkerContext) {
        _ = cx;
    }

    /// Called once after the last run, if `on_start` was. It runs at once, whatever the load.
    fn on_stop(&mut self, cx: &WorkerContext) {
        _ = cx;
    }

    /// Called after a run that ended with an `Err` or a panic. By default the error is told to `tracing`, or to stderr.
    fn on_error(&mut self, error: &WorkerError, cx: &WorkerContext) {
        cx.tell_unhandled(error);
    }
}

/// What the last run came to: go on or stop, or the text of an `Err`.
pub(super) type Stepped = Result<ControlFlow<()>, String>;

/// A body as the worker's core sees it: boxed once, called through plain functions.
pub(super) trait Step: Send {
    /// One run; with a queue, one for each item as long as the turn goes on.
    fn step(&mut self, cx: &mut WorkerContext, turn: &mut Turn<'_>) -> Stepped;

    /// Whether it may have something to do at start and stop.
    fn has_hooks(&self) -> bool {
        false
    }

    fn on_start(&mut self, _cx: &WorkerContext) {}

    fn on_stop(&mut self, _cx: &WorkerContext) {}

    fn on_error(&mut self, error: &WorkerError, cx: &WorkerContext) {
        cx.tell_unhandled(error);
    }
}

/// A body of either sort.
pub(super) enum Steps {
    /// Runs on the pool.
    Blocking(Box<dyn Step>),
    /// Runs on a lane.
    Async(Box<dyn AsyncStep>),
}

impl Steps {
    pub(super) fn has_hooks(&self) -> bool {
        match self {
            Self::Blocking(step) => step.has_hooks(),
            Self::Async(step) => step.has_hooks(),
        }
    }

    /// Has its errors go to the builder's hook.
    pub(super) fn hooked(self, hook: ErrorHook) -> Self {
        match self {
            Self::Blocking(step) => Self::Blocking(Box::new(Hooked { step, hook })),
            Self::Async(step) => Self::Async(super::async_body::hooked(step, hook)),
        }
    }
}

/// A hook given to the builder: called instead of the body's own.
pub(super) type ErrorHook = Box<dyn FnMut(&WorkerError) + Send>;

/// A body whose errors go to the builder's hook.
struct Hooked {
    step: Box<dyn Step>,
    hook: ErrorHook,
}

impl Step for Hooked {
    fn step(&mut self, cx: &mut WorkerContext, turn: &mut Turn<'_>) -> Stepped {
        self.step.step(cx, turn)
    }

    fn has_hooks(&self) -> bool {
        self.step.has_hooks()
    }

    fn on_start(&mut self, cx: &WorkerContext) {
        self.step.on_start(cx);
    }

    fn on_stop(&mut self, cx: &WorkerContext) {
        self.step.on_stop(cx);
    }

    fn on_error(&mut self, error: &WorkerError, _cx: &WorkerContext) {
        (self.hook)(error);
    }
}

/// A body that is one function.
struct Plain<F>(F);

impl<F: FnMut(&WorkerContext) -> Stepped + Send> Step for Plain<F> {
    fn step(&mut self, cx: &mut WorkerContext, _turn: &mut Turn<'_>) -> Stepped {
        (self.0)(cx)
    }
}

/// A struct with [`Worker`].
struct ByTrait<W>(W);

impl<W: Worker> Step for ByTrait<W> {
    fn step(&mut self, cx: &mut WorkerContext, _turn: &mut Turn<'_>) -> Stepped {
        self.0.run(cx).into_flow()
    }

    fn has_hooks(&self) -> bool {
        true
    }

    fn on_start(&mut self, cx: &WorkerContext) {
        self.0.on_start(cx);
    }

    fn on_stop(&mut self, cx: &WorkerContext) {
        self.0.on_stop(cx);
    }

    fn on_error(&mut self, error: &WorkerError, cx: &WorkerContext) {
        self.0.on_error(error, cx);
    }
}

/// What can be the body of a worker without a queue: `||`, `|cx: &WorkerContext|`, either of them giving a future, or a struct
/// with [`Worker`] or [`AsyncWorker`](crate::AsyncWorker).
///
/// `M` only tells these apart; it is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the body of this worker",
    label = "not a body of a worker without a queue",
    note = "a body is a closure `||` or `|cx: &WorkerContext|` (types written out) that returns `()`, `ControlFlow<()>` or a `Result` of either, or a future of one, or a struct with `impl Worker` or `impl AsyncWorker`",
    note = "a closure with an item needs `.queue()`; what it captures must be `Send + 'static`"
)]
pub trait IntoWorker<M> {
    #[doc(hidden)]
    fn into_body(self) -> BoxedBody;
}

/// What can be the body of a queue worker: `|item: T|`, `|item: T, cx: &WorkerContext|`, either of them giving a future, or a
/// struct with [`QueueBody`] or [`AsyncQueueBody`](crate::AsyncQueueBody).
///
/// `M` only tells these apart; it is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the body of a queue worker",
    label = "not a body of a queue worker",
    note = "a body is a closure `|item: T|` or `|item: T, cx: &WorkerContext|` (types written out) that returns `()`, `ControlFlow<()>` or a `Result` of either, or a future of one, or a struct with `impl QueueBody` or `impl AsyncQueueBody`",
    note = "the item and what the closure captures must be `Send + 'static`"
)]
pub trait IntoQueueBody<M> {
    /// What is put into the queue.
    type Item: Send + 'static;

    #[doc(hidden)]
    fn into_body(self, queue: Queue<Self::Item>) -> BoxedBody;
}

/// A body, boxed. Opaque.
#[doc(hidden)]
pub struct BoxedBody(pub(super) Steps);

impl std::fmt::Debug for BoxedBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BoxedBody")
    }
}

/// A worker's queue. Opaque.
#[doc(hidden)]
pub struct Queue<T>(pub(super) Arc<Mailbox<T>>);

impl<T> std::fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Queue")
    }
}

impl<F, O> IntoWorker<fn() -> O> for F
where
    F: FnMut() -> O + Send + 'static,
    O: Outcome,
{
    fn into_body(mut self) -> BoxedBody {
        BoxedBody(Steps::Blocking(Box::new(Plain(move |_: &WorkerContext| self().into_flow()))))
    }
}

impl<F, O> IntoWorker<fn(&WorkerContext) -> O> for F
where
    F: FnMut(&WorkerContext) -> O + Send + 'static,
    O: Outcome,
{
    fn into_body(mut self) -> BoxedBody {
        BoxedBody(Steps::Blocking(Box::new(Plain(move |cx: &WorkerContext| self(cx).into_flow()))))
    }
}

impl<W: Worker> IntoWorker<ByImpl> for W {
    fn into_body(self) -> BoxedBody {
        BoxedBody(Steps::Blocking(Box::new(ByTrait(self))))
    }
}

/// The `M` of structs.
#[doc(hidden)]
#[derive(Debug)]
pub enum ByImpl {}

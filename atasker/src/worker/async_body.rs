//! What can be an async worker's body: structs with a trait, and closures that give futures; without and with a queue.

use std::future::Future;
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;

use super::body::{BoxedBody, ErrorHook, IntoQueueBody, IntoWorker, Queue, Stepped, Steps};
use super::context::WorkerContext;
use super::core::Turn;
use super::mailbox::Mailbox;
use super::outcome::{Outcome, WorkerError};

/// A worker whose runs are async, as a struct: its state is its fields, its body is [`run`](AsyncWorker::run). Each method may
/// be written as an `async fn`; its future must be `Send`.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use atasker::{background_worker, AsyncWorker, WorkerContext};
///
/// struct Poller { seen: u64 }
///
/// impl AsyncWorker for Poller {
///     type Output = Result<(), String>;
///
///     async fn run(&mut self, cx: &WorkerContext) -> Self::Output {
///         tokio::time::sleep(Duration::from_millis(1)).await;
///         self.seen += 1;
///         cx.request_stop();
///         Err(format!("nothing there, looked {} times", self.seen))
///     }
///
///     async fn on_stop(&mut self, cx: &WorkerContext) {
///         println!("{} has seen {}", cx.name(), self.seen);
///     }
/// }
///
/// let worker = background_worker(Poller { seen: 0 }).interval(Duration::from_millis(1)).start()?;
/// worker.stop();
/// # Ok::<(), atasker::Error>(())
/// ```
pub trait AsyncWorker: Send + 'static {
    /// What a run comes to: `()`, `ControlFlow<()>`, or a `Result` of either.
    type Output: Outcome;

    /// One run. Never called twice at once. The state survives an `Err`, a panic, and a run that a
    /// [`stop_now`](crate::Supervisor::stop_now) drops at an await.
    fn run(&mut self, cx: &WorkerContext) -> impl Future<Output = Self::Output> + Send;

    /// Called once after the start, before the first run, at the worker's priority.
    fn on_start(&mut self, cx: &WorkerContext) -> impl Future<Output = ()> + Send {
        _ = cx;
        async {}
    }

    /// Called once after the last run, if `on_start` was. It runs at once, whatever the load.
    fn on_stop(&mut self, cx: &WorkerContext) -> impl Future<Output = ()> + Send {
        _ = cx;
        async {}
    }

    /// Called after a run that ended with an `Err` or a panic. By default the error is told to `tracing`, or to stderr.
    fn on_error(&mut self, error: &WorkerError, cx: &WorkerContext) -> impl Future<Output = ()> + Send {
        cx.tell_unhandled(error);
        async {}
    }
}

/// An async queue worker as a struct: [`AsyncWorker`] with an item for each run.
///
/// # Examples
///
/// ```
/// use atasker::{background_worker, AsyncQueueBody, WorkerContext};
///
/// struct Sum(u64);
///
/// impl AsyncQueueBody for Sum {
///     type Item = u64;
///     type Output = ();
///
///     async fn run(&mut self, item: u64, _cx: &WorkerContext) {
///         tokio::task::yield_now().await;
///         self.0 += item;
///     }
///
///     async fn on_stop(&mut self, _cx: &WorkerContext) {
///         assert_eq!(self.0, 55);
///     }
/// }
///
/// let worker = background_worker(Sum(0)).queue().start()?;
/// for item in 1..=10 {
///     worker.put(item)?;
/// }
/// worker.stop();
/// # Ok::<(), atasker::Error>(())
/// ```
pub trait AsyncQueueBody: Send + 'static {
    /// What is put into the queue.
    type Item: Send + 'static;
    /// What a run comes to: `()`, `ControlFlow<()>`, or a `Result` of either.
    type Output: Outcome;

    /// One run, for one item. Never called twice at once. The state survives an `Err`, a panic, and a run that a
    /// [`stop_now`](crate::Supervisor::stop_now) drops at an await.
    fn run(&mut self, item: Self::Item, cx: &WorkerContext) -> impl Future<Output = Self::Output> + Send;

    /// Called once after the start, before the first run, at the worker's priority.
    fn on_start(&mut self, cx: &WorkerContext) -> impl Future<Output = ()> + Send {
        _ = cx;
        async {}
    }

    /// Called once after the last run, if `on_start` was. It runs at once, whatever the load.
    fn on_stop(&mut self, cx: &WorkerContext) -> impl Future<Output = ()> + Send {
        _ = cx;
        async {}
    }

    /// Called after a run that ended with an `Err` or a panic. By default the error is told to `tracing`, or to stderr.
    fn on_error(&mut self, error: &WorkerError, cx: &WorkerContext) -> impl Future<Output = ()> + Send {
        cx.tell_unhandled(error);
        async {}
    }
}

/// A future that is boxed for the time of a slice, or of a hook.
pub(super) type Boxed<'a, R> = Pin<Box<dyn Future<Output = R> + Send + 'a>>;

/// An async body as the worker's core sees it: [`Step`](super::body::Step), with futures.
pub(super) trait AsyncStep: Send {
    /// One run; with a queue, one for each item as long as the turn goes on.
    fn step<'a, 't: 'a>(&'a mut self, cx: &'a mut WorkerContext, turn: &'a mut Turn<'t>) -> Boxed<'a, Stepped>;

    /// Whether it may have something to do at start and stop.
    fn has_hooks(&self) -> bool;

    fn on_start<'a>(&'a mut self, cx: &'a WorkerContext) -> Boxed<'a, ()>;

    fn on_stop<'a>(&'a mut self, cx: &'a WorkerContext) -> Boxed<'a, ()>;

    fn on_error<'a>(&'a mut self, error: &'a WorkerError, cx: &'a WorkerContext) -> Boxed<'a, ()>;
}

/// A body without a queue.
struct Alone<W> {
    body: W,
    has_hooks: bool,
}

/// A body, and its queue.
struct OnQueue<W: AsyncQueueBody> {
    body: W,
    queue: Arc<Mailbox<W::Item>>,
    has_hooks: bool,
}

/// The three hooks of either trait.
macro_rules! hooks {
    () => {
        fn has_hooks(&self) -> bool {
            self.has_hooks
        }

        fn on_start<'a>(&'a mut self, cx: &'a WorkerContext) -> Boxed<'a, ()> {
            Box::pin(self.body.on_start(cx))
        }

        fn on_stop<'a>(&'a mut self, cx: &'a WorkerContext) -> Boxed<'a, ()> {
            Box::pin(self.body.on_stop(cx))
        }

        fn on_error<'a>(&'a mut self, error: &'a WorkerError, cx: &'a WorkerContext) -> Boxed<'a, ()> {
            Box::pin(self.body.on_error(error, cx))
        }
    };
}

impl<W: AsyncWorker> AsyncStep for Alone<W> {
    fn step<'a, 't: 'a>(&'a mut self, cx: &'a mut WorkerContext, _turn: &'a mut Turn<'t>) -> Boxed<'a, Stepped> {
        Box::pin(async move { self.body.run(cx).await.into_flow() })
    }

    hooks!();
}

impl<W: AsyncQueueBody> AsyncStep for OnQueue<W> {
    fn step<'a, 't: 'a>(&'a mut self, cx: &'a mut WorkerContext, turn: &'a mut Turn<'t>) -> Boxed<'a, Stepped> {
        Box::pin(async move {
            while let Some(item) = self.queue.pop() {
                turn.begin(cx, true);
                let flow = self.body.run(item, cx).await.into_flow();
                if !matches!(flow, Ok(ControlFlow::Continue(()))) || !turn.goes_on() {
                    return flow;
                }
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    hooks!();
}

/// A body whose errors go to the builder's hook.
struct Hooked {
    step: Box<dyn AsyncStep>,
    hook: ErrorHook,
}

pub(super) fn hooked(step: Box<dyn AsyncStep>, hook: ErrorHook) -> Box<dyn AsyncStep> {
    Box::new(Hooked { step, hook })
}

impl AsyncStep for Hooked {
    fn step<'a, 't: 'a>(&'a mut self, cx: &'a mut WorkerContext, turn: &'a mut Turn<'t>) -> Boxed<'a, Stepped> {
        self.step.step(cx, turn)
    }

    fn has_hooks(&self) -> bool {
        self.step.has_hooks()
    }

    fn on_start<'a>(&'a mut self, cx: &'a WorkerContext) -> Boxed<'a, ()> {
        self.step.on_start(cx)
    }

    fn on_stop<'a>(&'a mut self, cx: &'a WorkerContext) -> Boxed<'a, ()> {
        self.step.on_stop(cx)
    }

    fn on_error<'a>(&'a mut self, error: &'a WorkerError, _cx: &'a WorkerContext) -> Boxed<'a, ()> {
        Box::pin(async move { (self.hook)(error) })
    }
}

/// The `M` of closures that give futures.
#[doc(hidden)]
#[derive(Debug)]
pub struct ByFuture<M>(PhantomData<M>);

/// The `M` of structs with an async trait.
#[doc(hidden)]
#[derive(Debug)]
pub enum ByAsyncImpl {}

/// A closure that gives futures, and the types that tell its form.
struct Closure<F, M>(F, PhantomData<fn(M)>);

impl<F, R> AsyncWorker for Closure<F, fn() -> R>
where
    F: FnMut() -> R + Send + 'static,
    R: Future<Output: Outcome> + Send + 'static,
{
    type Output = R::Output;

    fn run(&mut self, _cx: &WorkerContext) -> impl Future<Output = R::Output> + Send {
        (self.0)()
    }
}

impl<F, R> AsyncWorker for Closure<F, fn(&WorkerContext) -> R>
where
    F: FnMut(&WorkerContext) -> R + Send + 'static,
    R: Future<Output: Outcome> + Send + 'static,
{
    type Output = R::Output;

    fn run(&mut self, cx: &WorkerContext) -> impl Future<Output = R::Output> + Send {
        (self.0)(cx)
    }
}

impl<F, T, R> AsyncQueueBody for Closure<F, fn(T) -> R>
where
    F: FnMut(T) -> R + Send + 'static,
    T: Send + 'static,
    R: Future<Output: Outcome> + Send + 'static,
{
    type Item = T;
    type Output = R::Output;

    fn run(&mut self, item: T, _cx: &WorkerContext) -> impl Future<Output = R::Output> + Send {
        (self.0)(item)
    }
}

impl<F, T, R> AsyncQueueBody for Closure<F, fn(T, &WorkerContext) -> R>
where
    F: FnMut(T, &WorkerContext) -> R + Send + 'static,
    T: Send + 'static,
    R: Future<Output: Outcome> + Send + 'static,
{
    type Item = T;
    type Output = R::Output;

    fn run(&mut self, item: T, cx: &WorkerContext) -> impl Future<Output = R::Output> + Send {
        (self.0)(item, cx)
    }
}

fn alone<W: AsyncWorker>(body: W, has_hooks: bool) -> BoxedBody {
    BoxedBody(Steps::Async(Box::new(Alone { body, has_hooks })))
}

fn on_queue<W: AsyncQueueBody>(body: W, Queue(queue): Queue<W::Item>, has_hooks: bool) -> BoxedBody {
    BoxedBody(Steps::Async(Box::new(OnQueue { body, queue, has_hooks })))
}

impl<F, R> IntoWorker<ByFuture<fn() -> R>> for F
where
    F: FnMut() -> R + Send + 'static,
    R: Future<Output: Outcome> + Send + 'static,
{
    fn into_body(self) -> BoxedBody {
        alone(Closure::<F, fn() -> R>(self, PhantomData), false)
    }
}

impl<F, R> IntoWorker<ByFuture<fn(&WorkerContext) -> R>> for F
where
    F: FnMut(&WorkerContext) -> R + Send + 'static,
    R: Future<Output: Outcome> + Send + 'static,
{
    fn into_body(self) -> BoxedBody {
        alone(Closure::<F, fn(&WorkerContext) -> R>(self, PhantomData), false)
    }
}

impl<W: AsyncWorker> IntoWorker<ByAsyncImpl> for W {
    fn into_body(self) -> BoxedBody {
        alone(self, true)
    }
}

impl<F, T, R> IntoQueueBody<ByFuture<fn(T) -> R>> for F
where
    F: FnMut(T) -> R + Send + 'static,
    T: Send + 'static,
    R: Future<Output: Outcome> + Send + 'static,
{
    type Item = T;

    fn into_body(self, queue: Queue<T>) -> BoxedBody {
        on_queue(Closure::<F, fn(T) -> R>(self, PhantomData), queue, false)
    }
}

impl<F, T, R> IntoQueueBody<ByFuture<fn(T, &WorkerContext) -> R>> for F
where
    F: FnMut(T, &WorkerContext) -> R + Send + 'static,
    T: Send + 'static,
    R: Future<Output: Outcome> + Send + 'static,
{
    type Item = T;

    fn into_body(self, queue: Queue<T>) -> BoxedBody {
        on_queue(Closure::<F, fn(T, &WorkerContext) -> R>(self, PhantomData), queue, false)
    }
}

impl<W: AsyncQueueBody> IntoQueueBody<ByAsyncImpl> for W {
    type Item = W::Item;

    fn into_body(self, queue: Queue<W::Item>) -> BoxedBody {
        on_queue(self, queue, true)
    }
}

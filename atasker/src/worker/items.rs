//! The bodies of queue workers, and how one works through its items.

use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::body::{BoxedBody, ByImpl, IntoQueueBody, Queue, QueueBody, Step, Stepped, Steps};
use super::context::WorkerContext;
use super::core::Turn;
use super::mailbox::Mailbox;
use super::outcome::{Outcome, WorkerError};

/// A queue body, however it was written.
trait OnItem: Send + 'static {
    type Item: Send + 'static;

    /// Whether it gets to see the context, and may ask when its run began.
    const SEES_CONTEXT: bool = true;

    fn run(&mut self, item: Self::Item, cx: &WorkerContext) -> Stepped;

    fn has_hooks(&self) -> bool {
        false
    }

    fn on_start(&mut self, _cx: &WorkerContext) {}

    fn on_stop(&mut self, _cx: &WorkerContext) {}

    fn on_error(&mut self, error: &WorkerError, cx: &WorkerContext) {
        cx.tell_unhandled(error);
    }
}

/// A queue body, and its queue.
struct OnQueue<B: OnItem> {
    body: B,
    queue: Arc<Mailbox<B::Item>>,
}

impl<B: OnItem> Step for OnQueue<B> {
    fn step(&mut self, cx: &mut WorkerContext, turn: &mut Turn<'_>) -> Stepped {
        while let Some(item) = self.queue.pop() {
            turn.begin(cx, B::SEES_CONTEXT);
            let flow = self.body.run(item, cx);
            if !matches!(flow, Ok(ControlFlow::Continue(()))) || !turn.goes_on() {
                return flow;
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn has_hooks(&self) -> bool {
        self.body.has_hooks()
    }

    fn on_start(&mut self, cx: &WorkerContext) {
        self.body.on_start(cx);
    }

    fn on_stop(&mut self, cx: &WorkerContext) {
        self.body.on_stop(cx);
    }

    fn on_error(&mut self, error: &WorkerError, cx: &WorkerContext) {
        self.body.on_error(error, cx);
    }
}

/// `|item: T|`.
struct Plain<F, T>(F, PhantomData<fn(T)>);

impl<F: FnMut(T) -> O + Send + 'static, T: Send + 'static, O: Outcome> OnItem for Plain<F, T> {
    type Item = T;

    const SEES_CONTEXT: bool = false;

    fn run(&mut self, item: T, _cx: &WorkerContext) -> Stepped {
        (self.0)(item).into_flow()
    }
}

/// `|item: T, cx: &WorkerContext|`.
struct WithContext<F, T>(F, PhantomData<fn(T)>);

impl<F: FnMut(T, &WorkerContext) -> O + Send + 'static, T: Send + 'static, O: Outcome> OnItem for WithContext<F, T> {
    type Item = T;

    fn run(&mut self, item: T, cx: &WorkerContext) -> Stepped {
        (self.0)(item, cx).into_flow()
    }
}

/// A struct with [`QueueBody`].
struct ByTrait<W>(W);

impl<W: QueueBody> OnItem for ByTrait<W> {
    type Item = W::Item;

    fn run(&mut self, item: W::Item, cx: &WorkerContext) -> Stepped {
        self.0.run(item, cx).into_flow()
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

fn boxed<B: OnItem>(body: B, Queue(queue): Queue<B::Item>) -> BoxedBody {
    BoxedBody(Steps::Blocking(Box::new(OnQueue { body, queue })))
}

impl<F, T, O> IntoQueueBody<fn(T) -> O> for F
where
    F: FnMut(T) -> O + Send + 'static,
    T: Send + 'static,
    O: Outcome,
{
    type Item = T;

    fn into_body(self, queue: Queue<T>) -> BoxedBody {
        boxed(Plain(self, PhantomData), queue)
    }
}

impl<F, T, O> IntoQueueBody<fn(T, &WorkerContext) -> O> for F
where
    F: FnMut(T, &WorkerContext) -> O + Send + 'static,
    T: Send + 'static,
    O: Outcome,
{
    type Item = T;

    fn into_body(self, queue: Queue<T>) -> BoxedBody {
        boxed(WithContext(self, PhantomData), queue)
    }
}

impl<W: QueueBody> IntoQueueBody<ByImpl> for W {
    type Item = W::Item;

    fn into_body(self, queue: Queue<W::Item>) -> BoxedBody {
        boxed(ByTrait(self), queue)
    }
}

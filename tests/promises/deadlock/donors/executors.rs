//! Bodies that block on handles by somebody else's executor.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::task::Poll;
use std::thread;

use atasker::{QueueWorker, Supervisor, background_worker};

use super::{by_async, most_active};
use crate::support::{in_time, next, pool, start};

/// An executor that refuses to be entered on top of itself, as those of `futures` do.
mod guarded {
    use std::cell::Cell;
    use std::future::Future;
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Poll, Wake};
    use std::thread::{self, Thread};

    std::thread_local! {
        static ENTERED: Cell<bool> = const { Cell::new(false) };
    }

    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    pub(super) fn block_on<F: Future>(future: F) -> F::Output {
        assert!(!ENTERED.replace(true), "an executor inside an executor");
        let waker = Arc::new(Unpark(thread::current())).into();
        let mut future = pin!(future);
        let output = loop {
            match future.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(output) => break output,
                Poll::Pending => thread::park(),
            }
        };
        ENTERED.set(false);
        output
    }
}

#[test]
fn a_poll_inside_another_executor_never_runs_a_body_inside_it() {
    in_time(|| {
        for places in [1, 4] {
            let s = pool(places);
            let tasks: Vec<_> = (0..200_u32)
                .map(|n| {
                    let inner = s.clone();
                    start(&s, move || {
                        let task = start(&inner, move || guarded::block_on(async { n }));
                        guarded::block_on(task).unwrap()
                    })
                })
                .collect();
            let sum: u32 = tasks.into_iter().map(|task| task.wait().unwrap()).sum();
            assert_eq!(sum, (0..200).sum());
            s.stop();
            assert_eq!((s.info().totals.panicked, most_active(&s)), (0, most_active(&s).min(places)));
        }
    });
}

/// Neither a put nor a way over an async task does, and nothing hangs in the only place.
#[test]
fn another_executor_gets_what_it_waits_for_in_the_only_place() {
    in_time(|| {
        let s = pool(1);
        let queue = background_worker(|_: u32| guarded::block_on(async {})).queue_bounded(1).supervisor(&s);
        let (queue, inner) = (queue.start().unwrap(), s.clone());
        let putter = queue.clone();
        let outer = start(&s, move || {
            guarded::block_on(async move {
                for n in 0..20 {
                    putter.put_async(n).await.unwrap();
                }
                by_async(&inner).await.unwrap()
            })
        });
        assert_eq!(outer.wait().unwrap(), 42);
        queue.stop();
        assert_eq!((queue.info().runs, queue.info().panics), (20, 0));
    });
}

/// A thousand tasks awaited at once by such an executor are run one by one in the body's place, and not on as many threads.
#[test]
fn what_another_executor_awaits_has_one_place_for_all() {
    in_time(|| {
        let s = pool(1);
        let inner = s.clone();
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let seen = Arc::clone(&most);
        let outer = start(&s, move || {
            let mut tasks: Vec<_> = (0..1_000)
                .map(|_| {
                    let (running, most) = (Arc::clone(&running), Arc::clone(&most));
                    start(&inner, move || {
                        most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        thread::yield_now();
                        running.fetch_sub(1, Ordering::SeqCst);
                    })
                })
                .collect();
            guarded::block_on(std::future::poll_fn(|cx| {
                tasks.retain_mut(|task| Pin::new(task).poll(cx).is_pending());
                if tasks.is_empty() { Poll::Ready(()) } else { Poll::Pending }
            }));
        });
        outer.wait().unwrap();
        assert_eq!(seen.load(Ordering::SeqCst), 1);
        assert!(s.info().totals.largest_threads <= 3);
    });
}

/// The way leads over a body that waits by another library's executor.
#[test]
fn who_waits_by_another_executor_is_known_to_wait() {
    in_time(|| {
        let (a, b) = (pool(1), pool(1));
        let (to_a, to_b) = (a.clone(), b.clone());
        let outer = start(&b, move || {
            start(&to_a, move || futures_executor::block_on(start(&to_b, || 7)).unwrap()).wait().unwrap()
        });
        assert_eq!(outer.wait().unwrap(), 7);
        // And through places: each of the two holds what the other waits for.
        let all = Arc::new(Barrier::new(2));
        let call = |from: &Supervisor, to: &Supervisor| {
            let (to, all) = (to.clone(), Arc::clone(&all));
            start(from, move || {
                all.wait();
                futures_executor::block_on(start(&to, || 1)).unwrap()
            })
        };
        let (one, other) = (call(&a, &b), call(&b, &a));
        assert_eq!(one.wait().unwrap() + other.wait().unwrap(), 2);
    });
}

/// What runs in its place waits for it, and it waits for something else meanwhile, which stands behind in the queue.
#[test]
fn the_place_goes_to_what_is_next_where_all_in_it_wait() {
    in_time(|| {
        let s = pool(1);
        let ((to_itself, itself), (tell, told)) = (mpsc::channel::<QueueWorker<u32>>(), mpsc::channel());
        let (inner, itself) = (s.clone(), Mutex::new(itself));
        let worker = background_worker(move |item: u32| {
            let own = next(&itself.lock().unwrap());
            let waits_for_us = start(&inner, move || own.stop());
            let next = start(&inner, move || item + 1);
            let mut both = (waits_for_us, next);
            let result = guarded::block_on(std::future::poll_fn(|cx| {
                assert!(Pin::new(&mut both.0).poll(cx).is_pending());
                Pin::new(&mut both.1).poll(cx)
            }));
            tell.send(result.unwrap()).unwrap();
        });
        let worker = worker.queue().supervisor(&s).start().unwrap();
        worker.put(1).unwrap();
        to_itself.send(worker.clone()).unwrap();
        assert_eq!(next(&told), 2);
        worker.stop();
        assert_eq!((worker.info().runs, worker.info().panics), (1, 0));
    });
}

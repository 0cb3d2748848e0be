//! What is waited for may use the waiter's place, however long the way from the one to the other: no chain of waits stops for
//! want of places.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

use atasker::__private::Static;
use atasker::{
    CancelOutcome, Config, LaneConfig, QueueWorker, Supervisor, Task, TaskError, background_future, background_task,
    background_worker,
};

use crate::support::{PATIENCE, Tested, clocked_pool, in_time, next, pool, start, supervisor};

/// An async task that starts a task and awaits it.
fn by_async(s: &Supervisor) -> Task<u32> {
    let inner = s.clone();
    background_future(async move { start(&inner, || 21).await.unwrap() * 2 }).supervisor(s).start()
}

fn most_active(s: &Supervisor) -> usize {
    s.info().totals.largest_active
}

#[test]
fn a_body_waits_for_an_async_task_that_awaits_a_task_in_the_only_place() {
    in_time(|| {
        let s = pool(1);
        let inner = s.clone();
        assert_eq!(start(&s, move || by_async(&inner).wait().unwrap()).wait().unwrap(), 42);
        s.stop();
        assert_eq!(most_active(&s), 1);
    });
}

/// As many as the places, all at once, and more behind them.
#[test]
fn bodies_that_fill_all_places_wait_for_async_tasks_that_await_tasks() {
    in_time(|| {
        let s = supervisor(Config::new());
        let places = s.config().get_pool_size() + s.config().get_reserve_normal();
        let all = Arc::new(Barrier::new(places));
        let tasks: Vec<_> = (0..5 * places)
            .map(|number| {
                let (inner, all) = (s.clone(), Arc::clone(&all));
                start(&s, move || {
                    if number < places {
                        all.wait();
                    }
                    by_async(&inner).wait().unwrap()
                })
            })
            .collect();
        assert!(tasks.into_iter().all(|task| task.wait().unwrap() == 42));
        s.stop();
        assert!(most_active(&s) <= places);
    });
}

/// One async body waits for the next, and the last for tasks.
#[test]
fn a_long_way_over_async_tasks_comes_to_its_tasks() {
    fn far(s: Supervisor, way: u32) -> std::pin::Pin<Box<dyn Future<Output = u32> + Send>> {
        Box::pin(async move {
            if way == 0 {
                let (first, second) = (start(&s, || 1), start(&s, || 2));
                return second.await.unwrap() + first.await.unwrap();
            }
            background_future(far(s.clone(), way - 1)).supervisor(&s).start().await.unwrap() + 1
        })
    }
    in_time(|| {
        let s = pool(1);
        let inner = s.clone();
        let body = move || background_future(far(inner.clone(), 50)).supervisor(&inner).start().wait().unwrap();
        assert_eq!(start(&s, body).wait().unwrap(), 53);
    });
}

#[test]
fn the_way_leads_through_another_supervisor_and_back() {
    in_time(|| {
        let (here, there) = (pool(1), pool(1));
        let (inner, other) = (here.clone(), there.clone());
        let outer = start(&here, move || {
            let back = inner.clone();
            let own = thread::current().id();
            let there = start(&other, move || start(&back, || thread::current().id()).wait().unwrap());
            there.wait().unwrap() == own
        });
        assert!(outer.wait().unwrap(), "in the waiter's place");
        assert_eq!((most_active(&here), most_active(&there)), (1, 1));
    });
}

#[test]
fn a_pending_body_lends_its_place_on_a_lane_with_limits() {
    in_time(|| {
        let s = pool(1);
        let lane = s.lane("io", LaneConfig::new().threads(1).pool_size(1)).unwrap();
        let inner = lane.clone();
        let outer = lane.start(async move {
            let tasks: Vec<_> = (0..100).map(|number| inner.start(async move { number })).collect();
            let mut sum = 0;
            for task in tasks.into_iter().rev() {
                sum += task.await.unwrap();
            }
            (sum, inner.info().active.total())
        });
        assert_eq!(outer.wait().unwrap(), (4950, 1));
    });
}

/// Each body is the guest of the one before it, and a stranger that waits in between is not.
#[test]
fn guests_have_guests_and_no_stranger_is_one() {
    fn chain(lane: atasker::Lane, length: u32) -> std::pin::Pin<Box<dyn Future<Output = u32> + Send>> {
        Box::pin(async move {
            if length == 0 {
                return 0;
            }
            lane.start(chain(lane.clone(), length - 1)).await.unwrap() + 1
        })
    }
    in_time(|| {
        let s = pool(1);
        let lane = s.lane("io", LaneConfig::new().threads(2).pool_size(1)).unwrap();
        let inner = lane.clone();
        let outer = lane.start(async move {
            let stranger = inner.start(async {});
            (chain(inner, 200).await, stranger.is_finished(), stranger)
        });
        let (length, stranger_ran, stranger) = outer.wait().unwrap();
        assert_eq!((length, stranger_ran), (200, false));
        stranger.wait().unwrap();
        let info = lane.info();
        assert_eq!((info.active.total(), info.queued.total(), info.totals.completed), (0, 0, 202));
    });
}

/// The waiting body is on the lane, and between it and the other is a body on a pool thread.
#[test]
fn the_way_from_a_lane_leads_over_a_pool_thread_and_back() {
    in_time(|| {
        let s = pool(1);
        let lane = s.lane("io", LaneConfig::new().threads(1).pool_size(1)).unwrap();
        let (inner, supervisor) = (lane.clone(), s.clone());
        let outer = lane.start(async move { start(&supervisor, move || inner.start(async { 5 }).wait()).await });
        assert_eq!(outer.wait().unwrap().unwrap().unwrap(), 5);
    });
}

#[test]
fn a_host_that_ends_first_leaves_its_place_to_its_guest() {
    in_time(|| {
        let s = pool(1);
        let lane = s.lane("io", LaneConfig::new().threads(1).pool_size(1)).unwrap();
        let (open, opened) = tokio::sync::oneshot::channel::<()>();
        let inner = lane.clone();
        let host = lane.start(async move {
            let mut guest = inner.start(async move { drop(opened.await) });
            // Looked at until it has begun, and then left alone.
            std::future::poll_fn(|cx| match (std::pin::Pin::new(&mut guest).poll(cx), guest.status()) {
                (_, atasker::TaskStatus::Running) => std::task::Poll::Ready(()),
                _ => {
                    cx.waker().wake_by_ref();
                    std::task::Poll::Pending
                }
            })
            .await;
            guest
        });
        let guest = host.wait().unwrap();
        let stranger = lane.start(async {});
        assert_eq!((lane.info().active.total(), lane.info().queued.total()), (1, 1));
        open.send(()).unwrap();
        guest.wait().unwrap();
        stranger.wait().unwrap();
    });
}

#[test]
fn a_pending_body_becomes_a_host_where_its_lane_gets_limits() {
    in_time(|| {
        let s = pool(1);
        let lane = s.lane("io", LaneConfig::new().threads(1)).unwrap();
        let (inner, supervisor) = (lane.clone(), s.clone());
        let (tell, told) = mpsc::channel();
        let outer = lane.start(async move {
            let later =
                background_future(async { 5 }).delay(Duration::from_millis(50)).supervisor(&supervisor).lane("io");
            let later = later.start();
            tell.send(()).unwrap();
            drop(inner);
            later.await.unwrap()
        });
        next(&told);
        lane.set_config(LaneConfig::new().threads(1).pool_size(1)).unwrap();
        assert_eq!(outer.wait().unwrap(), 5);
    });
}

/// The queue's consumer is an async one, and awaits a task.
#[test]
fn a_put_to_a_full_async_queue_runs_what_its_consumer_awaits() {
    in_time(|| {
        let s = pool(1);
        let inner = s.clone();
        let consumer = background_worker(move |n: u32| {
            let s = inner.clone();
            async move { assert_eq!(start(&s, move || n).await.unwrap(), n) }
        });
        let queue = consumer.queue_bounded(1).supervisor(&s).start().unwrap();
        let putter = queue.clone();
        start(&s, move || (0..50).for_each(|n| putter.put(n).unwrap())).wait().unwrap();
        queue.stop();
        let info = queue.info();
        assert_eq!((info.runs, info.panics, most_active(&s)), (50, 0, 1));
    });
}

/// A body waits for an async task, which puts to the full queue of a worker, which has no place.
#[test]
fn the_way_leads_over_a_put_to_a_queue_that_waits_for_a_place() {
    in_time(|| {
        let s = pool(1);
        let sum = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&sum);
        let worker = background_worker(move |n: usize| _ = seen.fetch_add(n, Ordering::SeqCst));
        let queue = worker.queue_bounded(1).supervisor(&s).start().unwrap();
        let (inner, putter) = (s.clone(), queue.clone());
        start(&s, move || {
            let puts = async move {
                for n in 1..=20 {
                    putter.put_async(n).await.unwrap();
                }
            };
            background_future(puts).supervisor(&inner).start().wait().unwrap();
        })
        .wait()
        .unwrap();
        queue.stop();
        assert_eq!((sum.load(Ordering::SeqCst), most_active(&s)), (210, 1));
    });
}

#[test]
fn a_stop_of_a_worker_runs_what_its_body_waits_for() {
    in_time(|| {
        let s = pool(1);
        let (inner, (tell, told)) = (s.clone(), mpsc::channel());
        let worker = background_worker(move || {
            let (s, tell) = (inner.clone(), tell.clone());
            async move {
                tell.send(()).unwrap();
                start(&s, || ()).await.unwrap();
            }
        });
        let worker = worker.event().supervisor(&s).start().unwrap();
        let inner = worker.clone();
        start(&s, move || {
            inner.trigger();
            next(&told);
            inner.stop();
            assert!(!inner.is_running());
        })
        .wait()
        .unwrap();
    });
}

#[test]
fn an_async_stop_of_a_worker_leads_on_too() {
    in_time(|| {
        let s = pool(1);
        let queue: QueueWorker<u32> = background_worker(|_: u32| ()).queue().supervisor(&s).start().unwrap();
        let inner = s.clone();
        start(&s, move || {
            queue.put(1).unwrap();
            background_future(async move { queue.stop_async().await }).supervisor(&inner).start().wait().unwrap();
        })
        .wait()
        .unwrap();
    });
}

/// The lane belongs to another supervisor, since a stop of one's own only asks.
#[test]
fn a_stop_of_a_lane_runs_what_its_bodies_await() {
    in_time(|| {
        let (here, there) = (pool(1), pool(1));
        let lane = there.lane("io", LaneConfig::new().threads(1)).unwrap();
        let inner = here.clone();
        start(&here, move || {
            let back = inner.clone();
            let body = lane.start(async move { start(&back, || 5).await.unwrap() });
            assert!(lane.stop().complete);
            assert_eq!(body.wait().unwrap(), 5);
        })
        .wait()
        .unwrap();
    });
}

#[test]
fn block_on_in_a_body_runs_what_its_future_awaits() {
    in_time(|| {
        let s = pool(1);
        let inner = s.clone();
        let lane = s.lane("io", LaneConfig::new().threads(1)).unwrap();
        let outer = start(&s, move || {
            let own = thread::current().id();
            let here = lane
                .block_on(async {
                    let (first, second) = (start(&inner, || thread::current().id()), by_async(&inner));
                    (first.await.unwrap(), second.await.unwrap())
                })
                .unwrap();
            here == (own, 42)
        });
        assert!(outer.wait().unwrap());
        assert_eq!(most_active(&s), 1);
    });
}

#[test]
fn a_delayed_task_on_the_way_is_run_when_it_is_due() {
    in_time(|| {
        let s = pool(1);
        let inner = s.clone();
        let outer = start(&s, move || {
            let own = thread::current().id();
            let back = inner.clone();
            let awaits = async move {
                let delayed = background_task(|| thread::current().id()).delay(Duration::from_millis(20));
                delayed.supervisor(&back).start().await.unwrap()
            };
            background_future(awaits).supervisor(&inner).start().wait().unwrap() == own
        });
        assert!(outer.wait().unwrap(), "in the waiter's place");
    });
}

/// Whichever is first, the task ends one way and the counts agree.
#[test]
fn donors_pool_threads_and_cancellations_race_for_one_claim() {
    in_time(|| {
        let s = pool(3);
        let ran = Arc::new(AtomicUsize::new(0));
        let (mut dequeued, rounds) = (0, 300);
        for _ in 0..rounds {
            let (inner, count) = (s.clone(), Arc::clone(&ran));
            let (give, given) = mpsc::channel();
            let awaits = async move {
                let task = start(&inner, move || _ = count.fetch_add(1, Ordering::SeqCst));
                let shared = Arc::new(task);
                give.send(Arc::clone(&shared)).unwrap();
                loop {
                    if shared.is_finished() {
                        return;
                    }
                    tokio::task::yield_now().await;
                }
            };
            let looker = background_future(awaits).supervisor(&s).start();
            let donor = start(&s, move || looker.wait().unwrap());
            let task: Arc<Task<()>> = next(&given);
            dequeued += usize::from(task.cancel() == CancelOutcome::Dequeued);
            donor.wait().unwrap();
        }
        s.stop();
        assert_eq!(ran.load(Ordering::SeqCst) + dequeued, rounds);
    });
}

#[test]
fn a_cancelled_task_on_the_way_ends_the_wait() {
    in_time(|| {
        let (s, _clock) = clocked_pool(1);
        let (inner, (give, given)) = (s.clone(), mpsc::channel());
        let outer = start(&s, move || {
            let back = inner.clone();
            let awaits = async move {
                let never = background_future(std::future::pending::<()>()).supervisor(&back).start();
                let never = Arc::new(std::sync::Mutex::new(never));
                give.send(Arc::clone(&never)).unwrap();
                std::future::poll_fn(|cx| std::pin::Pin::new(&mut *never.lock().unwrap()).poll(cx)).await
            };
            background_future(awaits).supervisor(&inner).start().wait().unwrap()
        });
        assert_eq!(next(&given).lock().unwrap().cancel(), CancelOutcome::Requested);
        assert!(matches!(outer.wait().unwrap(), Err(TaskError::Cancelled)));
    });
}

/// Of all that waits, only what the wait leads to.
#[test]
fn no_stranger_is_run_in_the_waiter_s_place() {
    in_time(|| {
        let s = pool(1);
        let inner = s.clone();
        let outer = start(&s, move || {
            let strangers: Vec<_> = (0..20).map(|_| start(&inner, || ())).collect();
            let sum = by_async(&inner).wait().unwrap();
            (sum, strangers.iter().filter(|stranger| stranger.is_finished()).count(), strangers)
        });
        let (sum, ran, strangers) = outer.wait().unwrap();
        assert_eq!((sum, ran), (42, 0));
        strangers.into_iter().for_each(|stranger| stranger.wait().unwrap());
    });
}

/// Row by row: a put waits in a full pool, the worker stops and starts anew, and what runs its queue then has another life.
#[test]
fn a_put_that_waits_through_a_restart_runs_the_new_life_or_comes_back() {
    in_time(|| {
        for _ in 0..200 {
            let s = pool(1);
            let worker: Static<QueueWorker<u32>> = Static::new("worker");
            let begin = || worker.start(background_worker(|_: u32| ()).queue_bounded(1).supervisor(&s));
            begin().unwrap();
            let queue = worker.handle();
            queue.pause();
            queue.put(0).unwrap();
            let (putter, (tell, told)) = (queue.clone(), mpsc::channel());
            let put = start(&s, move || {
                tell.send(()).unwrap();
                putter.put(1)
            });
            next(&told);
            // The only place is taken, so the worker ends and begins anew beside it; and its queue is full again before the
            // putter looks, or after.
            queue.request_stop();
            while let Err(error) = begin() {
                assert!(matches!(error, atasker::Error::AlreadyRunning), "{error}");
                thread::yield_now();
            }
            _ = queue.try_put(2);
            assert!(matches!(put.wait().unwrap(), Ok(()) | Err(atasker::PutError::NotRunning(1))));
        }
    });
}

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
                tasks.retain_mut(|task| std::pin::Pin::new(task).poll(cx).is_pending());
                if tasks.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
            }));
        });
        outer.wait().unwrap();
        assert_eq!(seen.load(Ordering::SeqCst), 1);
        assert!(s.info().totals.largest_threads <= 3);
    });
}

/// A thousand workers, each of which fills the queue of the next, and stacks of every size.
fn chain_of_queues(s: &Tested, length: usize) {
    let (tell, told) = mpsc::channel();
    let last = background_worker(move |n: u32| tell.send(n).unwrap());
    let mut queue: QueueWorker<u32> = last.queue_bounded(1).supervisor(s).start().unwrap();
    for _ in 0..length {
        let to = queue;
        let mut first = true;
        let worker = background_worker(move |_: u32| {
            if std::mem::take(&mut first) {
                (0..3).for_each(|n| to.put(n).unwrap());
            }
        });
        queue = worker.queue_bounded(1).supervisor(s).start().unwrap();
    }
    queue.put(0).unwrap();
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), 0);
}

#[test]
fn a_chain_of_full_queues_never_overflows_a_stack() {
    let test = "deadlock::donors::a_chain_of_full_queues_never_overflows_a_stack";
    if !crate::support::in_limited_child() {
        crate::support::child_ends_with(test, 0);
        return;
    }
    let narrow = Config::new().pool_size(1).reserve_normal(0).reserve_high(0);
    for (stack, nesting) in
        [(64, 64), (64, 10_000), (128, 10_000), (256, 64), (512, 10_000), (2048, 10_000), (8192, 10_000)]
    {
        let s = supervisor(narrow.clone().stack_size(stack << 10).max_nesting(nesting));
        chain_of_queues(&s, 1_000);
    }
}

#[test]
fn every_legal_nesting_holds_in_every_stack() {
    fn chain(s: Supervisor, length: u32) -> u32 {
        if length == 0 {
            return 0;
        }
        let inner = s.clone();
        start(&s, move || chain(inner, length - 1)).wait().unwrap() + 1
    }
    /// The same, each time by way of an async task.
    fn detour(s: Supervisor, length: u32) -> u32 {
        if length == 0 {
            return 0;
        }
        let inner = s.clone();
        let way = async move {
            let deeper = inner.clone();
            start(&inner, move || detour(deeper, length - 1)).await.unwrap()
        };
        background_future(way).supervisor(&s).start().wait().unwrap() + 1
    }
    let test = "deadlock::donors::every_legal_nesting_holds_in_every_stack";
    if !crate::support::in_limited_child() {
        crate::support::child_ends_with(test, 0);
        return;
    }
    let narrow = Config::new().pool_size(1).reserve_normal(0).reserve_high(0);
    for stack in [64, 96, 128, 256, 1024, 2048, 8192] {
        let s = supervisor(narrow.clone().stack_size(stack << 10).max_nesting(10_000));
        for way in [chain, detour] {
            let inner = s.clone();
            assert_eq!(start(&s, move || way(inner, 1_000)).wait().unwrap(), 1_000, "{stack} KiB");
        }
    }
}

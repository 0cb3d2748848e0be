//! What is waited for may use the waiter's place, however long the way from the one to the other: no chain of waits stops for
//! want of places.

mod executors;
mod lanes;
mod places;
mod stacks;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

use atasker::__private::Static;
use atasker::{
    CancelOutcome, Config, QueueWorker, Supervisor, Task, TaskError, background_future, background_task,
    background_worker,
};

use crate::support::{clocked_pool, in_time, next, pool, start, supervisor};

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
        // Waiting for a thread of its lane, or run by one: it ends by that either way.
        assert_ne!(next(&given).lock().unwrap().cancel(), CancelOutcome::TooLate);
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

//! Puts from many threads against stops: each item is delivered or comes back, and the sums are exact.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};

use atasker::{Error, Priority, PutError, QueueWorker, background_worker};

use crate::support::{Tested, pool};

/// How one putter puts.
type Put = fn(&QueueWorker<u64>, u64) -> Result<(), PutError<u64>>;

const PUTS: [Put; 3] = [
    |worker, item| worker.put(item),
    |worker, item| worker.try_put(item),
    |worker, item| worker.put_timeout(item, std::time::Duration::from_micros(50)),
];

/// The sum of what the body got, and the worker.
fn summing(s: &Tested, capacity: Option<usize>) -> (Arc<AtomicU64>, QueueWorker<u64>) {
    let sum = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&sum);
    let builder = background_worker(move |item: u64| _ = counter.fetch_add(item, Ordering::Relaxed));
    let worker = match capacity {
        None => builder.queue().supervisor(s).start(),
        Some(capacity) => builder.queue_bounded(capacity).supervisor(s).start(),
    };
    (sum, worker.unwrap())
}

/// Six threads put until they are refused, while `stop` stops. Gives the sum of what was taken.
fn put_against(worker: &QueueWorker<u64>, stop: impl FnOnce()) -> u64 {
    let barrier = Barrier::new(PUTS.len() * 2 + 1);
    std::thread::scope(|scope| {
        let putters: Vec<_> = (0..PUTS.len() * 2)
            .map(|putter| {
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    let mut taken = 0;
                    for item in 1.. {
                        let item = item * 16 + putter as u64;
                        match PUTS[putter % PUTS.len()](worker, item) {
                            Ok(()) => taken += item,
                            Err(PutError::Full(back)) => assert_eq!(back, item),
                            Err(PutError::NotRunning(back)) => {
                                assert_eq!(back, item, "the very item comes back");
                                return taken;
                            }
                            Err(other) => panic!("{other}"),
                        }
                    }
                    taken
                })
            })
            .collect();
        barrier.wait();
        stop();
        putters.into_iter().map(|putter| putter.join().unwrap()).sum()
    })
}

#[test]
fn a_put_racing_with_a_stop_is_delivered_or_given_back() {
    for capacity in [None, Some(1), Some(7)] {
        let s = pool(2);
        for _ in 0..100 {
            let (sum, worker) = summing(&s, capacity);
            let taken = put_against(&worker, || worker.stop());
            assert_eq!(sum.load(Ordering::Relaxed), taken);
            assert_eq!((worker.info().discarded, worker.len()), (0, 0));
        }
    }
}

#[test]
fn a_put_racing_with_the_supervisors_stop_is_delivered_or_given_back() {
    for capacity in [None, Some(3)] {
        for _ in 0..50 {
            let s = pool(2);
            let (sum, worker) = summing(&s, capacity);
            let taken = put_against(&worker, || assert!(s.stop().complete));
            assert_eq!(sum.load(Ordering::Relaxed), taken);
        }
    }
}

/// What is discarded has a count; with items of 1 each, the sum is exact.
#[test]
fn a_put_racing_with_stop_now_is_delivered_discarded_or_given_back() {
    for capacity in [None, Some(3)] {
        for _ in 0..50 {
            let s = pool(2);
            let (sum, worker) = summing(&s, capacity);
            let (putters, taken) = (4, AtomicU64::new(0));
            let barrier = Barrier::new(putters + 1);
            let report = std::thread::scope(|scope| {
                for _ in 0..putters {
                    scope.spawn(|| {
                        barrier.wait();
                        while worker.put(1).is_ok() {
                            taken.fetch_add(1, Ordering::Relaxed);
                        }
                    });
                }
                barrier.wait();
                s.stop_now()
            });
            assert_eq!(sum.load(Ordering::Relaxed) + report.discarded, taken.load(Ordering::Relaxed));
            assert_eq!(worker.info().discarded, report.discarded);
        }
    }
}

/// A worker that ends itself by `Break`, while others put.
#[test]
fn a_put_racing_with_a_break_is_delivered_discarded_or_given_back() {
    let s = pool(2);
    for _ in 0..100 {
        let mut left = 100_u64;
        let body = move |_: u64| {
            left -= 1;
            if left == 0 { std::ops::ControlFlow::Break(()) } else { std::ops::ControlFlow::Continue(()) }
        };
        let worker = background_worker(body).queue_bounded(16).supervisor(&s).start().unwrap();
        let taken: u64 = std::thread::scope(|scope| {
            let putters: Vec<_> = (0..3)
                .map(|_| scope.spawn(|| (0..).take_while(|&n: &u64| worker.put(n).is_ok()).count() as u64))
                .collect();
            putters.into_iter().map(|putter| putter.join().unwrap()).sum()
        });
        worker.stop();
        let info = worker.info();
        assert_eq!((info.runs, info.runs + info.discarded), (100, taken));
    }
}

/// At pool size 1, with putters inside the pool that must run the consumer themselves.
#[test]
fn puts_from_the_pool_racing_with_a_stop_end() {
    let s = pool(1);
    for _ in 0..200 {
        let (sum, worker) = summing(&s, Some(1));
        let putters: Vec<_> = (0..3)
            .map(|_| {
                let worker = worker.clone();
                let put = move || (0..50).filter(|_| worker.put(1).is_ok()).count() as u64;
                atasker::background_task(put).priority(Priority::High).supervisor(&s).start()
            })
            .collect();
        worker.stop();
        let taken: u64 = putters.into_iter().map(|task| task.wait().unwrap()).sum();
        assert_eq!(sum.load(Ordering::Relaxed), taken);
    }
}

#[test]
fn items_of_many_putters_arrive_in_the_order_of_each() {
    let s = pool(3);
    let mut last = [0_u64; 4];
    let body = move |(putter, number): (usize, u64)| {
        let in_order = std::mem::replace(&mut last[putter], number) + 1 == number;
        if in_order { Ok(()) } else { Err("out of order") }
    };
    let worker = background_worker(body).queue_bounded(5).on_error(|_| ()).supervisor(&s).start().unwrap();
    std::thread::scope(|scope| {
        for putter in 0..4 {
            let worker = &worker;
            scope.spawn(move || (1..=2000).for_each(|number| worker.put((putter, number)).unwrap()));
        }
    });
    worker.stop();
    assert_eq!((worker.info().runs, worker.info().errors), (8000, 0));
    assert!(matches!(worker.put((0, 0)).map_err(Error::from), Err(Error::NotRunning)));
}

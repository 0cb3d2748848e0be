//! Puts to a full queue: who waits, who doesn't, and who runs the consumer himself.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Wake, Waker};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use atasker::{Priority, PutError, QueueWorker, WorkerContext, background_task, background_worker};

use super::telling;
use crate::support::{Gate, eventually, in_time, next, pool, returns};

const LONG: Duration = Duration::from_secs(3600);

/// Puts on a thread of its own; gives what it comes to.
fn put_elsewhere(worker: &QueueWorker<u32>, item: u32) -> mpsc::Receiver<Result<(), PutError<u32>>> {
    let (putter, (tell, told)) = (worker.clone(), mpsc::channel());
    std::thread::spawn(move || tell.send(putter.put(item)).unwrap());
    told
}

#[test]
fn a_put_waits_for_room() {
    let s = pool(1);
    let (gate, _full) = s.occupy(1, Priority::Normal);
    let (worker, told) = telling(&s, 1);
    worker.put(1).unwrap();
    let put = put_elsewhere(&worker, 2);
    assert!(put.recv_timeout(Duration::from_millis(20)).is_err(), "there is no room");
    assert_eq!(worker.len(), 1);
    gate.open();
    assert_eq!(next(&put), Ok(()));
    assert_eq!([next(&told), next(&told)], [1, 2]);
    worker.stop();
}

#[test]
fn a_put_that_waits_gets_its_item_back_when_the_worker_stops() {
    let s = pool(1);
    let (gate, _full) = s.occupy(1, Priority::Normal);
    let (worker, told) = telling(&s, 1);
    worker.put(1).unwrap();
    let puts: Vec<_> = (2..6).map(|item| put_elsewhere(&worker, item)).collect();
    assert!(puts.iter().all(|put| put.try_recv().is_err()));
    worker.request_stop();
    for (put, item) in puts.iter().zip(2..) {
        assert_eq!(next(put), Err(PutError::NotRunning(item)));
    }
    gate.open();
    worker.stop();
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [1]);
}

#[test]
fn a_put_that_waits_gets_its_item_back_when_the_supervisor_stops() {
    let s = pool(1);
    let (gate, _full) = s.occupy(1, Priority::Normal);
    let (worker, told) = telling(&s, 1);
    worker.put(1).unwrap();
    let put = put_elsewhere(&worker, 2);
    let stopper = atasker::Supervisor::clone(&s);
    let stop = std::thread::spawn(move || stopper.stop());
    assert_eq!(next(&put), Err(PutError::NotRunning(2)));
    gate.open();
    stop.join().unwrap();
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [1]);
}

#[test]
fn put_timeout_waits_so_long_and_no_longer() {
    let s = pool(1);
    let (gate, _full) = s.occupy(1, Priority::Normal);
    let (worker, told) = telling(&s, 1);
    worker.put(1).unwrap();
    let (start, timeout) = (Instant::now(), Duration::from_millis(10));
    assert_eq!(worker.put_timeout(2, timeout), Err(PutError::Full(2)));
    assert!(start.elapsed() >= timeout);
    assert_eq!(worker.put_timeout(3, Duration::ZERO), Err(PutError::Full(3)));
    let (putter, (tell, put)) = (worker.clone(), mpsc::channel());
    std::thread::spawn(move || tell.send(putter.put_timeout(4, Duration::MAX)).unwrap());
    gate.open();
    assert_eq!(next(&put), Ok(()));
    assert_eq!([next(&told), next(&told)], [1, 4]);
    worker.stop();
}

/// The one whose time has run out passes the wake-up on that was meant for somebody.
#[test]
fn puts_that_time_out_take_no_room_from_those_that_wait() {
    let s = pool(2);
    for _ in 0..200 {
        let (gate, _full) = s.occupy(2, Priority::Normal);
        let (worker, told) = telling(&s, 1);
        worker.put(0).unwrap();
        let hasty: Vec<_> = (0..3)
            .map(|_| {
                let putter = worker.clone();
                std::thread::spawn(move || putter.put_timeout(1, Duration::from_micros(200)).is_ok())
            })
            .collect();
        let patient = put_elsewhere(&worker, 2);
        gate.open();
        assert_eq!(next(&patient), Ok(()));
        let in_time = hasty.into_iter().map(|thread| usize::from(thread.join().unwrap())).sum::<usize>();
        worker.stop();
        assert_eq!(told.try_iter().count(), 2 + in_time);
    }
}

#[test]
fn a_put_in_the_consumers_own_body_to_its_full_queue_is_full() {
    let s = pool(2);
    let (send, handle) = mpsc::channel::<QueueWorker<u32>>();
    let (tell, told) = mpsc::channel();
    let mut own = None;
    let body = move |item: u32| {
        let own = own.get_or_insert_with(|| next(&handle));
        if item == 0 {
            let first = own.put(1);
            tell.send((first, own.put(2), own.put_timeout(3, LONG))).unwrap();
        }
    };
    let worker = background_worker(body).queue_bounded(1).supervisor(&s).start().unwrap();
    send.send(worker.clone()).unwrap();
    worker.put(0).unwrap();
    assert_eq!(next(&told), (Ok(()), Err(PutError::Full(2)), Err(PutError::Full(3))));
    worker.stop();
    assert_eq!(worker.info().runs, 2);
}

#[test]
fn a_put_from_a_full_pool_runs_the_consumer_itself() {
    let s = pool(1);
    let (tell, told) = mpsc::channel::<(u32, ThreadId)>();
    let body = move |item: u32| tell.send((item, std::thread::current().id())).unwrap();
    let worker = background_worker(body).queue_bounded(1).supervisor(&s).start().unwrap();
    let putter = worker.clone();
    let task = background_task(move || {
        for item in 0..100 {
            putter.put(item).unwrap();
        }
        std::thread::current().id()
    });
    let task = task.supervisor(&s).start();
    let thread = returns(move || task.wait().unwrap());
    worker.stop();
    let told: Vec<_> = told.try_iter().collect();
    assert_eq!(told.iter().map(|(item, _)| *item).collect::<Vec<_>>(), (0..100).collect::<Vec<_>>());
    assert!(told[..99].iter().all(|(_, by)| *by == thread), "there is no other thread with a place");
}

#[test]
fn a_put_from_another_workers_body_in_a_full_pool_runs_the_consumer() {
    let s = pool(1);
    let (worker, told) = telling(&s, 1);
    let sink = worker.clone();
    let body = move |item: u32, _cx: &WorkerContext| {
        for copy in 0..10 {
            sink.put(10 * item + copy).unwrap();
        }
    };
    let source = background_worker(body).queue().supervisor(&s).start().unwrap();
    for item in 0..10 {
        source.put(item).unwrap();
    }
    let stopper = source.clone();
    returns(move || stopper.stop());
    worker.stop();
    assert_eq!(told.try_iter().collect::<Vec<_>>(), (0..100).collect::<Vec<_>>());
}

/// It waits as a thread from outside does: the worker rests, so there is nothing to run.
#[test]
fn a_put_from_the_pool_to_a_full_paused_queue_waits_for_the_resume() {
    let s = pool(1);
    let (worker, told) = telling(&s, 1);
    worker.pause();
    worker.put(1).unwrap();
    let (putter, waits) = (worker.clone(), Gate::new());
    let entered = waits.clone();
    let task = background_task(move || {
        entered.open();
        putter.put(2)
    });
    let task = task.supervisor(&s).start();
    waits.wait();
    worker.resume();
    assert_eq!(returns(move || task.wait().unwrap()), Ok(()));
    worker.stop();
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [1, 2]);
}

/// Room is told to one after the other until nobody waits: many putters in and outside of the pool, few items each, so
/// that a wake-up that goes astray leaves somebody waiting at the end of a round.
#[test]
fn no_put_waits_for_ever_while_there_is_room() {
    for in_pool in [false, true] {
        let s = pool(3);
        let worker = background_worker(|_: u32| ()).queue_bounded(1).supervisor(&s).start().unwrap();
        for round in 0..2000 {
            let (tell, done) = mpsc::channel();
            for putter in 0..4_u32 {
                let (worker, tell) = (worker.clone(), tell.clone());
                let put = move || {
                    worker.put(putter).unwrap();
                    worker.put(putter).unwrap();
                    tell.send(()).unwrap();
                };
                if in_pool && putter < 2 {
                    background_task(put).supervisor(&s).detach();
                } else {
                    std::thread::spawn(put);
                }
            }
            for _ in 0..4 {
                let waited = done.recv_timeout(crate::support::PATIENCE);
                assert!(waited.is_ok(), "in_pool {in_pool}, round {round}: {:?}", worker.info());
            }
        }
        eventually("all has run", || worker.info().runs == 16_000);
        worker.stop();
    }
}

/// A put that was woken for room which another took first waits on in its old place.
#[test]
fn a_put_that_has_lost_a_race_keeps_its_place_in_the_line() {
    #[derive(Default)]
    struct Wakes(AtomicUsize);
    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    in_time(|| {
        let s = pool(1);
        let (go, gone) = mpsc::channel::<()>();
        let queue =
            background_worker(move |_: u32| gone.recv().unwrap()).queue_bounded(1).supervisor(&s).start().unwrap();
        queue.put(0).unwrap();
        eventually("it is taken", || queue.is_empty());
        queue.put(1).unwrap();
        let wakes: [Arc<Wakes>; 2] = Default::default();
        let wakers = wakes.clone().map(Waker::from);
        let mut puts = [2, 3].map(|item| Box::pin(queue.put_async(item)));
        let mut poll = |n: usize| puts[n].as_mut().poll(&mut Context::from_waker(&wakers[n]));
        assert!(poll(0).is_pending() && poll(1).is_pending());
        let woken = |n: usize| wakes[n].0.load(Ordering::SeqCst);
        for (round, item) in (1..=3).zip(10..) {
            go.send(()).unwrap();
            eventually("the first is woken", || woken(0) == round);
            queue.try_put(item).unwrap();
            assert!(poll(0).is_pending());
        }
        assert_eq!(woken(1), 0, "it is not its turn");
        go.send(()).unwrap();
        eventually("the first is woken", || woken(0) == 4);
        assert!(poll(0).is_ready());
        go.send(()).unwrap();
        eventually("the second is woken", || woken(1) == 1);
        assert!(poll(1).is_ready());
        drop(puts);
        (0..3).for_each(|_| go.send(()).unwrap());
        queue.stop();
    });
}

//! Starting again: never two at once, with the supervisor where that was asked for, and every state legal.
//!
//! `Static` is what the attribute makes of a fn: the one handle that can be started more than once.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier, mpsc};

use atasker::__private::Static;
use atasker::{
    Config, Error, EventWorker, LoopWorker, Priority, QueueWorker, Worker, WorkerContext, WorkerState, background_task,
    background_worker,
};

use super::HOUR;
use crate::support::{Gate, eventually, next, pool, returns, supervisor};

/// The body of a start that is refused.
fn never() {
    unreachable!("it was not started")
}

#[test]
fn a_second_start_is_already_running_and_there_is_one_loop_only() {
    let s = pool(4);
    let worker: Static<LoopWorker> = Static::new("worker");
    let others = AtomicU64::new(0);
    let (run, runs) = mpsc::sync_channel(0);
    worker.start(background_worker(move || _ = run.send(())).supervisor(&s)).unwrap();
    next(&runs);
    for _ in 0..10 {
        let second = worker.start(background_worker(never).supervisor(&s));
        assert!(matches!(second, Err(Error::AlreadyRunning)), "{second:?}");
    }
    next(&runs);
    drop(runs);
    worker.handle().stop();
    assert_eq!((others.load(Ordering::Relaxed), worker.handle().info().panics), (0, 0));
    worker.start(background_worker(|cx: &WorkerContext| cx.request_stop()).supervisor(&s)).unwrap();
    eventually("it ends itself", || !worker.handle().is_running());
}

#[test]
fn a_start_of_a_stopping_worker_is_already_running() {
    let s = pool(2);
    let worker: Static<EventWorker> = Static::new("worker");
    let (gate, (entered, is_in)) = (Gate::new(), mpsc::channel());
    let held = gate.clone();
    let body = move || {
        entered.send(()).unwrap();
        held.wait();
    };
    worker.start(background_worker(body).event().supervisor(&s)).unwrap();
    worker.handle().trigger();
    next(&is_in);
    worker.handle().request_stop();
    let again = worker.start(background_worker(|| ()).event().supervisor(&s));
    assert!(matches!(again, Err(Error::AlreadyRunning)), "{again:?}");
    gate.open();
    worker.handle().stop();
    worker.start(background_worker(|| ()).event().supervisor(&s)).unwrap();
    assert_eq!(worker.handle().info().runs, 0, "counters begin anew");
}

#[test]
fn one_of_many_starts_at_once_wins() {
    let s = pool(2);
    for _ in 0..200 {
        let worker: Static<EventWorker> = Static::new("worker");
        let barrier = Barrier::new(8);
        let bodies = Arc::new(());
        let started: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        let held = Arc::clone(&bodies);
                        barrier.wait();
                        match worker.start(background_worker(move || _ = &held).event().supervisor(&s)) {
                            Ok(()) => 1,
                            Err(Error::AlreadyRunning) => 0,
                            Err(other) => panic!("{other}"),
                        }
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!((started, Arc::strong_count(&bodies)), (1, 2), "one body is in, the others are dropped");
        worker.handle().stop();
    }
}

/// Whatever the order: one body at a time, and the worker is stopped in the end.
#[test]
fn starts_and_stops_at_random_leave_one_legal_state() {
    let s = pool(4);
    let worker: Static<QueueWorker<u32>> = Static::new("worker");
    let (inside, twice) = (AtomicBool::new(false), AtomicU64::new(0));
    let (inside, twice) = (Arc::new(inside), Arc::new(twice));
    std::thread::scope(|scope| {
        for thread in 0..6 {
            let (worker, s, inside, twice) = (&worker, &s, &inside, &twice);
            scope.spawn(move || {
                for round in 0..1500 {
                    match (thread + round) % 3 {
                        0 => {
                            let (inside, twice) = (Arc::clone(inside), Arc::clone(twice));
                            let body = move |_: u32| {
                                if inside.swap(true, Ordering::SeqCst) {
                                    twice.fetch_add(1, Ordering::SeqCst);
                                }
                                inside.store(false, Ordering::SeqCst);
                            };
                            let started = worker.start(background_worker(body).queue().supervisor(s));
                            assert!(matches!(started, Ok(()) | Err(Error::AlreadyRunning)), "{started:?}");
                        }
                        1 => _ = worker.handle().put(round),
                        _ if round % 2 == 0 => worker.handle().stop(),
                        _ => worker.handle().request_stop(),
                    }
                }
            });
        }
    });
    worker.handle().stop();
    assert_eq!(twice.load(Ordering::SeqCst), 0);
    assert_eq!((worker.handle().info().state, worker.handle().len()), (WorkerState::Stopped, 0));
    assert!(!worker.handle().is_running());
    let info = s.info();
    assert_eq!(info.queued.normal, 0);
}

#[test]
fn restart_stops_and_starts_and_is_a_deadlock_in_its_own_body() {
    static WORKER: Static<EventWorker> = Static::new("worker");
    let s = pool(2);
    let (tell, told) = mpsc::channel();
    let body = move |cx: &WorkerContext| {
        let inner = background_worker(never).event().supervisor(cx.supervisor());
        tell.send(WORKER.restart(inner)).unwrap();
    };
    WORKER.start(background_worker(body).event().supervisor(&s)).unwrap();
    WORKER.handle().trigger();
    assert!(matches!(next(&told), Err(Error::Deadlock)));
    assert!(WORKER.handle().is_running(), "it goes on as it was");

    let (tell, told) = mpsc::channel();
    WORKER.restart(background_worker(move || tell.send(()).unwrap()).event().supervisor(&s)).unwrap();
    WORKER.handle().trigger();
    next(&told);
    WORKER.handle().stop();
    WORKER.restart(background_worker(|| ()).event().supervisor(&s)).unwrap();
    assert!(WORKER.handle().is_running(), "one that is stopped is started");
    WORKER.handle().stop();
}

/// The entry that waited at the old priority is not a way in for the new life.
#[test]
fn a_worker_started_again_at_a_lower_priority_runs_at_that() {
    let s = supervisor(Config::new().pool_size(1).reserve_normal(0).reserve_high(1));
    let (low, _low) = s.occupy(1, Priority::Low);
    let (high, _high) = s.occupy(1, Priority::High);
    let worker: Static<EventWorker> = Static::new("worker");
    for priority in [Priority::High, Priority::Low] {
        worker.start(background_worker(|| ()).event().priority(priority).supervisor(&s)).unwrap();
        worker.handle().trigger();
        if priority == Priority::High {
            worker.handle().stop();
        }
    }
    high.open();
    background_task(|| ()).priority(Priority::High).supervisor(&s).start().wait().unwrap();
    let info = worker.handle().info();
    assert_eq!((info.state, info.runs), (WorkerState::Queued, 0), "a Low run in the reserve of High");
    low.open();
    eventually("it has its place", || worker.handle().info().runs == 1);
    worker.handle().stop();
}

/// Counts its lives and its runs.
struct Lives {
    tell: mpsc::Sender<(u32, u32)>,
    lives: u32,
    runs: u32,
}

impl Worker for Lives {
    type Output = ();

    fn run(&mut self, _cx: &WorkerContext) {
        self.runs += 1;
        self.tell.send((self.lives, self.runs)).unwrap();
    }

    fn on_start(&mut self, _cx: &WorkerContext) {
        self.lives += 1;
    }
}

#[test]
fn autostart_starts_a_worker_again_with_its_supervisor_and_its_state() {
    let s = pool(2);
    let (tell, told) = mpsc::channel();
    let body = Lives { tell, lives: 0, runs: 0 };
    let worker = background_worker(body).interval(HOUR).autostart(true).supervisor(&s).start().unwrap();
    let other = background_worker(|| ()).interval(HOUR).supervisor(&s).start().unwrap();
    for life in 1..4 {
        assert_eq!(next(&told), (life, life));
        assert!(s.stop().complete);
        assert!(!worker.is_running());
        s.start().unwrap();
        assert!(worker.is_running() && !other.is_running());
    }
    assert_eq!(next(&told), (4, 4));
    let stopper = worker.clone();
    returns(move || stopper.stop());
}

#[test]
fn an_autostarted_queue_takes_items_again_within_its_bound() {
    let s = pool(1);
    let (tell, told) = mpsc::channel();
    let body = move |item: u32| tell.send(item).unwrap();
    let worker = background_worker(body).queue_bounded(2).autostart(true).supervisor(&s).start().unwrap();
    worker.put(1).unwrap();
    s.stop();
    assert!(worker.put(2).is_err());
    s.start().unwrap();
    let (gate, _full) = s.occupy(1, Priority::Normal);
    worker.put(3).unwrap();
    worker.put(4).unwrap();
    assert!(worker.try_put(5).is_err());
    gate.open();
    worker.stop();
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [1, 3, 4]);
}

#[test]
fn an_autostart_given_up_by_a_later_start_is_given_up() {
    let s = pool(2);
    let worker: Static<EventWorker> = Static::new("worker");
    let first = background_worker(|| ()).event().autostart(true);
    worker.start(first.supervisor(&s)).unwrap();
    worker.handle().stop();
    worker.start(background_worker(|| ()).event().supervisor(&s)).unwrap();
    s.stop();
    s.start().unwrap();
    assert!(!worker.handle().is_running(), "its last start did not ask for that");
}

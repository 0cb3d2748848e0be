//! A stop loses nothing that was accepted: what accepted work starts is accepted too, and hooks see all of it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use atasker::{
    Config, LaneConfig, Priority, PutError, QueueWorker, Supervisor, WorkerContext, WorkerState, background_future,
    background_task, background_worker,
};

use super::running;
use crate::support::{Gate, PATIENCE, eventually, in_time, pool, supervisor};

fn counting(count: &Arc<AtomicUsize>) -> impl FnMut(u32) + Send + use<> {
    let count = Arc::clone(count);
    move |_: u32| _ = count.fetch_add(1, Ordering::SeqCst)
}

#[test]
fn tasks_that_put_lose_no_item() {
    in_time(|| {
        let s = pool(1);
        let stored = Arc::new(AtomicUsize::new(0));
        let store = background_worker(counting(&stored)).queue().supervisor(&s).start().unwrap();
        for n in 0..200 {
            let store = store.clone();
            background_task(move || store.put(n).unwrap()).priority(Priority::Low).supervisor(&s).detach();
        }
        let report = s.stop();
        assert_eq!((report.complete, report.ran, report.errors, report.discarded), (true, 200, 0, 0));
        assert_eq!(stored.load(Ordering::SeqCst), 200);
        assert_eq!(store.put(1), Err(PutError::NotRunning(1)));
    });
}

/// From a task through two queues on the pool and one on a lane, to a task that a body waits for.
#[test]
fn a_chain_over_queues_and_lanes_loses_nothing() {
    in_time(|| {
        for round in 0..50 {
            let s = supervisor(Config::new().pool_size(1 + round % 3).reserve_normal(0).reserve_high(0));
            let lane = s.lane("io", LaneConfig::new().threads(1)).unwrap();
            let ended = Arc::new(AtomicUsize::new(0));
            let (own, count) = ((*s).clone(), Arc::clone(&ended));
            let third = background_worker(move |n: u32| {
                let count = Arc::clone(&count);
                let last = background_task(move || _ = count.fetch_add(1, Ordering::SeqCst)).supervisor(&own).start();
                if n.is_multiple_of(2) { last.wait().unwrap() } else { drop(last) }
            });
            let third = third.queue().supervisor(&s).start().unwrap();
            let second = background_worker(move |n: u32| {
                let third = third.clone();
                async move {
                    tokio::task::yield_now().await;
                    third.put_async(n).await
                }
            });
            let second = second.queue_bounded(2).lane("io").supervisor(&s).start().unwrap();
            let first = background_worker(move |n: u32| second.put(n));
            let first = first.queue_bounded(3).supervisor(&s).start().unwrap();
            for n in 0..40 {
                let first = first.clone();
                background_task(move || first.put(n).unwrap()).supervisor(&s).detach();
            }
            let report = s.stop();
            assert_eq!(
                (report.complete, report.errors, report.rejected, report.discarded),
                (true, 0, 0, 0),
                "{report}"
            );
            assert_eq!((ended.load(Ordering::SeqCst), report.ran), (40, 80), "in round {round}");
            assert!(!lane.info().is_open);
        }
    });
}

/// A flush in `on_stop` of a worker that runs on an interval sees what tasks have left for it, whoever ends last.
#[test]
fn a_flush_in_on_stop_sees_everything() {
    struct Flush(Arc<Mutex<Vec<u32>>>, mpsc::Sender<usize>);
    impl atasker::Worker for Flush {
        type Output = ();
        fn run(&mut self, _: &WorkerContext) {}
        fn on_stop(&mut self, cx: &WorkerContext) {
            // A hook may still start tasks, and wait for them.
            let left = Arc::clone(&self.0);
            let flush = background_task(move || left.lock().unwrap().drain(..).count()).supervisor(cx.supervisor());
            self.1.send(flush.start().wait().unwrap()).unwrap();
        }
    }
    in_time(|| {
        let s = pool(1);
        let left = Arc::new(Mutex::new(Vec::new()));
        let (tell, told) = mpsc::channel();
        let flush = background_worker(Flush(Arc::clone(&left), tell)).interval(Duration::from_secs(3600));
        let flush = flush.supervisor(&s).start().unwrap();
        eventually("it has run", || flush.info().runs == 1);
        for n in 0..100 {
            let left = Arc::clone(&left);
            background_task(move || left.lock().unwrap().push(n)).priority(Priority::Low).supervisor(&s).detach();
        }
        let report = s.stop();
        assert_eq!((report.complete, report.ran), (true, 101));
        assert_eq!(told.recv_timeout(PATIENCE).unwrap(), 100);
        assert!(left.lock().unwrap().is_empty());
    });
}

#[test]
fn triggers_of_bodies_run_and_those_from_before_the_ask_too() {
    in_time(|| {
        for _ in 0..50 {
            let s = pool(1);
            let runs = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&runs);
            let event = background_worker(move || _ = count.fetch_add(1, Ordering::SeqCst)).event();
            let event = event.supervisor(&s).start().unwrap();
            let (gate, blocker) = s.occupy(1, Priority::Normal);
            event.pause();
            assert!(event.trigger(), "kept in the pause, which the stop ends");
            let inside = event.clone();
            let task = background_task(move || inside.trigger()).priority(Priority::Low).supervisor(&s).start();
            gate.open();
            assert!(s.stop().complete);
            assert!(task.wait().unwrap());
            assert!((1..=2).contains(&runs.load(Ordering::SeqCst)));
            drop(blocker);
        }
    });
}

/// An async body's work on a lane, started and awaited while the supervisor drains.
#[test]
fn async_bodies_start_and_await_while_a_stop_drains() {
    in_time(|| {
        let s = pool(1);
        let own = (*s).clone();
        let (tell, told) = mpsc::channel();
        let outer = background_future(async move {
            tell.send(()).unwrap();
            own.stop_requested().await;
            let there = background_task(|| 1).supervisor(&own).start();
            let here = background_future(async { 2 }).supervisor(&own).start();
            there.await.unwrap() + here.await.unwrap()
        });
        let outer = outer.supervisor(&s).start();
        told.recv_timeout(PATIENCE).unwrap();
        let report = s.stop();
        assert_eq!((report.complete, report.ran), (true, 3));
        assert_eq!(outer.wait().unwrap(), 3);
    });
}

/// What `block_on` runs for a body is part of that body.
#[test]
fn a_body_may_block_on_a_lane_while_a_stop_drains() {
    in_time(|| {
        let s = pool(1);
        let lane = s.lane("io", LaneConfig::new().threads(1)).unwrap();
        let gate = Gate::new();
        let (held, inside) = (gate.clone(), lane.clone());
        let task = running(&s, move || {
            held.wait();
            inside.block_on(async { tokio::time::sleep(Duration::from_millis(1)).await })
        });
        std::thread::scope(|scope| {
            let stopping = scope.spawn(|| s.stop());
            eventually("callers are refused", || lane.block_on(async {}).is_err());
            gate.open();
            assert!(stopping.join().unwrap().complete);
        });
        task.wait().unwrap().unwrap();
    });
}

/// A lane alone: what its bodies start on it belongs to it; what others start on it is refused from the ask on.
#[test]
fn a_lane_that_stops_alone_accepts_what_its_own_bodies_start() {
    in_time(|| {
        let s = pool(1);
        let lane = s.lane("io", LaneConfig::new().threads(1)).unwrap();
        let stored = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&stored);
        let store = background_worker(move |_: u32| {
            let count = Arc::clone(&count);
            async move { _ = count.fetch_add(1, Ordering::SeqCst) }
        });
        let store = store.queue().lane("io").supervisor(&s).start().unwrap();
        let (gate, own, inside) = (Gate::new(), lane.clone(), store.clone());
        let held = gate.clone();
        let (tell, told) = mpsc::channel();
        let outer = lane.start(async move {
            tell.send(()).unwrap();
            tokio::task::spawn_blocking(move || held.wait()).await.unwrap();
            let nested = own.start(async { 5 });
            inside.put_async(1).await.unwrap();
            nested.await.unwrap()
        });
        told.recv_timeout(PATIENCE).unwrap();
        std::thread::scope(|scope| {
            let stopping = scope.spawn(|| lane.stop());
            eventually("the stop is asked for", || !lane.info().is_open);
            eventually("its workers are asked", || store.info().state == WorkerState::Stopping);
            assert_eq!(store.try_put(9), Err(PutError::NotRunning(9)));
            assert!(lane.start(async {}).wait().is_err() && lane.block_on(async {}).is_err());
            gate.open();
            let report = stopping.join().unwrap();
            assert_eq!((report.complete, report.ran), (true, 2));
        });
        assert_eq!((outer.wait().unwrap(), stored.load(Ordering::SeqCst)), (5, 1));
        assert!(!store.is_running());
        // The pool goes on.
        background_task(|| ()).supervisor(&s).start().wait().unwrap();
    });
}

/// Work that keeps starting work keeps a stop waiting, until it sees that it should not.
#[test]
fn a_body_that_sees_the_stop_ends_a_chain_that_would_go_on() {
    fn next(s: Supervisor, run: u32, told: mpsc::Sender<u32>) {
        let again = s.clone();
        let stopping = s.info().state == atasker::SupervisorState::Stopping;
        if stopping && run > 100 {
            return told.send(run).unwrap();
        }
        background_task(move || next(again, run + 1, told)).supervisor(&s).detach();
    }
    in_time(|| {
        let s = pool(2);
        let (tell, told) = mpsc::channel();
        next((*s).clone(), 0, tell);
        let report = s.stop();
        assert!(report.complete);
        assert_eq!(report.ran, u64::from(told.recv_timeout(PATIENCE).unwrap()));
    });
}

/// Items that callers put before the ask are run; those after it come back; none is between.
#[test]
fn puts_from_outside_racing_with_the_ask_are_run_or_come_back() {
    in_time(|| {
        for _ in 0..200 {
            let s = pool(2);
            let stored = Arc::new(AtomicUsize::new(0));
            let second = background_worker(counting(&stored)).queue().supervisor(&s).start().unwrap();
            let first: QueueWorker<u32> =
                background_worker(move |n: u32| second.put(n)).queue().supervisor(&s).start().unwrap();
            let accepted = std::thread::scope(|scope| {
                let putters: Vec<_> =
                    (0..2).map(|_| scope.spawn(|| (0..1_000).take_while(|&n| first.put(n).is_ok()).count())).collect();
                let report = s.stop();
                assert_eq!((report.complete, report.errors), (true, 0));
                putters.into_iter().map(|putter| putter.join().unwrap()).sum::<usize>()
            });
            assert_eq!(stored.load(Ordering::SeqCst), accepted);
        }
    });
}

/// A stop that cancels refuses bodies too.
#[test]
fn stop_now_refuses_bodies() {
    in_time(|| {
        let s = pool(2);
        let queue = background_worker(|_: u8| ()).queue().supervisor(&s).start().unwrap();
        let event = background_worker(|| ()).event().supervisor(&s).start().unwrap();
        let (own, put, trigger) = ((*s).clone(), queue.clone(), event.clone());
        let task = running(&s, move || {
            while !atasker::is_cancelled() {
                std::thread::yield_now();
            }
            eventually("its items come back", || put.put(7) == Err(PutError::NotRunning(7)));
            (background_task(|| ()).supervisor(&own).start().wait().is_err(), trigger.trigger())
        });
        assert!(s.stop_now().complete);
        assert_eq!(task.wait().unwrap(), (true, false));
        assert_eq!((queue.info().runs, event.info().runs), (0, 0));
    });
}

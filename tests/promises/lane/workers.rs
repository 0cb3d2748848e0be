//! Async workers of every kind: errors, panics, pauses and stops are as for bodies that block.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use atasker::{
    AsyncQueueBody, AsyncWorker, Error, LaneConfig, Priority, WorkerContext, WorkerError, WorkerState,
    background_future, background_worker,
};

use super::held;
use crate::support::{Drops, eventually, in_time, next, pool, supervisor};

/// What happened, in order.
type Told = mpsc::Sender<String>;

struct Noted {
    tell: Told,
    runs: u64,
}

impl AsyncWorker for Noted {
    type Output = Result<ControlFlow<()>, String>;

    async fn run(&mut self, cx: &WorkerContext) -> Self::Output {
        tokio::task::yield_now().await;
        self.runs += 1;
        self.tell.send(format!("run {} {}", self.runs, cx.run())).unwrap();
        match self.runs {
            1 => Err("first".into()),
            2 => panic!("second"),
            3 => Ok(ControlFlow::Continue(())),
            _ => Ok(ControlFlow::Break(())),
        }
    }

    async fn on_start(&mut self, cx: &WorkerContext) {
        tokio::task::yield_now().await;
        self.tell.send(format!("start {}", cx.name())).unwrap();
    }

    async fn on_stop(&mut self, _cx: &WorkerContext) {
        tokio::task::yield_now().await;
        self.tell.send("stop".into()).unwrap();
    }

    async fn on_error(&mut self, error: &WorkerError, _cx: &WorkerContext) {
        tokio::task::yield_now().await;
        self.tell.send(format!("error {error}")).unwrap();
    }
}

#[test]
fn an_async_worker_lives_on_after_an_err_and_a_panic_and_its_hooks_are_awaited() {
    let s = pool(1);
    let (tell, told) = mpsc::channel();
    let worker = background_worker(Noted { tell, runs: 0 }).name("noted").supervisor(&s).start().unwrap();
    let expected = ["start noted", "run 1 1", "error first", "run 2 2", "error panicked: second", "run 3 3", "run 4 4"];
    for event in expected.into_iter().chain(["stop"]) {
        assert_eq!(next(&told), event);
    }
    eventually("it has stopped", || !worker.is_running());
    let info = worker.info();
    assert_eq!((info.runs, info.errors, info.panics), (4, 1, 1));
}

#[test]
fn an_idle_async_worker_is_stopped_by_way_of_its_on_stop() {
    let s = pool(1);
    let (tell, told) = mpsc::channel();
    let worker = background_worker(Noted { tell, runs: 9 }).event().supervisor(&s).start().unwrap();
    assert_eq!(next(&told).split(' ').next(), Some("start"));
    eventually("it rests", || worker.info().state == WorkerState::Idle);
    worker.stop();
    assert_eq!(told.try_recv().unwrap(), "stop");
}

#[test]
fn closures_that_give_futures_are_bodies_of_every_kind() {
    let s = pool(1);
    let (tell, told) = mpsc::channel();
    let again = tell.clone();
    let looping = background_worker(move || {
        let tell = again.clone();
        async move {
            _ = tell.send("loop".to_owned());
            ControlFlow::Break(())
        }
    });
    looping.supervisor(&s).start().unwrap();
    assert_eq!(next(&told), "loop");
    let again = tell.clone();
    let ticking = background_worker(move |cx: &WorkerContext| {
        let (tell, run) = (again.clone(), cx.run());
        async move { tell.send(format!("tick {run}")).map_err(|error| error.to_string()) }
    });
    let ticking = ticking.interval(Duration::from_millis(1)).supervisor(&s).start().unwrap();
    assert_eq!(next(&told), "tick 1");
    ticking.stop();
    while told.try_recv().is_ok() {}
    let again = tell.clone();
    let queue = background_worker(move |n: u32| {
        let tell = again.clone();
        async move { _ = tell.send(format!("item {n}")) }
    });
    let queue = queue.queue().supervisor(&s).start().unwrap();
    queue.put(1).unwrap();
    queue.put(2).unwrap();
    assert_eq!([next(&told), next(&told)], ["item 1", "item 2"]);
    let delayed = background_worker(move || {
        let tell = tell.clone();
        async move { _ = tell.send("delay".to_owned()) }
    });
    let delayed = delayed.delay(Duration::from_millis(1)).supervisor(&s).start().unwrap();
    assert_eq!([next(&told), next(&told)], ["delay", "delay"]);
    delayed.stop();
}

#[test]
fn a_run_is_never_twice_at_once_and_a_trigger_in_it_makes_one_more() {
    let s = pool(1);
    let busy = Arc::new(AtomicBool::new(false));
    let worker = background_worker(move || {
        let busy = Arc::clone(&busy);
        async move {
            assert!(!busy.swap(true, Ordering::SeqCst));
            tokio::task::yield_now().await;
            busy.store(false, Ordering::SeqCst);
        }
    });
    let worker = worker.event().supervisor(&s).start().unwrap();
    for _ in 0..10_000 {
        assert!(worker.trigger());
    }
    eventually("it has run", || worker.info().runs > 0);
    worker.stop();
    let info = worker.info();
    assert_eq!(info.panics, 0);
    assert!((1..=10_000).contains(&info.runs));
}

#[test]
fn runs_of_async_workers_are_admitted_at_their_priority() {
    let s = pool(1);
    let lane = s.lane("io", LaneConfig::new().threads(1).pool_size(1)).unwrap();
    let (end, first) = held(&s, Some("io"), Priority::Normal);
    let (tell, told) = mpsc::channel();
    let high = tell.clone();
    let worker = background_worker(move || {
        let high = high.clone();
        async move { high.send("worker").unwrap() }
    });
    let worker = worker.event().priority(Priority::High).lane("io").supervisor(&s).start().unwrap();
    let task = background_future(async move { tell.send("task").unwrap() }).supervisor(&s).lane("io").start();
    worker.trigger();
    assert_eq!(worker.info().state, WorkerState::Queued);
    end.send(()).unwrap();
    first.wait().unwrap();
    assert_eq!([next(&told), next(&told)], ["worker", "task"]);
    task.wait().unwrap();
    assert_eq!(lane.info().totals.worker_slices, 1);
}

#[test]
fn a_stop_waits_for_the_run_under_way_and_stop_now_drops_it_at_its_await() {
    for now in [false, true] {
        let s = pool(1);
        let drops = Drops::new();
        let (started, when_started) = mpsc::channel();
        let (value, go) = (drops.clone(), Arc::new(tokio::sync::Notify::new()));
        let opener = Arc::clone(&go);
        let worker = background_worker(move || {
            let (value, started, go) = (value.value(), started.clone(), Arc::clone(&go));
            async move {
                let _value = value;
                started.send(()).unwrap();
                go.notified().await;
            }
        });
        let worker = worker.event().supervisor(&s).start().unwrap();
        worker.trigger();
        next(&when_started);
        if now {
            assert!(s.stop_now().complete);
            assert_eq!(drops.count(), 1);
        } else {
            worker.request_stop();
            assert_eq!(worker.info().state, WorkerState::Stopping);
            opener.notify_one();
            worker.stop();
        }
        assert!(!worker.is_running());
    }
}

#[test]
fn a_bounded_stop_names_an_async_worker_and_aborts_its_run() {
    let s = pool(1);
    let (started, when_started) = mpsc::channel();
    let worker = background_worker(move || {
        started.send(()).unwrap();
        std::future::pending::<()>()
    });
    let worker = worker.event().name("endless").supervisor(&s).start().unwrap();
    worker.trigger();
    next(&when_started);
    let report = s.stop_timeout(Duration::from_millis(2));
    assert_eq!(report.abandoned[0].name, "endless");
    eventually("it ends, aborted", || !worker.is_running());
}

#[test]
fn an_async_queue_worker_drains_and_its_state_survives() {
    struct Sum(u64, mpsc::Sender<u64>);
    impl AsyncQueueBody for Sum {
        type Item = u64;
        type Output = ();
        async fn run(&mut self, item: u64, _cx: &WorkerContext) {
            tokio::task::yield_now().await;
            assert_ne!(item, 13, "an unlucky one");
            self.0 += item;
        }
        async fn on_stop(&mut self, _cx: &WorkerContext) {
            self.1.send(self.0).unwrap();
        }
    }
    let s = pool(1);
    let (tell, told) = mpsc::channel();
    let worker = background_worker(Sum(0, tell)).queue().on_error(|_| ()).supervisor(&s).start().unwrap();
    (0..1_000).for_each(|n| worker.put(n).unwrap());
    worker.stop();
    assert_eq!(next(&told), (0..1_000).sum::<u64>() - 13);
    assert_eq!((worker.info().runs, worker.info().panics), (1_000, 1));
}

#[test]
fn a_worker_on_a_runtime_that_goes_down_is_stopped() {
    let s = pool(1);
    let own = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    s.set_runtime(own.handle().clone()).unwrap();
    let drops = Drops::new();
    let value = drops.value();
    let (started, when_started) = mpsc::channel();
    let worker = background_worker(move || {
        let _state = &value;
        started.send(()).unwrap();
        std::future::pending::<()>()
    });
    let worker = worker.event().supervisor(&s).start().unwrap();
    worker.trigger();
    next(&when_started);
    own.shutdown_timeout(Duration::from_secs(10));
    let worker = in_time(move || {
        worker.stop();
        worker
    });
    assert_eq!((worker.is_running(), drops.count()), (false, 0));
    // Its handles keep what would start it again.
    drop(worker);
    assert_eq!(drops.count(), 1);
}

#[test]
fn a_lane_that_is_stopped_alone_stops_its_workers_and_takes_no_more() {
    let s = pool(1);
    let lane = s.lane("io", LaneConfig::new().threads(1)).unwrap();
    let on_lane = background_worker(|| async {}).event().lane("io").supervisor(&s).start().unwrap();
    let elsewhere = background_worker(|| async {}).event().supervisor(&s).start().unwrap();
    assert!(lane.stop().complete);
    assert!(!on_lane.is_running() && elsewhere.is_running());
    let refused = background_worker(|| async {}).event().lane("io").supervisor(&s).start();
    assert!(matches!(refused, Err(Error::Stopped)));
    let unknown = background_worker(|| async {}).event().lane("oi").supervisor(&s).start();
    assert!(matches!(unknown, Err(Error::UnknownLane { known, .. }) if known == ["io"]));
    let blocking = background_worker(|| ()).event().lane("io").supervisor(&s).start();
    assert!(matches!(blocking, Err(Error::Config(error)) if error.field() == "lane"));
}

#[test]
fn an_async_worker_with_autostart_starts_again_with_its_state() {
    let s = supervisor(atasker::Config::new());
    let (tell, told) = mpsc::channel();
    let mut runs = 0;
    let worker = background_worker(move || {
        runs += 1;
        let (tell, runs) = (tell.clone(), runs);
        async move { tell.send(runs).unwrap() }
    });
    let worker = worker.event().autostart(true).supervisor(&s).start().unwrap();
    worker.trigger();
    assert_eq!(next(&told), 1);
    s.stop();
    s.start().unwrap();
    worker.trigger();
    assert_eq!(next(&told), 2);
}

#[test]
fn starts_triggers_and_stops_of_async_workers_at_random_leave_one_legal_state() {
    let s = pool(2);
    let worker = background_worker(|| async { tokio::task::yield_now().await }).event().supervisor(&s).start().unwrap();
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let (worker, s) = (worker.clone(), s.clone());
            std::thread::spawn(move || {
                for n in 0..200 {
                    worker.trigger();
                    if (n + thread) % 7 == 0 {
                        worker.pause();
                        worker.resume();
                    }
                    if n == 150 && thread == 0 {
                        worker.stop();
                    }
                    if n % 50 == 0 {
                        let other = background_worker(|| async {}).interval(Duration::from_millis(1));
                        other.supervisor(&s).start().unwrap().stop();
                    }
                }
            })
        })
        .collect();
    in_time(move || threads.into_iter().for_each(|thread| thread.join().unwrap()));
    assert!(!worker.is_running());
    assert!(s.stop().complete);
}

//! Stops beside starts, openings and visits: nothing is left in flight, nobody is forgotten, and no stop ends the next life.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use atasker::{
    Config, EventWorker, LaneConfig, Supervisor, SupervisorState, WorkerContext, background_future, background_task,
    background_worker,
};

use super::running;
use crate::support::{Gate, PATIENCE, Tested, eventually, in_time, pool};

/// Calls `work` on two threads, again and again, while `f` runs.
fn beside<R>(work: impl Fn() + Sync, f: impl FnOnce() -> R) -> R {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    work();
                }
            });
        }
        let result = f();
        over.store(true, Ordering::Relaxed);
        result
    })
}

#[test]
fn a_lane_that_is_stopped_and_opened_beside_visits_and_starts_keeps_nothing_in_flight() {
    in_time(|| {
        let s = pool(1);
        let lane = s.lane("io", LaneConfig::new().threads(1)).unwrap();
        let (ran, started) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = || {
            _ = lane.block_on(async {});
            let task = lane.start(async {});
            started.fetch_add(1, Ordering::Relaxed);
            ran.fetch_add(usize::from(task.wait().is_ok()), Ordering::Relaxed);
        };
        let stops = || {
            for _ in 0..300 {
                assert!(lane.stop().complete);
                assert_eq!((lane.info().active.total(), lane.info().queued.total()), (0, 0));
                // One that is opened is not closed by the stop before.
                lane.open().unwrap();
                assert!(lane.info().is_open);
            }
        };
        beside(work, stops);
        assert!(ran.load(Ordering::Relaxed) <= started.load(Ordering::Relaxed));
        assert!(s.stop().complete);
    });
}

#[test]
fn a_supervisor_that_is_stopped_and_started_beside_visits_keeps_nothing_in_flight() {
    in_time(|| {
        let s = pool(1);
        let lane = s.lane("io", LaneConfig::new().threads(1)).unwrap();
        let work = || {
            _ = lane.block_on(async {});
            _ = background_future(async {}).supervisor(&s).start().wait();
        };
        let stops = || {
            for _ in 0..300 {
                assert!(s.stop().complete);
                s.start().unwrap();
            }
        };
        beside(work, stops);
    });
}

#[test]
fn a_worker_that_starts_on_a_lane_beside_its_stop_is_asked_too() {
    in_time(|| {
        let s = pool(1);
        let lane = s.lane("io", LaneConfig::new().threads(1)).unwrap();
        s.start().unwrap();
        for _ in 0..300 {
            let starter = {
                let s = Supervisor::clone(&s);
                thread::spawn(move || background_worker(|| async {}).event().lane("io").supervisor(&s).start())
            };
            assert!(lane.stop().complete);
            if let Ok(worker) = starter.join().unwrap() {
                assert!(!worker.is_running(), "it runs on a lane that has stopped");
            }
            lane.open().unwrap();
        }
    });
}

#[test]
fn a_lane_that_is_opened_beside_the_supervisors_stop_is_closed_with_it() {
    in_time(|| {
        let s = pool(1);
        let lane = s.lane("io", LaneConfig::new().threads(1)).unwrap();
        for round in 0..300 {
            s.start().unwrap();
            lane.stop();
            let opener = {
                let (s, lane) = (Supervisor::clone(&s), lane.clone());
                thread::spawn(move || {
                    (lane.open().is_ok(), s.lane(format!("other{round}"), LaneConfig::new()).unwrap())
                })
            };
            assert!(s.stop().complete);
            let (_, other) = opener.join().unwrap();
            assert!(!lane.info().is_open && !other.info().is_open);
            assert!(lane.start(async {}).wait().is_err());
        }
    });
}

fn stop_threads(s: &Tested) -> usize {
    s.threads().iter().filter(|name| name.ends_with("-stop")).count()
}

#[test]
fn a_stop_of_a_lane_has_one_leader_however_many_ask() {
    in_time(|| {
        let s = pool(1);
        let lane = s.lane("io", LaneConfig::new().threads(1)).unwrap();
        let gate = Gate::new();
        let (held, (tell, told)) = (gate.clone(), mpsc::channel());
        let (own, inside) = (lane.clone(), Supervisor::clone(&s));
        let task = lane.start(async move {
            for _ in 0..100 {
                assert!(!own.stop().complete && !inside.find_lane("io").unwrap().stop_now().complete);
            }
            tell.send(()).unwrap();
            held.wait();
        });
        told.recv_timeout(PATIENCE).unwrap();
        for _ in 0..100 {
            // Each asks, and is dropped.
            let mut stop = pin!(lane.stop_async());
            assert!(stop.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        assert!(stop_threads(&s) <= 1, "{:?}", s.threads());
        gate.open();
        assert!(lane.stop().complete);
        assert!(task.wait().is_ok());
        assert!(s.stop().complete);
        eventually("its leader is gone", || stop_threads(&s) == 0);
    });
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn a_stop_of_a_supervisor_that_was_never_started_wakes_all_who_wait_for_it() {
    in_time(|| {
        let s = Supervisor::new("never", Config::new()).unwrap();
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut requested = pin!(s.stop_requested());
        assert!(requested.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert!(s.stop().complete);
        assert!(woken.0.load(Ordering::SeqCst), "nobody has woken it");
        assert_eq!(requested.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Ready(()));
    });
}

/// Workers that start with their supervisor, while a stop comes: the next start finds them all.
#[test]
fn a_stop_beside_a_start_loses_no_autostart_worker() {
    in_time(|| {
        let s = pool(2);
        let start = |_| background_worker(|| ()).event().autostart(true).supervisor(&s).start().unwrap();
        let workers: Vec<EventWorker> = (0..50).map(start).collect();
        s.stop();
        for _ in 0..300 {
            thread::scope(|scope| {
                let stopper = scope.spawn(|| {
                    eventually("it starts", || s.info().state != SupervisorState::Stopped);
                    s.stop();
                });
                s.start().unwrap();
                stopper.join().unwrap();
            });
            s.stop();
            s.start().unwrap();
            let up = workers.iter().filter(|worker| worker.is_running()).count();
            assert_eq!(up, 50);
            s.stop();
        }
    });
}

/// A bounded stop has given up on its body, which ends after the next start.
#[test]
fn an_autostart_worker_that_was_given_up_on_starts_again_when_its_body_has_ended() {
    in_time(|| {
        let s = pool(2);
        let gate = Gate::new();
        let (held, (tell, told)) = (gate.clone(), mpsc::channel());
        let body = move |_: &WorkerContext| {
            tell.send(()).unwrap();
            held.wait();
        };
        let worker = background_worker(body).event().autostart(true).supervisor(&s).start().unwrap();
        assert!(worker.trigger());
        told.recv_timeout(PATIENCE).unwrap();
        assert!(!s.stop_timeout(Duration::ZERO).complete);
        s.start().unwrap();
        assert!(worker.is_running() && !worker.trigger(), "its earlier life still goes on");
        gate.open();
        eventually("its next life has begun", || worker.trigger());
        told.recv_timeout(PATIENCE).unwrap();
        assert!(s.stop().complete);
        s.start().unwrap();
        assert!(worker.is_running());
    });
}

/// Who has seen a worker's end finds every count of it in its place.
#[test]
fn counts_are_exact_for_whoever_has_seen_a_worker_end() {
    in_time(|| {
        let s = pool(2);
        for round in 1..=500 {
            let worker = background_worker(|_: u32| ()).queue().supervisor(&s).start().unwrap();
            let before = s.info().totals.worker_slices;
            worker.put(1).unwrap();
            if round % 2 == 0 {
                worker.stop();
            } else {
                worker.request_stop();
                eventually("it has ended", || !worker.is_running());
            }
            let info = s.info();
            assert_eq!((info.active.total(), info.queued.total()), (0, 0));
            assert!(info.totals.worker_slices > before, "its last slice is not counted, in round {round}");
            assert_eq!(worker.info().runs, 1);
        }
    });
}

/// A stop that ends finds everything at rest, whoever else takes what waits in the same moment.
#[test]
fn a_stop_beside_cancels_is_complete_and_leaves_nothing_queued() {
    in_time(|| {
        let s = pool(1);
        for _ in 0..200 {
            s.start().unwrap();
            let gate = Gate::new();
            let held = gate.clone();
            let blocker = running(&s, move || held.wait());
            let queued: Vec<_> = (0..20).map(|_| background_task(|| ()).supervisor(&s).start()).collect();
            thread::scope(|scope| {
                scope.spawn(|| queued.iter().for_each(|task| _ = task.cancel()));
                gate.open();
                let report = s.stop();
                assert!(report.complete);
            });
            assert_eq!(s.info().queued.total(), 0);
            blocker.wait().unwrap();
        }
    });
}

/// Several stops and a start at once: the run that begins is whole.
#[test]
fn stops_beside_each_other_and_a_start_leave_the_new_run_alone() {
    in_time(|| {
        let s = pool(2);
        for _ in 0..500 {
            s.start().unwrap();
            thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| s.stop_timeout(Duration::ZERO));
                }
                s.stop_timeout(Duration::ZERO);
                eventually("it has stopped", || s.start().is_ok());
            });
            // The other stops may have been of this run too. Where none was, it works.
            if s.info().state == SupervisorState::Running {
                let worker = background_worker(|| ()).event().supervisor(&s).start().unwrap();
                assert!(worker.trigger());
                background_task(|| ()).supervisor(&s).start().wait().unwrap();
                background_future(async {}).supervisor(&s).start().wait().unwrap();
            }
            s.stop();
        }
    });
}

/// Its own stop has ended when its supervisor has stopped, however soon that starts again.
#[test]
fn a_lanes_own_stop_returns_beside_a_restart_of_its_supervisor() {
    in_time(|| {
        let s = pool(1);
        let lane = s.lane("io", LaneConfig::new().threads(1)).unwrap();
        let work = || {
            lane.stop();
            lane.stop_timeout(Duration::from_millis(1));
        };
        let restarts = || {
            for round in 0..300 {
                if round % 2 == 0 {
                    s.stop()
                } else {
                    s.stop_timeout(Duration::ZERO)
                };
                s.start().unwrap();
                _ = lane.start(async {}).wait();
            }
        };
        beside(work, restarts);
        s.stop();
        s.start().unwrap();
        assert_eq!(lane.start(async { 5 }).wait().unwrap(), 5);
    });
}

/// A waker is the user's: a stop in it requests, and does not wait for the thread that it is called on.
#[test]
fn a_stop_in_a_waker_of_those_who_wait_for_a_stop_only_asks() {
    struct Stops(Supervisor, mpsc::Sender<bool>);
    impl Wake for Stops {
        fn wake(self: Arc<Self>) {
            self.1.send(self.0.stop().complete).unwrap();
        }
    }
    in_time(|| {
        let s = pool(1);
        s.start().unwrap();
        let (tell, told) = mpsc::channel();
        let waker = Waker::from(Arc::new(Stops(Supervisor::clone(&s), tell)));
        let mut requested = pin!(s.stop_requested());
        assert!(requested.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert!(s.stop_timeout(PATIENCE).complete);
        assert!(!told.recv_timeout(PATIENCE).unwrap());
    });
}

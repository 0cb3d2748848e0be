//! A stop called from inside only asks: it never waits for itself.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use atasker::{
    Priority, StopReport, Supervisor, SupervisorState, Task, Worker, WorkerContext, WorkerError, background_future,
    background_task, background_worker,
};

use crate::support::{OnDrop, PATIENCE, Tested, eventually, in_time, pool, start};

/// Every way to stop.
const STOPS: [fn(&Supervisor) -> StopReport; 3] =
    [Supervisor::stop, Supervisor::stop_now, |s| s.stop_timeout(PATIENCE * 100)];

/// Calls a stop when it is dropped.
type Stopper = OnDrop<Box<dyn FnOnce() + Send>>;

/// Calls `inside` with each way to stop, to be dropped somewhere inside: it returns at once, and the supervisor stops.
fn each_only_asks(inside: impl Fn(&Tested, Stopper) + Send + Clone + 'static) {
    for stop in STOPS {
        let inside = inside.clone();
        in_time(move || {
            let s = pool(1);
            s.start().unwrap();
            let (tell, told) = mpsc::channel();
            let inner = s.clone();
            inside(&s, OnDrop::new(Box::new(move || tell.send(stop(&inner)).unwrap())));
            let report: StopReport = told.recv_timeout(PATIENCE).unwrap();
            assert!(!report.complete, "{report}");
            assert!(s.stop().complete);
            assert_eq!(s.info().state, SupervisorState::Stopped);
        });
    }
}

#[test]
fn stop_in_a_task_only_asks() {
    each_only_asks(|s, stopper| start(s, move || drop(stopper)).wait().unwrap());
}

#[test]
fn stop_in_a_critical_task_only_asks() {
    each_only_asks(|s, stopper| {
        let body = move || drop(stopper);
        background_task(body).priority(Priority::Critical).supervisor(s).start().wait().unwrap();
    });
}

#[test]
fn stop_in_a_task_that_a_waiter_runs_only_asks() {
    each_only_asks(|s, stopper| {
        let inner = Supervisor::clone(s);
        start(s, move || start(&inner, move || drop(stopper)).wait().unwrap()).wait().unwrap();
    });
}

/// It is called by the thread that leads the stop which cancels the task.
#[test]
fn stop_in_a_waker_of_a_cancelled_task_only_asks() {
    struct Waking(Mutex<Option<Stopper>>);
    impl Wake for Waking {
        fn wake(self: Arc<Self>) {
            drop(self.0.lock().unwrap().take());
        }
    }
    fn cancelled(s: &Tested, mut queued: Task<()>, stopper: Stopper) {
        let waker = Waker::from(Arc::new(Waking(Mutex::new(Some(stopper)))));
        assert!(Pin::new(&mut queued).poll(&mut Context::from_waker(&waker)).is_pending());
        let s = Supervisor::clone(s);
        let stop = std::thread::spawn(move || s.stop_now());
        eventually("it is cancelled", || queued.is_finished());
        stop.join().unwrap();
    }
    each_only_asks(|s, stopper| {
        cancelled(s, background_task(|| ()).delay(PATIENCE * 100).supervisor(s).start(), stopper);
    });
    each_only_asks(|s, stopper| {
        let queued = background_future(async {}).delay(PATIENCE * 100).supervisor(s).start();
        cancelled(s, queued, stopper);
    });
}

#[test]
fn stop_in_a_worker_s_body_only_asks() {
    each_only_asks(|s, stopper| {
        let mut stopper = Some(stopper);
        let worker = background_worker(move || drop(stopper.take())).event().supervisor(s).start().unwrap();
        assert!(worker.trigger());
    });
    each_only_asks(|s, stopper| {
        let worker = background_worker(|item: Stopper| drop(item)).queue().supervisor(s).start().unwrap();
        assert!(worker.put(stopper).is_ok());
    });
}

struct InHook {
    hook: &'static str,
    stopper: Option<Stopper>,
}

impl InHook {
    fn called(&mut self, hook: &str) {
        if hook == self.hook {
            drop(self.stopper.take());
        }
    }
}

impl Worker for InHook {
    type Output = Result<(), String>;

    fn run(&mut self, _cx: &WorkerContext) -> Self::Output {
        Err("as told".to_owned())
    }

    fn on_start(&mut self, _cx: &WorkerContext) {
        self.called("on_start");
    }

    fn on_stop(&mut self, _cx: &WorkerContext) {
        self.called("on_stop");
    }

    fn on_error(&mut self, _error: &WorkerError, _cx: &WorkerContext) {
        self.called("on_error");
    }
}

#[test]
fn stop_in_a_hook_only_asks() {
    for hook in ["on_start", "on_error"] {
        each_only_asks(move |s, stopper| {
            let body = InHook { hook, stopper: Some(stopper) };
            let worker = background_worker(body).event().supervisor(s).start().unwrap();
            worker.trigger();
        });
    }
    // Both when the worker alone is stopped, and by the supervisor's stop.
    each_only_asks(|s, stopper| {
        let body = InHook { hook: "on_stop", stopper: Some(stopper) };
        let worker = background_worker(body).event().supervisor(s).start().unwrap();
        eventually("it has begun", || worker.info().state == atasker::WorkerState::Idle);
        worker.stop();
    });
    each_only_asks(|s, stopper| {
        let body = InHook { hook: "on_stop", stopper: Some(stopper) };
        let worker = background_worker(body).event().supervisor(s).start().unwrap();
        eventually("it has begun", || worker.info().state == atasker::WorkerState::Idle);
        s.stop();
    });
}

#[test]
fn stop_in_the_hook_for_slow_starts_only_asks() {
    each_only_asks(|s, stopper| {
        s.set_config(s.config().warn_after(Duration::from_millis(1))).unwrap();
        let stopper = std::sync::Mutex::new(Some(stopper));
        let (tell, told) = mpsc::channel();
        s.on_slow_start(move |slow| {
            if slow.name == "slow" {
                drop(stopper.lock().unwrap().take());
                _ = tell.send(());
            }
        });
        let (gate, _running) = s.occupy(1, Priority::Normal);
        background_task(|| ()).name("slow").supervisor(s).detach();
        told.recv_timeout(PATIENCE).unwrap();
        gate.open();
    });
}

#[test]
fn stop_in_drop_of_a_task_s_argument_only_asks() {
    each_only_asks(|s, stopper| {
        start(s, move || {
            let _at_the_end = &stopper;
        })
        .wait()
        .unwrap();
    });
}

#[test]
fn stop_in_drop_of_a_result_nobody_collects_only_asks() {
    each_only_asks(|s, stopper| background_task(move || stopper).supervisor(s).detach());
}

#[test]
fn stop_in_drop_of_a_payload_nobody_collects_only_asks() {
    each_only_asks(|s, stopper| {
        let stopper = std::sync::Mutex::new(stopper);
        background_task(move || std::panic::panic_any(stopper)).supervisor(s).detach();
    });
}

#[test]
fn stop_in_drop_of_a_cancelled_task_only_asks() {
    for delay in [Duration::ZERO, Duration::MAX] {
        // Cancelled by its handle,
        each_only_asks(move |s, stopper| {
            let (gate, _running) = s.occupy(1, Priority::Normal);
            let task = background_task(move || drop(stopper)).delay(delay).supervisor(s).start();
            task.cancel();
            gate.open();
        });
        // by a stop from outside,
        each_only_asks(move |s, stopper| {
            let (gate, _running) = s.occupy(1, Priority::Normal);
            let task = background_task(move || drop(stopper)).delay(delay).supervisor(s).start();
            std::thread::scope(|scope| {
                scope.spawn(|| s.stop_now());
                eventually("it is cancelled", || task.is_finished());
                gate.open();
            });
        });
        // by a stop from inside.
        each_only_asks(move |s, stopper| {
            let inner = Supervisor::clone(s);
            start(s, move || {
                let task = background_task(move || drop(stopper)).delay(delay).supervisor(&inner).start();
                inner.stop_now();
                assert!(task.is_finished());
            })
            .wait()
            .unwrap();
        });
    }
}

#[test]
fn stop_in_drop_of_a_worker_s_state_only_asks() {
    each_only_asks(|s, stopper| {
        let body = InHook { hook: "none", stopper: Some(stopper) };
        // Its handle would keep the state.
        drop(background_worker(body).event().supervisor(s).start().unwrap());
        s.stop();
    });
    each_only_asks(|s, stopper| {
        drop(background_worker(move || _ = &stopper).event().supervisor(s).start().unwrap());
        s.stop();
    });
}

#[test]
fn stop_in_drop_of_a_discarded_item_only_asks() {
    each_only_asks(|s, stopper| {
        let worker = background_worker(|_: Stopper| ()).queue().supervisor(s).start().unwrap();
        worker.pause();
        assert!(worker.put(stopper).is_ok());
        s.stop_now();
    });
}

/// Dropped outside, after the end, it is a stop like any other, and waits.
#[test]
fn stop_in_drop_of_a_collected_result_stops() {
    in_time(|| {
        let s = pool(1);
        let (inner, (tell, told)) = (s.clone(), mpsc::channel());
        let task = start(&s, move || OnDrop::new(move || tell.send(inner.stop()).unwrap()));
        eventually("it has ended", || task.is_finished());
        drop(task);
        assert!(told.recv().unwrap().complete);
    });
}

#[test]
fn stop_in_a_body_of_another_supervisor_waits() {
    in_time(|| {
        let (one, other) = (pool(1), pool(1));
        let inner = other.clone();
        other.start().unwrap();
        assert!(start(&one, move || inner.stop()).wait().unwrap().complete);
    });
}

#[test]
fn block_in_a_body_returns_when_a_stop_is_asked() {
    in_time(|| {
        let s = pool(2);
        let inner = s.clone();
        let (tell, told) = mpsc::channel();
        let task = start(&s, move || {
            tell.send(()).unwrap();
            inner.block();
            inner.info().state
        });
        told.recv().unwrap();
        assert!(s.stop().complete);
        assert_eq!(task.wait().unwrap(), SupervisorState::Stopping);
    });
}

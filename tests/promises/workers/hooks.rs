//! Hooks: when they are called, and that what they do harms nobody.

use std::sync::mpsc::{self, Receiver, Sender};

use atasker::{Config, Priority, QueueBody, Supervisor, Worker, WorkerContext, WorkerError, background_worker};

use super::HOUR;
use crate::support::{Gate, next, pool, returns, supervisor};

/// What a hook (or a run) does besides telling.
type InHook = Box<dyn FnMut(&str, &WorkerContext) + Send>;

/// Tells of each call.
struct Teller {
    tell: Sender<String>,
    in_hook: Option<InHook>,
}

impl Teller {
    fn new() -> (Self, Receiver<String>) {
        let (tell, told) = mpsc::channel();
        (Self { tell, in_hook: None }, told)
    }

    fn doing(in_hook: impl FnMut(&str, &WorkerContext) + Send + 'static) -> (Self, Receiver<String>) {
        let (teller, told) = Self::new();
        (Self { in_hook: Some(Box::new(in_hook)), ..teller }, told)
    }

    fn tell(&mut self, what: &str, cx: &WorkerContext) {
        self.tell.send(format!("{what} {}", cx.run())).unwrap();
        if let Some(in_hook) = &mut self.in_hook {
            in_hook(what, cx);
        }
    }
}

impl Worker for Teller {
    type Output = ();

    fn run(&mut self, cx: &WorkerContext) {
        self.tell("run", cx);
    }

    fn on_start(&mut self, cx: &WorkerContext) {
        self.tell("start", cx);
    }

    fn on_stop(&mut self, cx: &WorkerContext) {
        self.tell("stop", cx);
    }
}

impl QueueBody for Teller {
    type Item = ();
    type Output = ();

    fn run(&mut self, (): (), cx: &WorkerContext) {
        self.tell("run", cx);
    }

    fn on_start(&mut self, cx: &WorkerContext) {
        self.tell("start", cx);
    }

    fn on_stop(&mut self, cx: &WorkerContext) {
        self.tell("stop", cx);
    }
}

fn all(told: &Receiver<String>) -> Vec<String> {
    told.try_iter().collect()
}

#[test]
fn on_start_comes_before_the_first_run_and_on_stop_has_run_when_stop_returns() {
    let s = pool(2);
    let (body, told) = Teller::new();
    let worker = background_worker(body).event().supervisor(&s).start().unwrap();
    assert_eq!(next(&told), "start 0", "on_start needs no trigger");
    worker.trigger();
    assert_eq!(next(&told), "run 1");
    worker.trigger();
    assert_eq!(next(&told), "run 2");
    worker.stop();
    worker.stop();
    assert_eq!(all(&told), ["stop 2"]);
}

#[test]
fn on_stop_has_run_when_the_supervisor_has_stopped() {
    let s = pool(2);
    let (body, told) = Teller::new();
    background_worker(body).interval(HOUR).supervisor(&s).start().unwrap();
    assert_eq!((next(&told), next(&told)), ("start 0".to_owned(), "run 1".to_owned()));
    assert!(s.stop().complete);
    assert_eq!(all(&told), ["stop 1"]);
}

#[test]
fn a_worker_stopped_before_its_first_slice_has_no_hook_called() {
    let s = pool(1);
    let (gate, _full) = s.occupy(1, Priority::Normal);
    let (body, told) = Teller::new();
    let worker = background_worker(body).event().supervisor(&s).start().unwrap();
    worker.stop();
    gate.open();
    assert!(all(&told).is_empty());
}

/// What is queued is worked off by a stop, and no run comes without `on_start` before it and `on_stop` after it.
#[test]
fn items_of_a_queue_stopped_before_its_first_slice_run_between_the_hooks() {
    let s = pool(1);
    let (gate, _full) = s.occupy(1, Priority::Normal);
    let (body, told) = Teller::new();
    let worker = background_worker(body).queue().supervisor(&s).start().unwrap();
    worker.put(()).unwrap();
    worker.put(()).unwrap();
    worker.request_stop();
    gate.open();
    worker.stop();
    assert_eq!(all(&told), ["start 0", "run 1", "run 2", "stop 2"]);
}

#[test]
fn on_stop_runs_although_the_pool_is_full() {
    let s = pool(1);
    let (body, told) = Teller::new();
    let worker = background_worker(body).event().priority(Priority::Low).supervisor(&s).start().unwrap();
    assert_eq!(next(&told), "start 0");
    let (gate, _full) = s.occupy(1, Priority::Low);
    worker.stop();
    assert_eq!(all(&told), ["stop 0"]);
    gate.open();
}

#[test]
fn a_paused_worker_gets_its_on_stop() {
    let s = pool(1);
    let (body, told) = Teller::new();
    let worker = background_worker(body).event().supervisor(&s).start().unwrap();
    assert_eq!(next(&told), "start 0");
    worker.pause();
    worker.stop();
    assert_eq!(all(&told), ["stop 0"]);
}

#[test]
fn stops_from_hooks_do_not_wait_for_themselves() {
    for in_hook in ["start", "stop"] {
        let s = pool(1);
        let (tell, told) = mpsc::channel();
        let handle = mpsc::channel::<atasker::EventWorker>();
        let (body, calls) = Teller::doing(move |what, cx| {
            if what == in_hook {
                next(&handle.1).stop();
                tell.send(cx.supervisor().stop().complete).unwrap();
            }
        });
        let worker = background_worker(body).event().supervisor(&s).start().unwrap();
        handle.0.send(worker.clone()).unwrap();
        assert_eq!(next(&calls), "start 0");
        worker.request_stop();
        assert!(!next(&told), "inside a hook it only asks");
        assert!(s.stop().complete);
    }
}

#[test]
fn a_hook_that_panics_is_counted_and_harms_nobody() {
    let s = pool(2);
    let (body, told) = Teller::doing(|what, _cx| assert_eq!(what, "run", "a hook panics"));
    let worker = background_worker(body).event().supervisor(&s).start().unwrap();
    assert_eq!(next(&told), "start 0");
    worker.trigger();
    assert_eq!(next(&told), "run 1");
    worker.stop();
    assert_eq!(all(&told), ["stop 1"]);
    assert_eq!((worker.info().panics, worker.info().errors), (2, 0));
}

/// Its `on_error` panics too, and is not asked about that.
struct Hopeless(Sender<bool>);

impl Worker for Hopeless {
    type Output = Result<(), &'static str>;

    fn run(&mut self, cx: &WorkerContext) -> Self::Output {
        assert!(cx.run() == 1, "the body panics");
        Err("the body failed")
    }

    fn on_error(&mut self, error: &WorkerError, _cx: &WorkerContext) {
        self.0.send(error.is_panic()).unwrap();
        panic!("the hook panics");
    }
}

#[test]
fn a_panic_of_on_error_is_counted_and_not_recursive() {
    let s = pool(2);
    let (tell, told) = mpsc::channel();
    let worker = background_worker(Hopeless(tell)).event().supervisor(&s).start().unwrap();
    worker.trigger();
    assert!(!next(&told));
    worker.trigger();
    assert!(next(&told));
    worker.stop();
    assert!(told.try_recv().is_err(), "once for each run");
    let info = worker.info();
    assert_eq!((info.runs, info.errors, info.panics), (2, 1, 3), "one Err, one panic, two panics of the hook");
}

#[test]
fn a_panic_of_the_builders_on_error_is_counted_and_not_recursive() {
    let s = pool(2);
    let (tell, told) = mpsc::channel();
    let worker = background_worker(|| Err::<(), _>("bad"))
        .event()
        .on_error(move |_error| {
            tell.send(()).unwrap();
            panic!("the hook panics");
        })
        .supervisor(&s)
        .start()
        .unwrap();
    worker.trigger();
    next(&told);
    worker.stop();
    assert_eq!((worker.info().errors, worker.info().panics), (1, 1));
    assert!(told.try_recv().is_err());
}

/// Stops what it can reach when it is dropped.
struct StopsInDrop {
    supervisor: Supervisor,
    tell: Sender<bool>,
}

impl Drop for StopsInDrop {
    fn drop(&mut self) {
        ends.stop();
        self.tell.send(self.supervisor.stop().complete).unwrap();
    }
}

#[background_worker(event)]
fn ends(_state: &StopsInDrop, entered: &Sender<()>, gate: &Gate) {
    entered.send(()).unwrap();
    gate.wait();
}

/// A worker without hooks is ended by the one who asks; one with a run under way by a pool thread.
#[test]
fn stops_from_the_drop_of_a_workers_state_do_not_wait_for_themselves() {
    for running in [false, true] {
        let s = pool(1);
        let ((tell, told), (entered, is_in), gate) = (mpsc::channel(), mpsc::channel(), Gate::new());
        let state = StopsInDrop { supervisor: Supervisor::clone(&s), tell };
        ends.on(&s).start(state, entered, gate.clone()).unwrap();
        if running {
            ends.trigger();
            next(&is_in);
        }
        ends.request_stop();
        gate.open();
        assert!(!next(&told), "inside a Drop of its own it only asks");
        returns(|| ends.stop());
    }
}

/// With no room beside the places, `on_stop` still runs, in the place of the body that waits for it.
#[test]
fn a_stop_from_a_full_pool_runs_on_stop_without_critical_room() {
    let s = supervisor(Config::new().pool_size(1).reserve_normal(0).reserve_high(0).critical_max(0));
    let (body, told) = Teller::new();
    let worker = background_worker(body).event().supervisor(&s).start().unwrap();
    assert_eq!(next(&told), "start 0");
    let (done, is_done) = mpsc::channel();
    let stopper = worker.clone();
    atasker::background_task(move || {
        stopper.stop();
        done.send(()).unwrap();
    })
    .supervisor(&s)
    .detach();
    next(&is_done);
    assert_eq!(all(&told), ["stop 0"]);
}

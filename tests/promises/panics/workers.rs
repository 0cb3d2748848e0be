//! Panics in workers' hooks, and in what is put to them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use atasker::{QueueBody, Worker, WorkerContext, WorkerError, background_worker};

use super::{double_bomb, is_well};
use crate::support::{PATIENCE, eventually, in_time, pool};

/// Counted: the run's panic and the hook's. Not recursive: the hook's own panic is no error to call it about.
#[test]
fn a_panic_in_on_error_is_contained_and_counted_and_not_told_to_it() {
    in_time(|| {
        let s = pool(1);
        let calls = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&calls);
        let worker = background_worker(|fails: bool| -> Result<(), &str> {
            assert!(fails, "as told");
            Err("failed")
        })
        .queue()
        .on_error(move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
            panic!("in on_error");
        })
        .supervisor(&s)
        .start()
        .unwrap();
        worker.put(true).unwrap();
        worker.put(false).unwrap();
        worker.put(true).unwrap();
        worker.stop();
        let info = worker.info();
        assert_eq!((info.runs, info.errors, info.panics, calls.load(Ordering::SeqCst)), (3, 2, 1 + 3, 3));
        is_well(&s, 1);
    });
}

struct PanicsInHooks(mpsc::Sender<&'static str>);

impl Worker for PanicsInHooks {
    type Output = ();

    fn run(&mut self, _cx: &WorkerContext) {
        self.0.send("run").unwrap();
        std::panic::panic_any(double_bomb());
    }

    fn on_start(&mut self, _cx: &WorkerContext) {
        self.0.send("on_start").unwrap();
        std::panic::panic_any(double_bomb());
    }

    fn on_stop(&mut self, _cx: &WorkerContext) {
        self.0.send("on_stop").unwrap();
        std::panic::panic_any(double_bomb());
    }

    fn on_error(&mut self, _error: &WorkerError, _cx: &WorkerContext) {
        self.0.send("on_error").unwrap();
        std::panic::panic_any(double_bomb());
    }
}

#[test]
fn a_panic_in_any_hook_of_a_worker_is_contained_and_counted() {
    in_time(|| {
        let s = pool(1);
        let (tell, told) = mpsc::channel();
        let worker = background_worker(PanicsInHooks(tell)).event().supervisor(&s).start().unwrap();
        for _ in 0..2 {
            assert!(worker.trigger());
            while told.recv_timeout(PATIENCE).unwrap() != "on_error" {}
        }
        eventually("the second run has ended", || worker.info().panics >= 5);
        worker.stop();
        assert_eq!(told.recv_timeout(PATIENCE), Ok("on_stop"));
        let info = worker.info();
        assert_eq!((info.runs, info.panics, worker.is_running()), (2, 6, false));
        is_well(&s, 1);
    });
}

#[test]
fn a_panic_in_the_hook_for_slow_starts_is_contained() {
    in_time(|| {
        let s = pool(1);
        s.set_config(s.config().warn_after(std::time::Duration::from_millis(1))).unwrap();
        let (tell, told) = mpsc::channel();
        s.on_slow_start(move |slow| {
            tell.send(slow.name.clone()).unwrap();
            std::panic::panic_any(double_bomb());
        });
        for name in ["first", "second"] {
            let (gate, _running) = s.occupy(1, atasker::Priority::Normal);
            let task = atasker::background_task(|| ()).name(name).supervisor(&s).start();
            while told.recv_timeout(PATIENCE).unwrap() != name {}
            gate.open();
            task.wait().unwrap();
        }
        is_well(&s, 1);
    });
}

struct Fragile(bool);

impl Clone for Fragile {
    fn clone(&self) -> Self {
        assert!(!self.0, "it can't be cloned");
        Fragile(self.0)
    }
}

#[test]
fn a_panic_in_the_clone_of_an_item_unwinds_in_the_caller_only() {
    let s = pool(1);
    let (tell, told) = mpsc::channel();
    let worker = background_worker(move |item: Fragile| tell.send(item.0).unwrap()).queue().supervisor(&s).start();
    let worker = worker.unwrap();
    let fragile = Fragile(true);
    let put = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| worker.put(fragile.clone())));
    assert!(put.is_err());
    worker.put(Fragile(false).clone()).unwrap();
    assert!(!told.recv_timeout(PATIENCE).unwrap());
    worker.stop();
    assert_eq!((worker.info().runs, worker.info().panics), (1, 0));
    is_well(&s, 1);
}

struct Bombs(Option<mpsc::Sender<()>>);

impl QueueBody for Bombs {
    type Item = crate::support::OnDrop<fn()>;
    type Output = ();

    fn run(&mut self, item: Self::Item, _cx: &WorkerContext) {
        drop(item);
    }
}

impl Drop for Bombs {
    fn drop(&mut self) {
        self.0.take().unwrap().send(()).unwrap();
        panic!("dropped");
    }
}

#[test]
fn a_panic_in_drop_of_a_worker_s_state_or_items_is_contained() {
    in_time(|| {
        let s = pool(1);
        let (tell, told) = mpsc::channel();
        let worker = background_worker(Bombs(Some(tell))).queue().on_error(|_| ()).supervisor(&s).start().unwrap();
        worker.put(double_bomb()).unwrap();
        eventually("it has run", || worker.info().panics == 1);
        worker.pause();
        for _ in 0..3 {
            worker.put(double_bomb()).unwrap();
        }
        // Its handle would keep the state.
        drop(worker);
        let report = s.stop_now();
        assert_eq!((report.complete, report.discarded), (true, 3));
        told.recv_timeout(PATIENCE).unwrap();
        s.start().unwrap();
        is_well(&s, 1);
    });
}

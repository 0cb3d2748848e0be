//! Stops of queue workers: worked off or discarded, and always counted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};

use atasker::{Priority, PutError, Supervisor, WorkerState, background_worker};

use super::telling;
use crate::support::{Gate, eventually, next, pool};

#[test]
fn stop_works_off_what_is_queued() {
    let s = pool(1);
    let (gate, _full) = s.occupy(1, Priority::Normal);
    let (worker, told) = telling(&s, 1000);
    for item in 0..1000 {
        worker.put(item).unwrap();
    }
    worker.request_stop();
    assert_eq!((worker.len(), worker.info().state), (1000, WorkerState::Stopping));
    gate.open();
    worker.stop();
    assert_eq!(told.try_iter().collect::<Vec<_>>(), (0..1000).collect::<Vec<_>>());
    assert_eq!((worker.info().runs, worker.info().discarded), (1000, 0));
}

#[test]
fn the_supervisors_stop_works_off_what_is_queued() {
    let s = pool(1);
    let (gate, _full) = s.occupy(1, Priority::Normal);
    let (worker, told) = telling(&s, 1000);
    for item in 0..1000 {
        worker.put(item).unwrap();
    }
    gate.open();
    let report = s.stop();
    assert!(report.complete);
    assert_eq!((report.discarded, told.try_iter().count()), (0, 1000));
}

#[test]
fn stop_now_discards_what_is_queued_and_counts_it() {
    let s = pool(2);
    let (gate, (entered, is_in)) = (Gate::new(), mpsc::channel());
    let held = gate.clone();
    let body = move |item: u32| {
        entered.send(item).unwrap();
        held.wait();
    };
    let worker = background_worker(body).queue().supervisor(&s).start().unwrap();
    let paused = background_worker(|_: u32| ()).queue_bounded(9).supervisor(&s).start().unwrap();
    paused.pause();
    for item in 0..5 {
        worker.put(item).unwrap();
        paused.put(item).unwrap();
    }
    assert_eq!(next(&is_in), 0);
    let stopper = Supervisor::clone(&s);
    let stop = std::thread::spawn(move || stopper.stop_now());
    eventually("items are discarded", || worker.is_empty());
    assert_eq!(worker.put(9), Err(PutError::NotRunning(9)));
    gate.open();
    let report = stop.join().unwrap();
    assert!(report.complete);
    assert_eq!((report.discarded, worker.info().discarded, paused.info().discarded), (9, 4, 5));
    assert_eq!((worker.info().runs, paused.info().runs), (1, 0), "the run under way has ended");
}

/// The second ask is the more urgent one.
#[test]
fn stop_now_discards_what_a_stop_is_working_off() {
    let s = pool(1);
    let (gate, _full) = s.occupy(1, Priority::Normal);
    let (worker, told) = telling(&s, 10);
    for item in 0..10 {
        worker.put(item).unwrap();
    }
    worker.request_stop();
    let stopper = Supervisor::clone(&s);
    let stop = std::thread::spawn(move || stopper.stop_now());
    eventually("items are discarded", || worker.info().discarded == 10);
    gate.open();
    assert_eq!(stop.join().unwrap().discarded, 10);
    assert_eq!(told.try_iter().count(), 0);
}

/// An item's Drop that asks for a stop does not wait for the thread it is called on.
#[test]
fn a_stop_from_the_drop_of_a_discarded_item_does_not_wait_for_itself() {
    struct Item(atasker::QueueWorker<Item>, Supervisor, mpsc::Sender<bool>);
    impl Drop for Item {
        fn drop(&mut self) {
            self.0.stop();
            self.2.send(self.1.stop().complete).unwrap();
        }
    }
    let s = pool(1);
    let (tell, told) = mpsc::channel();
    let worker = background_worker(|_: Item| ()).queue().supervisor(&s).start().unwrap();
    worker.pause();
    assert!(worker.put(Item(worker.clone(), Supervisor::clone(&s), tell)).is_ok());
    let stopper = Supervisor::clone(&s);
    let stop = std::thread::spawn(move || stopper.stop_now());
    assert!(!next(&told), "inside it only asks");
    assert_eq!(stop.join().unwrap().discarded, 1);
}

#[test]
fn discarded_items_are_dropped_before_the_stop_returns() {
    let s = pool(1);
    let item = Arc::new(());
    let worker = background_worker(|_: Arc<()>| ()).queue().supervisor(&s).start().unwrap();
    worker.pause();
    for _ in 0..10 {
        worker.put(Arc::clone(&item)).unwrap();
    }
    assert_eq!(s.stop_now().discarded, 10);
    assert_eq!(Arc::strong_count(&item), 1);
}

/// A run without an item is no run.
#[test]
fn runs_and_discarded_items_are_all_that_were_put() {
    for _ in 0..300 {
        let s = pool(2);
        let ran = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&ran);
        let body = move |_: u32| _ = counter.fetch_add(1, Ordering::Relaxed);
        let worker = background_worker(body).queue().supervisor(&s).start().unwrap();
        let putter = worker.clone();
        let thread = std::thread::spawn(move || (0..1000).filter(|&item| putter.put(item).is_ok()).count() as u64);
        while ran.load(Ordering::Relaxed) < 10 {
            std::thread::yield_now();
        }
        let report = s.stop_now();
        let (put, ran, info) = (thread.join().unwrap(), ran.load(Ordering::Relaxed), worker.info());
        assert_eq!(ran + report.discarded, put);
        assert_eq!((info.runs, info.discarded), (ran, report.discarded));
    }
}

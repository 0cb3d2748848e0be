//! Panics in the Drop of what a worker holds: contained, and nothing else is left undropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use atasker::{WorkerContext, background_worker};

use crate::support::{eventually, pool};

/// A value whose Drop panics, captured by a body.
struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("the drop panics");
        }
    }
}

#[test]
fn a_panic_in_the_drop_of_a_workers_state_is_contained() {
    let s = pool(1);
    let state = PanicsInDrop;
    let idle = background_worker(move || _ = &state).event().supervisor(&s).start().unwrap();
    idle.stop();
    let state = PanicsInDrop;
    let running = background_worker(move |cx: &WorkerContext| {
        _ = &state;
        cx.request_stop();
    })
    .event()
    .supervisor(&s)
    .start()
    .unwrap();
    running.trigger();
    eventually("it has stopped itself", || !running.is_running());
    assert!(!idle.is_running());
}

#[test]
fn a_panic_in_the_drop_of_items_is_contained_and_all_are_dropped() {
    let s = pool(1);
    let (gate, _full) = s.occupy(1, atasker::Priority::Normal);
    let dropped = Arc::new(AtomicU64::new(0));
    struct Item(Arc<AtomicU64>, PanicsInDrop);
    impl Drop for Item {
        fn drop(&mut self) {
            _ = &self.1;
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let worker = background_worker(|_: Item| ()).queue().on_error(|_| ()).supervisor(&s).start().unwrap();
    for _ in 0..5 {
        worker.put(Item(Arc::clone(&dropped), PanicsInDrop)).unwrap();
    }
    let stopper = atasker::Supervisor::clone(&s);
    let stop = std::thread::spawn(move || stopper.stop_now());
    eventually("items are discarded", || dropped.load(Ordering::Relaxed) == 5);
    gate.open();
    assert_eq!(stop.join().unwrap().discarded, 5);
    assert_eq!(worker.info().discarded, 5);
}

//! Queues: what a put comes to, and that no item is lost.

mod full;
mod races;
mod stops;
mod taken;

use std::sync::mpsc;

use atasker::{Error, Priority, PutError, QueueWorker, background_worker};

use crate::support::{Tested, next, pool};

/// A bounded queue whose consumer tells of each item, and a pool that is full until the gate opens.
fn telling(s: &Tested, capacity: usize) -> (QueueWorker<u32>, mpsc::Receiver<u32>) {
    let (tell, told) = mpsc::channel();
    let body = move |item: u32| tell.send(item).unwrap();
    (background_worker(body).queue_bounded(capacity).supervisor(s).start().unwrap(), told)
}

#[test]
fn a_full_queue_gives_the_item_of_try_put_back() {
    let s = pool(1);
    let (gate, _full) = s.occupy(1, Priority::Normal);
    let (worker, told) = telling(&s, 2);
    worker.try_put(1).unwrap();
    worker.try_put(2).unwrap();
    assert_eq!(worker.try_put(3), Err(PutError::Full(3)));
    assert_eq!(worker.try_put(4).unwrap_err().into_inner(), 4);
    assert_eq!(worker.len(), 2);
    gate.open();
    assert_eq!([next(&told), next(&told)], [1, 2]);
    worker.try_put(5).unwrap();
    assert_eq!(next(&told), 5);
    worker.stop();
}

#[test]
fn a_queue_without_bound_is_never_full() {
    let s = pool(1);
    let (gate, _full) = s.occupy(1, Priority::Normal);
    let worker = background_worker(|_: u32| ()).queue().supervisor(&s).start().unwrap();
    for item in 0..100_000 {
        worker.try_put(item).unwrap();
    }
    assert_eq!(worker.len(), 100_000);
    gate.open();
    worker.stop();
    assert_eq!(worker.info().runs, 100_000);
}

#[test]
fn a_put_to_a_worker_that_does_not_run_gives_the_item_back() {
    let s = pool(1);
    let (worker, told) = telling(&s, 1);
    worker.stop();
    let item = Box::new(7);
    let moved = background_worker(|_: Box<u32>| ()).queue().supervisor(&s).start().unwrap();
    moved.stop();
    match moved.put(item) {
        Err(PutError::NotRunning(item)) => assert_eq!(*item, 7),
        other => panic!("{other:?}"),
    }
    assert_eq!(worker.try_put(1), Err(PutError::NotRunning(1)));
    assert_eq!(worker.put(2), Err(PutError::NotRunning(2)));
    assert_eq!(worker.put_timeout(3, std::time::Duration::MAX), Err(PutError::NotRunning(3)));
    assert!(told.try_recv().is_err());
}

#[test]
fn a_put_from_the_ask_for_a_stop_on_gives_the_item_back() {
    let s = pool(1);
    let (gate, _full) = s.occupy(1, Priority::Normal);
    let (worker, told) = telling(&s, 10);
    worker.put(1).unwrap();
    worker.request_stop();
    assert!(worker.is_running(), "it has an item to work off");
    assert_eq!(worker.put(2), Err(PutError::NotRunning(2)));
    gate.open();
    worker.stop();
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [1]);
}

#[test]
fn a_put_of_a_body_is_taken_after_the_ask_for_the_supervisors_stop_and_a_callers_comes_back() {
    let s = pool(1);
    let (worker, told) = telling(&s, 10);
    let (tell, refused) = mpsc::channel();
    let own = worker.clone();
    let other = background_worker(move |cx: &atasker::WorkerContext| {
        cx.supervisor().stop();
        let callers = std::thread::scope(|scope| scope.spawn(|| own.put(2)).join().unwrap());
        tell.send((own.put(1), callers)).unwrap();
    });
    other.supervisor(&s).start().unwrap();
    assert_eq!(next(&refused), (Ok(()), Err(PutError::NotRunning(2))));
    s.stop();
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [1]);
}

#[test]
fn a_panic_in_the_clone_of_an_item_unwinds_in_the_caller() {
    struct Fragile;
    impl Clone for Fragile {
        fn clone(&self) -> Self {
            panic!("no clone")
        }
    }
    let s = pool(1);
    let worker = background_worker(|_: Fragile| ()).queue().supervisor(&s).start().unwrap();
    let putter = worker.clone();
    let unwound = std::thread::spawn(move || putter.put(Fragile.clone())).join();
    assert!(unwound.is_err());
    worker.put(Fragile).unwrap();
    worker.stop();
    assert_eq!((worker.info().runs, worker.info().panics), (1, 0));
}

#[test]
fn a_capacity_of_zero_is_an_error() {
    let s = pool(1);
    match background_worker(|_: u32| ()).queue_bounded(0).supervisor(&s).start() {
        Err(Error::Config(error)) => assert_eq!((error.field(), error.value()), ("queue", "0")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn put_errors_convert_for_any_item() {
    struct Plain;
    fn put_both(worker: &QueueWorker<Plain>) -> atasker::Result<()> {
        worker.put(Plain)?;
        worker.try_put(Plain)?;
        Ok(())
    }
    let s = pool(1);
    let (gate, _full) = s.occupy(1, Priority::Normal);
    let worker = background_worker(|_: Plain| ()).queue_bounded(1).supervisor(&s).start().unwrap();
    assert!(matches!(put_both(&worker), Err(Error::Full)));
    gate.open();
    worker.stop();
    assert!(matches!(put_both(&worker), Err(Error::NotRunning)));
    let full = PutError::Full(Plain);
    assert!(format!("{full:?}") == full.to_string() && full.to_string().contains("full"));
}

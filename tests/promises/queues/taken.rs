//! The runner takes all that has gathered at once; to everybody else what it has not begun is still in the queue.

use std::sync::mpsc;

use atasker::{Priority, PutError, QueueWorker, Supervisor, WorkerState, background_worker};

use crate::support::{Drops, Gate, Tested, eventually, next, pool};

/// A consumer that is in the first of four items, with the others behind it, until its gate opens.
fn in_the_first_of_four(s: &Tested, gate: &Gate) -> (QueueWorker<u32>, mpsc::Receiver<u32>) {
    let (filling, _full) = s.occupy(1, Priority::Normal);
    let ((tell, told), held) = (mpsc::channel(), gate.clone());
    let body = move |item: u32| {
        tell.send(item).unwrap();
        held.wait();
    };
    let worker = background_worker(body).queue_bounded(4).supervisor(s).start().unwrap();
    (1..=4).for_each(|item| worker.put(item).unwrap());
    filling.open();
    assert_eq!(next(&told), 1);
    (worker, told)
}

#[test]
fn items_behind_the_one_that_runs_are_counted_and_make_no_room() {
    let (s, gate) = (pool(1), Gate::new());
    let (worker, told) = in_the_first_of_four(&s, &gate);
    assert_eq!((worker.len(), worker.info().runs), (3, 1));
    worker.try_put(5).unwrap();
    assert_eq!(worker.try_put(6), Err(PutError::Full(6)));
    assert_eq!(worker.len(), 4);
    gate.open();
    assert_eq!([(); 4].map(|()| next(&told)), [2, 3, 4, 5]);
    worker.stop();
    assert_eq!(worker.info().runs, 5);
}

#[test]
fn a_pause_holds_the_items_behind_the_one_that_runs() {
    let (s, gate) = (pool(1), Gate::new());
    let (worker, told) = in_the_first_of_four(&s, &gate);
    worker.pause();
    worker.put(5).unwrap();
    gate.open();
    // The place is free, so the run under way has ended.
    eventually("its place is free", || s.info().active.total() == 0);
    assert_eq!((worker.info().state, worker.len(), worker.info().runs), (WorkerState::Paused, 4, 1));
    worker.resume();
    assert_eq!([(); 4].map(|()| next(&told)), [2, 3, 4, 5]);
    worker.stop();
}

/// A body that waits for the putter must not wait for ever.
#[test]
fn a_put_gets_the_room_of_the_item_that_runs() {
    let s = pool(1);
    let (filling, _full) = s.occupy(1, Priority::Normal);
    let (put, when_put) = mpsc::channel();
    let body = move |item: u32| {
        if item == 1 {
            assert_eq!(next(&when_put), Ok(()));
        }
    };
    let worker = background_worker(body).queue_bounded(3).supervisor(&s).start().unwrap();
    (1..=3).for_each(|item| worker.put(item).unwrap());
    let putter = worker.clone();
    let waiting = std::thread::spawn(move || put.send(putter.put(4)).unwrap());
    filling.open();
    waiting.join().unwrap();
    worker.stop();
    assert_eq!((worker.info().runs, worker.info().panics), (4, 0));
}

#[test]
fn stop_now_drops_the_items_behind_the_one_that_runs_at_once() {
    let (s, gate, drops) = (pool(1), Gate::new(), Drops::new());
    let (filling, _full) = s.occupy(1, Priority::Normal);
    let ((entered, is_in), held) = (mpsc::channel(), gate.clone());
    let worker = background_worker(move |item: Box<dyn Send + Sync>| {
        entered.send(()).unwrap();
        held.wait();
        drop(item);
    });
    let worker = worker.queue().supervisor(&s).start().unwrap();
    (0..9).for_each(|_| worker.put(Box::new(drops.value())).unwrap());
    filling.open();
    next(&is_in);
    let stopper = Supervisor::clone(&s);
    let stop = std::thread::spawn(move || stopper.stop_now());
    eventually("items are dropped while the body runs", || drops.count() == 8);
    assert_eq!(worker.len(), 0);
    gate.open();
    assert_eq!(stop.join().unwrap().discarded, 8);
    assert_eq!((drops.count(), worker.info().runs, worker.info().discarded), (9, 1, 8));
}

#[test]
fn a_panic_leaves_the_items_behind_it_in_order() {
    let s = pool(1);
    let (filling, _full) = s.occupy(1, Priority::Normal);
    let (tell, told) = mpsc::channel();
    let body = move |item: u32| {
        tell.send(item).unwrap();
        assert!(!item.is_multiple_of(3), "every third");
    };
    let worker = background_worker(body).queue().on_error(|_| ()).supervisor(&s).start().unwrap();
    (0..100).for_each(|item| worker.put(item).unwrap());
    filling.open();
    worker.stop();
    assert_eq!(told.try_iter().collect::<Vec<_>>(), (0..100).collect::<Vec<_>>());
    assert_eq!((worker.info().runs, worker.info().panics), (100, 34));
}

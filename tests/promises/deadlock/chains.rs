//! Waits upon waits upon waits.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, ThreadId};

use atasker::{Config, Supervisor, TaskError, background_worker};

use crate::support::{PATIENCE, in_time, pool, start, supervisor};

/// Each task starts the next and waits for it.
fn chain(s: Supervisor, length: u32) -> u32 {
    if length == 0 {
        return 0;
    }
    let inner = s.clone();
    start(&s, move || chain(inner, length - 1)).wait().unwrap() + 1
}

#[test]
fn a_chain_of_5000_waits_completes_with_one_place() {
    in_time(|| {
        let s = pool(1);
        let inner = s.clone();
        assert_eq!(start(&s, move || chain(inner, 5_000)).wait().unwrap(), 5_000);
        s.stop();
        let info = s.info();
        assert_eq!((info.totals.completed, info.totals.largest_active), (5_001, 1));
        assert_eq!((info.active.total(), info.queued.total()), (0, 0));
    });
}

#[test]
fn many_chains_at_once_complete() {
    in_time(|| {
        for places in [1, 2, 5] {
            let s = pool(places);
            let chains: Vec<_> = (0..20)
                .map(|_| {
                    let inner = s.clone();
                    start(&s, move || chain(inner, 150))
                })
                .collect();
            assert_eq!(atasker::wait_completed(chains).unwrap(), [150; 20]);
            s.stop();
            assert!(s.info().totals.largest_active <= places);
        }
    });
}

#[test]
fn a_worker_s_body_waits_for_tasks_with_one_place() {
    in_time(|| {
        let s = pool(1);
        let (tell, told) = mpsc::channel();
        let inner = s.clone();
        let worker = background_worker(move |n: u32| tell.send(chain(inner.clone(), n)).unwrap());
        let worker = worker.queue().supervisor(&s).start().unwrap();
        worker.put(100).unwrap();
        assert_eq!(told.recv_timeout(PATIENCE).unwrap(), 100);
        worker.stop();
    });
}

/// The threads of a chain's bodies, outermost first.
fn places(s: Supervisor, length: u32, threads: Arc<Mutex<Vec<ThreadId>>>) {
    threads.lock().unwrap().push(thread::current().id());
    if length > 0 {
        let inner = s.clone();
        start(&s, move || places(inner, length - 1, threads)).wait().unwrap();
    }
}

#[test]
fn beyond_the_nesting_depth_a_thread_is_added() {
    in_time(|| {
        for depth in [1, 3, 64] {
            let s = supervisor(Config::new().pool_size(1).reserve_normal(0).reserve_high(0).max_nesting(depth));
            let threads = Arc::new(Mutex::new(Vec::new()));
            let (inner, list) = (s.clone(), Arc::clone(&threads));
            start(&s, move || places(inner, 199, list)).wait().unwrap();
            let threads = std::mem::take(&mut *threads.lock().unwrap());
            // One body, and as many awaited tasks on top of it as said.
            let on_each: Vec<_> = threads.chunk_by(|a, b| a == b).map(<[_]>::len).collect();
            let (last, full) = on_each.split_last().unwrap();
            assert!(full.iter().all(|&bodies| bodies == depth + 1) && *last <= depth + 1, "{on_each:?}");
            s.stop();
            let totals = s.info().totals;
            assert_eq!((totals.largest_active, totals.largest_threads), (1, on_each.len()));
        }
    });
}

#[test]
fn deep_waits_racing_with_a_stop_end_in_a_result_or_an_error() {
    fn chain(s: Supervisor, length: u32, runs: Arc<AtomicUsize>) -> Result<(), TaskError> {
        runs.fetch_add(1, Ordering::SeqCst);
        if length == 0 {
            return Ok(());
        }
        let inner = s.clone();
        start(&s, move || chain(inner, length - 1, runs)).wait()?
    }
    in_time(|| {
        for round in 0..200_u32 {
            let s = supervisor(Config::new().pool_size(1).reserve_normal(0).reserve_high(0).max_nesting(1));
            let runs = Arc::new(AtomicUsize::new(0));
            let (inner, counter) = (s.clone(), Arc::clone(&runs));
            let outer = start(&s, move || chain(inner, 20, counter));
            (0..round % 20 * 3_000).for_each(|_| std::hint::spin_loop());
            let report = if round % 2 == 0 { s.stop_now() } else { s.stop() };
            let result = outer.wait().and_then(|result| result);
            let ran = runs.load(Ordering::SeqCst);
            match result {
                Ok(()) => assert_eq!(ran, 21),
                Err(TaskError::Cancelled | TaskError::Rejected) => assert!(ran < 21),
                Err(error) => panic!("{error}"),
            }
            assert_eq!((report.complete, report.ran), (true, ran as u64));
            let totals = s.info().totals;
            assert_eq!(totals.submitted, totals.ran() + totals.cancelled + totals.rejected);
        }
    });
}

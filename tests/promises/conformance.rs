//! What the conformance suites of executors ask: every task exactly once, in one state, and the sums add up.

mod storm;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use atasker::{Config, Priority, TaskStatus, background_task, background_worker, wait_all, wait_completed};

use crate::support::{eventually, pool, supervisor};

#[test]
fn submitted_is_ran_and_cancelled_and_rejected() {
    let s = supervisor(Config::new().pool_size(2).reserve_normal(1).reserve_high(1));
    let (gate, blockers) = s.occupy(4, Priority::High);
    let tasks: Vec<_> = (0..200)
        .map(|n: u64| {
            let body = move || assert!(n % 10 != 3, "every tenth panics");
            let builder = background_task(body).priority(Priority::ALL[n as usize % 3]).supervisor(&s);
            if n % 20 == 7 { builder.delay(Duration::from_secs(3600)).start() } else { builder.start() }
        })
        .collect();
    let cancelled = tasks.iter().step_by(5).filter(|task| task.cancel() == atasker::CancelOutcome::Dequeued).count();
    assert_eq!(cancelled, 40);
    gate.open();
    wait_completed(blockers).unwrap();
    eventually("only the delayed ones are left", || s.info().queued.total() + s.info().active.total() == 0);
    let report = s.stop();
    background_task(|| ()).supervisor(&s).detach();
    let of = |status| tasks.iter().filter(|task| task.status() == status).count() as u64;
    let totals = s.info().totals;
    // The four blockers have been collected; the rejected one has no handle.
    assert_eq!(totals.completed, of(TaskStatus::Completed) + 4);
    assert_eq!((totals.panicked, totals.cancelled), (of(TaskStatus::Panicked), of(TaskStatus::Cancelled)));
    assert_eq!((totals.submitted, totals.rejected), (205, 1));
    assert_eq!(totals.submitted, totals.ran() + totals.cancelled + totals.rejected);
    assert_eq!((report.ran, report.cancelled), (totals.ran(), totals.cancelled));
    assert!(totals.panicked > 0 && totals.cancelled > 40);
    wait_all(tasks);
}

#[test]
fn the_largest_numbers_are_those_that_were() {
    let s = supervisor(Config::new().pool_size(3).reserve_normal(0).reserve_high(2));
    for (places, priority) in [(2, Priority::Low), (5, Priority::High), (3, Priority::Normal)] {
        let (gate, tasks) = s.occupy(places, priority);
        gate.open();
        wait_completed(tasks).unwrap();
        eventually("the pool rests", || s.info().active.total() == 0);
    }
    let totals = s.info().totals;
    assert_eq!((totals.largest_active, totals.largest_threads), (5, 5));
}

/// What was cancelled in the queue takes no place when it comes up, not even for the count.
#[test]
fn cancelled_tasks_were_never_active() {
    let s = pool(1);
    let (gate, blocker) = s.occupy(1, Priority::Normal);
    let queued: Vec<_> = (0..20).map(|_| background_task(|| ()).supervisor(&s).start()).collect();
    queued.iter().for_each(|task| _ = task.cancel());
    s.set_config(s.config().pool_size(10)).unwrap();
    gate.open();
    wait_completed(blocker).unwrap();
    s.stop();
    let totals = s.info().totals;
    assert_eq!((totals.largest_active, totals.completed, totals.cancelled), (1, 1, 20));
}

#[test]
fn every_task_runs_exactly_once() {
    let s = pool(4);
    let runs: Arc<Vec<AtomicU64>> = Arc::new((0..20_000).map(|_| AtomicU64::new(0)).collect());
    std::thread::scope(|scope| {
        for caller in 0..4 {
            let (s, runs) = (&s, &runs);
            scope.spawn(move || {
                let start = |n: usize| {
                    let runs = Arc::clone(runs);
                    let body = move || runs[n].fetch_add(1, Ordering::SeqCst);
                    background_task(body).priority(Priority::ALL[n % 4]).supervisor(s).start()
                };
                let tasks: Vec<_> = (0..runs.len()).skip(caller).step_by(4).map(start).collect();
                assert!(wait_completed(tasks).unwrap().into_iter().all(|before| before == 0));
            });
        }
    });
    assert!(runs.iter().all(|runs| runs.load(Ordering::SeqCst) == 1));
}

#[test]
fn discarded_items_are_counted_for_each_worker_and_no_item_is_unaccounted_for() {
    let s = pool(2);
    for _ in 0..30 {
        s.start().unwrap();
        let workers: Vec<_> = (0..4)
            .map(|n| {
                let seen = Arc::new(AtomicU64::new(0));
                let note = Arc::clone(&seen);
                let body = move |_: u64| _ = note.fetch_add(1, Ordering::SeqCst);
                let worker = background_worker(body).queue().name(format!("queue {n}")).supervisor(&s);
                (worker.start().unwrap(), seen)
            })
            .collect();
        let taken: Vec<u64> = std::thread::scope(|scope| {
            let putters: Vec<_> = workers
                .iter()
                .map(|(worker, _)| scope.spawn(move || (0..).take_while(|&n| worker.put(n).is_ok()).count() as u64))
                .collect();
            std::thread::yield_now();
            assert!(s.stop_now().complete);
            putters.into_iter().map(|putter| putter.join().unwrap()).collect()
        });
        let mut discarded = 0;
        for ((worker, seen), taken) in workers.iter().zip(taken) {
            let info = worker.info();
            assert_eq!(seen.load(Ordering::SeqCst) + info.discarded, taken);
            assert_eq!(info.runs, seen.load(Ordering::SeqCst));
            discarded += info.discarded;
        }
        assert_eq!(s.stop().discarded, discarded);
    }
}

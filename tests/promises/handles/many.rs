//! Waiting for many tasks at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use atasker::{
    Priority, Task, TaskError, TaskStatus, WaitError, background_task, wait_all, wait_completed, wait_completed_timeout,
};

use crate::support::{PATIENCE, Tested, eventually, in_time, pool, start};

fn failing(s: &Tested, message: &'static str) -> Task<u32> {
    start(s, move || panic!("{message}"))
}

#[test]
fn results_come_in_input_order() {
    let s = pool(1);
    // Started in another order than they are waited for, so that they end in another one too.
    let mut tasks: Vec<_> = (0..50).map(|number| start(&s, move || number)).collect();
    tasks.reverse();
    let expected: Vec<_> = (0..50).rev().collect();
    assert_eq!(wait_completed(tasks).unwrap(), expected);
    assert_eq!(wait_completed(Vec::<Task<u8>>::new()).unwrap(), []);
    assert!(wait_all(None::<Task<u8>>).is_empty());
}

#[test]
fn the_first_error_in_input_order_comes_after_all_have_ended() {
    let s = pool(1);
    let ended = Arc::new(AtomicUsize::new(0));
    let (late, early) = (failing(&s, "ends first"), failing(&s, "ends second"));
    let tasks = [start(&s, || 0), early, late].into_iter().chain((0..100).map(|_| {
        let ended = Arc::clone(&ended);
        start(&s, move || {
            (0..20).for_each(|_| thread::yield_now());
            ended.fetch_add(1, Ordering::SeqCst);
            1
        })
    }));
    let error = wait_completed(tasks).unwrap_err();
    assert!(matches!(error, TaskError::Panicked(panic) if panic.message() == "ends second"));
    assert_eq!(ended.load(Ordering::SeqCst), 100);
}

#[test]
fn wait_all_gives_the_result_or_error_of_each() {
    let s = pool(1);
    let (gate, _running) = s.occupy(1, Priority::Normal);
    let tasks = [start(&s, || 1), failing(&s, "as told"), start(&s, || 3), start(&s, || 4)];
    tasks[2].cancel();
    gate.open();
    let results = wait_all(tasks);
    assert!(matches!(results[0], Ok(1)));
    assert!(matches!(&results[1], Err(TaskError::Panicked(panic)) if panic.message() == "as told"));
    assert!(matches!(results[2], Err(TaskError::Cancelled)));
    assert!(matches!(results[3], Ok(4)));
}

/// They wait for each other, so they end only if all were started before the first was waited for.
#[test]
fn an_iterator_that_starts_tasks_starts_all_before_the_first_wait() {
    in_time(|| {
        let s = pool(3);
        let lazy = |barrier: Arc<Barrier>| {
            let s = s.clone();
            (0..3).map(move |_| {
                let barrier = Arc::clone(&barrier);
                start(&s, move || _ = barrier.wait())
            })
        };
        assert!(wait_all(lazy(Arc::new(Barrier::new(3)))).into_iter().all(|result| result.is_ok()));
        wait_completed(lazy(Arc::new(Barrier::new(3)))).unwrap();
        let results = wait_completed_timeout(lazy(Arc::new(Barrier::new(3))), PATIENCE);
        assert!(results.into_iter().all(|result| result.is_ok()));
    });
}

#[test]
fn the_unfinished_come_back_after_one_shared_deadline() {
    const TASKS: u32 = 100;
    let s = pool(1);
    let (gate, _running) = s.occupy(1, Priority::Normal);
    let tasks: Vec<_> = (0..TASKS).map(|number| start(&s, move || number)).collect();
    let timeout = Duration::from_secs(1);
    let before = Instant::now();
    let results = wait_completed_timeout(tasks, timeout);
    // Far from TASKS times the timeout.
    assert!((timeout..PATIENCE).contains(&before.elapsed()), "{:?}", before.elapsed());
    gate.open();
    for (number, result) in (0..TASKS).zip(results) {
        let Err(WaitError::NotReady(task)) = result else { panic!("{number} can't be ready") };
        assert_eq!(task.wait().unwrap(), number);
    }
}

#[test]
fn the_finished_are_collected_even_without_time() {
    let s = pool(1);
    let mut tasks = vec![start(&s, || 1), failing(&s, "as told")];
    eventually("both have ended", || tasks.iter().all(Task::is_finished));
    tasks.push(background_task(|| 3).delay(Duration::MAX).supervisor(&s).start());
    tasks.push(start(&s, || 4));
    eventually("it has ended", || tasks[3].is_finished());
    let results = wait_completed_timeout(tasks, Duration::ZERO);
    assert!(matches!(results[0], Ok(1)));
    assert!(matches!(&results[1], Err(WaitError::Failed(TaskError::Panicked(panic))) if panic.message() == "as told"));
    assert!(matches!(&results[2], Err(WaitError::NotReady(task)) if task.status() == TaskStatus::Delayed));
    assert!(matches!(results[3], Ok(4)));
}

#[test]
fn a_body_may_wait_for_many_on_a_full_pool() {
    in_time(|| {
        let s = pool(1);
        let inner = s.clone();
        let task = start(&s, move || {
            let mut tasks: Vec<_> = (0..500_u32).map(|number| start(&inner, move || number)).collect();
            tasks.reverse();
            wait_completed(tasks).unwrap().into_iter().sum::<u32>()
        });
        assert_eq!(task.wait().unwrap(), (0..500).sum());
    });
}

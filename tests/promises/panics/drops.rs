//! Panics in the Drop of what a task captured and of what it made.

use std::time::Duration;

use atasker::{CancelOutcome, Priority, TaskError, TaskStatus, background_task};

use super::{bomb, double_bomb, is_well, panic_of};
use crate::support::{OnDrop, eventually, pool, start};

type Bomb = fn() -> OnDrop<fn()>;

const BOMBS: [Bomb; 2] = [bomb, double_bomb];

#[test]
fn a_panic_in_drop_of_an_argument_is_the_task_s_panic() {
    let s = pool(1);
    let argument = bomb();
    let unused = start(&s, move || {
        let _argument = &argument;
        5
    });
    assert_eq!(panic_of(unused).message(), "dropped");
    let argument = double_bomb();
    panic_of(start(&s, move || drop(argument)));
    is_well(&s, 1);
    assert_eq!(s.info().totals.panicked, 2);
}

#[test]
fn a_panic_in_drop_of_a_result_nobody_collects_is_contained() {
    let s = pool(1);
    for result in BOMBS {
        background_task(result).supervisor(&s).detach();
        drop(start(&s, result));
        let task = start(&s, result);
        eventually("it has ended", || task.is_finished());
        assert_eq!(task.status(), TaskStatus::Completed);
        drop(task);
    }
    is_well(&s, 1);
    assert_eq!(s.stop().ran, 7);
    assert_eq!(s.info().totals.panicked, 0);
}

#[test]
fn a_panic_in_drop_of_what_is_cancelled_is_contained() {
    let s = pool(1);
    let (gate, running) = s.occupy(1, Priority::Normal);
    for argument in BOMBS {
        let (queued, delayed) = (argument(), argument());
        let queued = start(&s, move || drop(queued));
        let delayed = background_task(move || drop(delayed)).delay(Duration::MAX).supervisor(&s).start();
        for task in [queued, delayed] {
            assert_eq!(task.cancel(), CancelOutcome::Dequeued);
            assert!(matches!(task.wait(), Err(TaskError::Cancelled)));
        }
    }
    gate.open();
    running.into_iter().for_each(|task| task.wait().unwrap());
    is_well(&s, 1);
}

/// Each of them, whatever the others do.
#[test]
fn a_panic_in_drop_of_what_a_stop_cancels_is_contained() {
    let s = pool(1);
    let (gate, running) = s.occupy(1, Priority::Normal);
    let mut tasks = Vec::new();
    for argument in BOMBS {
        let (queued, delayed) = (argument(), argument());
        tasks.push(start(&s, move || drop(queued)));
        tasks.push(background_task(move || drop(delayed)).delay(Duration::MAX).supervisor(&s).start());
    }
    let report = std::thread::scope(|scope| {
        let stop = scope.spawn(|| s.stop_now());
        eventually("all are cancelled", || tasks.iter().all(|task| task.status() == TaskStatus::Cancelled));
        gate.open();
        stop.join().unwrap()
    });
    assert_eq!((report.complete, report.ran, report.cancelled), (true, 1, 4));
    running.into_iter().for_each(|task| task.wait().unwrap());
    s.start().unwrap();
    is_well(&s, 1);
}

#[test]
fn a_panic_in_drop_of_a_delayed_task_s_argument_leaves_the_clock_alive() {
    let s = pool(1);
    for _ in 0..10 {
        let argument = bomb();
        let task = background_task(move || drop(argument)).delay(Duration::from_micros(10)).supervisor(&s).start();
        panic_of(task);
    }
    let task = background_task(|| 5).delay(Duration::from_millis(1)).supervisor(&s).start();
    assert_eq!(task.wait().unwrap(), 5);
}

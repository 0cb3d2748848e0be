//! A panic of user code, wherever it comes from, ends where it was raised and is told where it belongs.

mod drops;
mod wakers;
mod workers;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};

use atasker::{Panic, Priority, Task, TaskError, TaskStatus, background_task};

use crate::support::{Drops, OnDrop, Tested, eventually, in_time, pool, start};

fn panic_of<T>(task: Task<T>) -> Panic {
    match task.wait() {
        Err(TaskError::Panicked(panic)) => panic,
        Err(error) => panic!("it did not panic: {error}"),
        Ok(_) => panic!("it did not panic"),
    }
}

fn payload_of<T>(task: Task<T>) -> Box<dyn Any + Send> {
    panic_of(task).into_panic()
}

/// The pool works as before: with all its places, none of them held by what has panicked.
fn is_well(s: &Tested, places: usize) {
    let (gate, tasks) = s.occupy(places, Priority::Normal);
    assert_eq!(s.info().active.normal, places);
    gate.open();
    tasks.into_iter().for_each(|task| task.wait().unwrap());
}

#[test]
fn a_panic_reaches_the_handle_with_its_message() {
    let s = pool(1);
    assert_eq!(panic_of(start(&s, || panic!("no paper"))).message(), "no paper");
    let pages = 3;
    assert_eq!(panic_of(start(&s, move || panic!("{pages} pages left"))).message(), "3 pages left");
    let panic = panic_of(start(&s, || "a page".parse::<u8>().unwrap()));
    assert!(panic.message().contains("InvalidDigit"), "{panic}");
    let task = start(&s, || panic!("no ink"));
    eventually("it has ended", || task.is_finished());
    assert_eq!(task.status(), TaskStatus::Panicked);
    let error = task.wait().unwrap_err();
    assert!(error.is_panic() && error.to_string().contains("no ink"), "{error}");
    assert!(format!("{error:?}").contains("no ink"), "{error:?}");
}

#[test]
fn a_panic_costs_no_thread_no_place_and_is_counted() {
    let s = pool(2);
    for number in 0..500 {
        if number % 50 > 0 {
            panic_of(start(&s, || panic!("as told")));
        } else {
            drop(start(&s, || panic!("as told, uncollected")));
        }
    }
    is_well(&s, 2);
    s.stop();
    let info = s.info();
    assert_eq!((info.totals.panicked, info.totals.completed, info.totals.submitted), (500, 2, 502));
    assert_eq!((info.active.total(), info.queued.total()), (0, 0));
    assert!(info.totals.largest_active <= 2 && info.totals.largest_threads <= 2);
}

#[test]
fn a_panic_in_a_nested_wait_reaches_the_waiter_only() {
    let s = pool(1);
    let inner = s.clone();
    let outer = start(&s, move || panic_of(start(&inner, || panic!("inner"))).message().to_owned());
    assert_eq!(outer.wait().unwrap(), "inner");

    let inner = s.clone();
    let outer = start(&s, move || start(&inner, || panic!("inner")).wait().unwrap());
    assert!(panic_of::<()>(outer).message().contains("inner"));
    is_well(&s, 1);
}

#[test]
fn a_payload_that_is_no_string_is_kept() {
    #[derive(Debug, PartialEq)]
    struct Code(u8);
    let s = pool(1);
    let panic = panic_of(start(&s, || panic_any(Code(42))));
    assert!(panic.message().contains("not a string"), "{}", panic.message());
    assert_eq!(panic.into_panic().downcast_ref(), Some(&Code(42)));
    let error = start(&s, || panic_any(Code(43))).wait().unwrap_err();
    assert_eq!(error.into_panic().downcast_ref(), Some(&Code(43)));
    is_well(&s, 1);
}

#[test]
fn a_payload_can_be_raised_anew() {
    let s = pool(1);
    let payload = payload_of(start(&s, || panic!("no paper")));
    assert_eq!(payload.downcast_ref(), Some(&"no paper"));
    let again = catch_unwind(AssertUnwindSafe(|| resume_unwind(payload))).unwrap_err();
    assert_eq!(again.downcast_ref(), Some(&"no paper"));
    let pages = std::hint::black_box(3); // or the compiler makes a literal of it
    let formatted = payload_of(start(&s, move || panic!("{pages} pages")));
    assert_eq!(formatted.downcast_ref(), Some(&"3 pages".to_owned()));
    // What is no panic gives itself.
    let error = background_task(|| ()).delay(std::time::Duration::MAX).supervisor(&s).start();
    error.cancel();
    assert!(matches!(error.wait().unwrap_err().into_panic().downcast_ref(), Some(TaskError::Cancelled)));
}

#[test]
fn a_payload_is_dropped_once() {
    let s = pool(1);
    let drops = Drops::new();
    let task = || {
        let payload = drops.value();
        start(&s, move || panic_any(payload))
    };
    drop(payload_of(task()));
    assert_eq!(drops.count(), 1);
    drop(panic_of(task()));
    assert_eq!(drops.count(), 2);
    drop(task());
    s.stop();
    assert_eq!(drops.count(), 3);
}

fn bomb() -> OnDrop<fn()> {
    OnDrop::new(|| panic!("dropped"))
}

/// Its second payload is a bomb too.
fn double_bomb() -> OnDrop<fn()> {
    OnDrop::new(|| panic_any(bomb()))
}

#[test]
fn a_payload_whose_drop_panics_is_contained() {
    let s = pool(1);
    for payload in [bomb, double_bomb] {
        drop(start(&s, move || panic_any(payload()))); // nobody collects it
        let task = start(&s, move || panic_any(payload()));
        eventually("it has ended", || task.is_finished());
        drop(task); // the handle goes with the result in it
        drop(panic_of(start(&s, move || panic_any(payload())))); // the error is dropped by its owner
        let error = start(&s, move || panic_any(payload())).wait().unwrap_err();
        drop(error);
    }
    is_well(&s, 1);
    assert_eq!(s.stop().ran, 9);
}

#[test]
fn a_payload_whose_drop_panics_is_contained_while_its_owner_unwinds() {
    let s = pool(1);
    let error = start(&s, || panic_any(bomb())).wait().unwrap_err();
    let outer = catch_unwind(AssertUnwindSafe(|| {
        let _owned = error;
        panic!("outer");
    }));
    assert_eq!(outer.unwrap_err().downcast_ref(), Some(&"outer"));
}

/// No lock of ours poisons: after panics in every place that user code runs in, everything still answers.
#[test]
fn after_panics_everywhere_nothing_is_poisoned() {
    in_time(|| {
        let s = pool(1);
        s.set_config(s.config().task_times(true)).unwrap();
        drop(start(&s, || panic_any(double_bomb())));
        drop(start(&s, double_bomb));
        let captured = double_bomb();
        let queued = start(&s, move || drop(captured));
        queued.cancel();
        let captured = double_bomb();
        let delayed = background_task(move || drop(captured)).delay(std::time::Duration::MAX).supervisor(&s).start();
        assert!(delayed.info().submitted_at.is_some());
        s.set_config(s.config().pool_size(2)).unwrap();
        is_well(&s, 2);
        assert_eq!(s.info().delayed.total(), 1);
        assert!(s.stop().complete);
        assert!(matches!(delayed.wait(), Err(TaskError::Cancelled)));
        s.start().unwrap();
        is_well(&s, 2);
    });
}

//! Threads come when they are needed and leave when they are not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use atasker::{Config, Priority, background_task, wait_completed};

use crate::support::{eventually, pool, supervisor};

#[test]
fn no_more_threads_than_work() {
    let s = pool(64);
    assert_eq!((s.threads().len(), s.info().threads), (0, 0));
    for _ in 0..100 {
        background_task(|| ()).supervisor(&s).start().wait().unwrap();
        eventually("the place is free again", || s.info().active.total() == 0);
    }
    // The next task may come before its thread sleeps again, so one more may have been made, and on a busy machine another;
    // never one for each.
    assert!(s.info().totals.largest_threads < 16, "{:?}", s.info().totals);
    let s = pool(8);
    let (gate, tasks) = s.occupy(8, Priority::Low);
    assert_eq!(s.info().threads, 8);
    gate.open();
    wait_completed(tasks).unwrap();
    assert_eq!(s.info().totals.largest_threads, 8);
}

#[test]
fn idle_threads_leave_and_min_threads_stay() {
    let s = supervisor(Config::new().pool_size(6).min_threads(2).keep_alive(Duration::from_millis(20)));
    s.start().unwrap();
    assert_eq!(s.info().threads, 2);
    let (gate, tasks) = s.occupy(6, Priority::Low);
    gate.open();
    wait_completed(tasks).unwrap();
    eventually("all but two have left", || s.info().threads == 2);
    s.set_config(s.config().min_threads(0)).unwrap();
    eventually("all have left", || s.info().threads == 0 && s.threads().is_empty());
    s.set_config(s.config().min_threads(3)).unwrap();
    assert_eq!(s.info().threads, 3);
    // And back to work.
    background_task(|| ()).supervisor(&s).start().wait().unwrap();
    eventually("three stay", || s.info().threads == 3);
}

#[test]
fn a_keep_alive_of_zero_is_no_loop_of_making_threads() {
    let s = supervisor(Config::new().pool_size(1).keep_alive(Duration::ZERO));
    for n in 0..500 {
        assert_eq!(background_task(move || n).supervisor(&s).start().wait().unwrap(), n);
    }
    eventually("the thread has left", || s.info().threads == 0);
}

#[test]
fn an_idle_thread_outlives_its_keep_alive_never_by_a_later_config() {
    let hour = Duration::from_secs(3600);
    let s = supervisor(Config::new().pool_size(3).keep_alive(hour));
    let (gate, tasks) = s.occupy(3, Priority::Low);
    gate.open();
    wait_completed(tasks).unwrap();
    eventually("the pool rests", || s.info().active.total() == 0);
    assert_eq!(s.info().threads, 3);
    // Threads that sleep by the old hour sleep by the new moment.
    s.set_config(s.config().keep_alive(Duration::from_millis(1))).unwrap();
    eventually("all have left", || s.info().threads == 0);
}

#[test]
fn growing_and_shrinking_under_load_loses_none_and_cuts_none() {
    let s =
        supervisor(Config::new().pool_size(8).reserve_normal(0).reserve_high(0).keep_alive(Duration::from_millis(20)));
    let done = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..1000)
        .map(|n| {
            let done = Arc::clone(&done);
            let body = move || {
                (0..n % 50).for_each(|_| std::thread::yield_now());
                done.fetch_add(1, Ordering::SeqCst);
            };
            background_task(body).priority(Priority::ALL[n % 3]).supervisor(&s).start()
        })
        .collect();
    let mut sizes = [1, 16, 3, 32, 2, 8].into_iter().cycle();
    while done.load(Ordering::SeqCst) < 1000 {
        s.set_config(s.config().pool_size(sizes.next().unwrap())).unwrap();
        std::thread::yield_now();
    }
    wait_completed(tasks).unwrap();
    s.set_config(s.config().pool_size(1)).unwrap();
    eventually("the surplus leaves", || s.info().threads == 0);
    let report = s.stop();
    assert_eq!((report.ran, report.cancelled), (1000, 0));
}

#[test]
fn threads_have_the_name_and_stack_that_the_configuration_says() {
    let s = supervisor(Config::new().pool_size(2).thread_name("painter").stack_size(8 << 20));
    let name = background_task(|| std::thread::current().name().map(str::to_owned)).supervisor(&s).start();
    assert_eq!(name.wait().unwrap().as_deref(), Some("painter-0"));
    // More than threads have by default, two megabytes.
    let deep = background_task(|| std::hint::black_box([0_u8; 3 << 20])[1]).supervisor(&s).start();
    assert_eq!(deep.wait().unwrap(), 0);
}

#[test]
fn the_thread_count_returns_to_the_baseline_after_stop() {
    let s = pool(16);
    for _ in 0..5 {
        s.start().unwrap();
        let (gate, tasks) = s.occupy(16, Priority::Normal);
        background_task(|| ()).delay(Duration::from_secs(3600)).supervisor(&s).detach();
        gate.open();
        wait_completed(tasks).unwrap();
        assert!(s.stop().complete);
        assert_eq!(s.info().threads, 0);
        eventually("the system sees none either", || s.threads().is_empty());
    }
}

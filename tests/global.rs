//! The global supervisor lives once a process, so its promises have a binary of their own, and a process each.

#![allow(clippy::unwrap_used, missing_docs)]

#[allow(dead_code, reason = "what the promises of a supervisor of one's own need")]
#[path = "promises/support.rs"]
mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, mpsc};
use std::time::Duration;

use atasker::{
    Config, Error, Priority, Supervisor, SupervisorState, TaskError, WorkerContext, background_task, background_worker,
    task_supervisor, wait_completed,
};

use support::{PATIENCE, child_ends_with, eventually, in_limited_child};

/// Runs the test's body in a process of its own.
macro_rules! alone {
    ($test:ident) => {
        if !in_limited_child() {
            child_ends_with(stringify!($test), 0);
            return;
        }
    };
}

#[background_task]
fn add(a: i32, b: i32) -> i32 {
    a + b
}

static RUNS: AtomicUsize = AtomicUsize::new(0);

#[background_worker(event, autostart)]
fn bell() {
    RUNS.fetch_add(1, Ordering::SeqCst);
}

#[test]
fn it_works_without_any_configuration() {
    alone!(it_works_without_any_configuration);
    assert_eq!(add(2, 3).wait().unwrap(), 5);
    assert_eq!(background_task(|| 42).start().wait().unwrap(), 42);
    assert_eq!(task_supervisor().info().state, SupervisorState::Running);
}

#[test]
fn its_defaults_are_upstreams() {
    alone!(its_defaults_are_upstreams);
    let info = task_supervisor().info();
    let cpus = std::thread::available_parallelism().unwrap().get();
    assert_eq!(info.config, Config::new());
    assert_eq!(info.config.get_pool_size(), 5 * cpus);
    assert_eq!((info.config.get_reserve_normal(), info.config.get_reserve_high()), (5, 5));
    assert_eq!((info.config.get_critical_max(), info.config.get_min_threads()), (256, 0));
    assert_eq!((info.state, info.threads, info.name.as_str()), (SupervisorState::Created, 0, "atasker"));
}

#[test]
fn first_use_from_64_threads_at_once_makes_one_supervisor() {
    alone!(first_use_from_64_threads_at_once_makes_one_supervisor);
    let begin = Barrier::new(64);
    let supervisors: Vec<&'static Supervisor> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..64)
            .map(|n| {
                let begin = &begin;
                scope.spawn(move || {
                    begin.wait();
                    match n % 4 {
                        0 => assert_eq!(add(n, 1).wait().unwrap(), n + 1),
                        1 => task_supervisor().start().unwrap(),
                        2 => _ = background_worker(|| ()).event().start().unwrap(),
                        _ => background_task(|| ()).delay(Duration::from_micros(1)).start().wait().unwrap(),
                    }
                    task_supervisor()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(supervisors.iter().all(|s| std::ptr::eq(*s, task_supervisor())));
    let report = task_supervisor().stop();
    assert_eq!((report.complete, report.ran), (true, 32));
    assert_eq!(task_supervisor().info().totals.submitted, 32);
}

#[test]
fn it_is_configured_before_it_starts() {
    alone!(it_is_configured_before_it_starts);
    task_supervisor().set_config(Config::new().pool_size(3).reserve_normal(1).reserve_high(1)).unwrap();
    assert_eq!(task_supervisor().info().state, SupervisorState::Created);
    let begin = std::sync::Arc::new(Barrier::new(4));
    let (tell, told) = mpsc::channel();
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let (begin, tell) = (begin.clone(), tell.clone());
            let body = move || {
                tell.send(()).unwrap();
                begin.wait();
            };
            background_task(body).priority(Priority::Low).start()
        })
        .collect();
    (0..3).for_each(|_| told.recv_timeout(PATIENCE).unwrap());
    let info = task_supervisor().info();
    assert_eq!((info.active.low, info.queued.low), (3, 1));
    task_supervisor().set_config(task_supervisor().config().pool_size(4)).unwrap();
    wait_completed(tasks).unwrap();
}

#[test]
fn a_bad_configuration_is_refused_and_a_later_good_one_works() {
    alone!(a_bad_configuration_is_refused_and_a_later_good_one_works);
    let error = task_supervisor().set_config(Config::new().stack_size(0)).unwrap_err();
    assert!(matches!(&error, Error::Config(error) if error.field() == "stack_size" && error.value() == "0"));
    assert_eq!(task_supervisor().config(), Config::new());
    task_supervisor().set_config(Config::new().pool_size(1)).unwrap();
    assert_eq!(add(2, 3).wait().unwrap(), 5);
}

#[test]
fn it_stops_refuses_and_starts_anew() {
    alone!(it_stops_refuses_and_starts_anew);
    assert_eq!(add(1, 1).wait().unwrap(), 2);
    assert_eq!(task_supervisor().stop().ran, 1);
    assert!(matches!(add(1, 1).wait(), Err(TaskError::Rejected)));
    add::detach(1, 1);
    assert_eq!(task_supervisor().info().totals.rejected, 2);
    task_supervisor().start().unwrap();
    assert_eq!(add(1, 1).wait().unwrap(), 2);
}

#[test]
fn autostarted_workers_start_with_it() {
    alone!(autostarted_workers_start_with_it);
    assert!(!bell.trigger());
    task_supervisor().start().unwrap();
    for round in 1..=3 {
        assert!(bell.trigger());
        eventually("it has run", || RUNS.load(Ordering::SeqCst) == round);
        task_supervisor().stop();
        assert!(!bell.trigger());
        task_supervisor().start().unwrap();
    }
}

#[test]
fn block_waits_for_a_stop_from_anywhere() {
    alone!(block_waits_for_a_stop_from_anywhere);
    let (tell, told) = mpsc::channel();
    let worker = background_worker(move |cx: &WorkerContext| {
        tell.send(cx.run()).unwrap();
        // A stop from a worker's body only asks; `block` in main sees the end.
        if cx.run() == 3 {
            assert!(!task_supervisor().stop().complete);
        }
    });
    let worker = worker.interval(Duration::from_millis(1)).start().unwrap();
    task_supervisor().block();
    assert_eq!(task_supervisor().info().state, SupervisorState::Stopped);
    assert!(!worker.is_running());
    // The handle keeps the body, so the channel stays open.
    assert_eq!(told.try_iter().last(), Some(3));
}

#[test]
fn a_supervisor_of_ones_own_is_another() {
    alone!(a_supervisor_of_ones_own_is_another);
    let own = Supervisor::new("own", Config::new().pool_size(1)).unwrap();
    assert!(!own.is_same(task_supervisor()));
    background_task(|| ()).supervisor(&own).start().wait().unwrap();
    assert_eq!(task_supervisor().info().state, SupervisorState::Created);
    own.stop();
    assert_eq!(add(2, 3).wait().unwrap(), 5);
}

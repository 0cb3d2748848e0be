//! Tasks that wait too long for a place are told of while they still wait.

use std::sync::mpsc;
use std::time::Duration;

use atasker::{Config, Priority, SlowStart, Slowness, TaskStatus, background_task, background_worker, wait_completed};

use crate::support::{PATIENCE, Tested, supervisor};

const WARN: Duration = Duration::from_millis(20);
const ERROR: Duration = Duration::from_millis(60);

fn watched(config: Config) -> (Tested, mpsc::Receiver<SlowStart>) {
    let s = supervisor(config.pool_size(1).reserve_normal(0).reserve_high(0));
    let (tell, told) = mpsc::channel();
    s.on_slow_start(move |start| _ = tell.send(start.clone()));
    (s, told)
}

#[test]
fn a_slow_start_is_told_while_it_still_waits_first_as_a_warning_then_as_an_error() {
    let (s, told) = watched(Config::new().warn_after(WARN).error_after(ERROR));
    let (gate, blocker) = s.occupy(1, Priority::Normal);
    let waiting = background_task(|| ()).name("report").priority(Priority::Low).supervisor(&s).start();
    for (slowness, least) in [(Slowness::Warning, WARN), (Slowness::Error, ERROR)] {
        let start = told.recv_timeout(PATIENCE).unwrap();
        assert_eq!((start.name.as_str(), start.priority, start.slowness), ("report", Priority::Low, slowness));
        assert!(start.waited >= least, "{:?} is early", start.waited);
        assert_eq!(waiting.status(), TaskStatus::Queued);
    }
    gate.open();
    wait_completed(blocker.into_iter().chain([waiting])).unwrap();
    // Each once.
    s.stop();
    assert!(told.try_recv().is_err());
}

#[test]
fn every_slow_start_is_told_once_workers_too() {
    let (s, told) = watched(Config::new().warn_after(WARN));
    let (gate, blocker) = s.occupy(1, Priority::Normal);
    let tasks: Vec<_> = (0..20)
        .map(|n| {
            let named = background_task(|| ()).name(format!("task {n}"));
            named.priority(Priority::ALL[n % 3]).supervisor(&s).start()
        })
        .collect();
    let worker = background_worker(|| ()).event().name("worker").supervisor(&s).start().unwrap();
    assert!(worker.trigger());
    let mut names: Vec<_> = (0..21).map(|_| told.recv_timeout(PATIENCE).unwrap().name).collect();
    names.sort();
    let mut expected: Vec<_> = (0..20).map(|n| format!("task {n}")).chain(["worker".to_owned()]).collect();
    expected.sort();
    assert_eq!(names, expected);
    gate.open();
    wait_completed(blocker.into_iter().chain(tasks)).unwrap();
    s.stop();
    assert!(told.try_recv().is_err());
}

#[test]
fn who_starts_in_time_or_was_cancelled_is_not_told_of() {
    let (s, told) = watched(Config::new().warn_after(WARN));
    let (gate, blocker) = s.occupy(1, Priority::Normal);
    let cancelled = background_task(|| ()).name("cancelled").supervisor(&s).start();
    cancelled.cancel();
    let slow = background_task(|| ()).name("slow").supervisor(&s).start();
    assert_eq!(told.recv_timeout(PATIENCE).unwrap().name, "slow");
    gate.open();
    wait_completed(blocker.into_iter().chain([slow])).unwrap();
    s.stop();
    assert!(told.try_recv().is_err());
}

#[test]
fn a_hook_that_panics_hurts_nobody_and_is_replaced_by_the_next() {
    let (s, _) = watched(Config::new().warn_after(WARN));
    let (panicking, panicked) = mpsc::channel();
    s.on_slow_start(move |_| {
        panicking.send(()).unwrap();
        panic!("the hook's own");
    });
    let (gate, blocker) = s.occupy(1, Priority::Normal);
    let first = background_task(|| ()).supervisor(&s).start();
    panicked.recv_timeout(PATIENCE).unwrap();
    let (tell, told) = mpsc::channel();
    s.on_slow_start(move |start| tell.send(start.name.clone()).unwrap());
    let second = background_task(|| ()).name("second").supervisor(&s).start();
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "second");
    gate.open();
    wait_completed(blocker.into_iter().chain([first, second])).unwrap();
}

#[test]
fn the_hook_may_use_the_supervisor() {
    let (s, _) = watched(Config::new().warn_after(WARN));
    let own = (*s).clone();
    let (tell, told) = mpsc::channel();
    s.on_slow_start(move |_| {
        // More places: the cure for slow starts.
        own.set_config(own.config().pool_size(2)).unwrap();
        tell.send(own.info().queued.total()).unwrap();
    });
    let (gate, blocker) = s.occupy(1, Priority::Normal);
    background_task(|| ()).supervisor(&s).start().wait_timeout(PATIENCE).unwrap();
    told.recv_timeout(PATIENCE).unwrap();
    gate.open();
    wait_completed(blocker).unwrap();
    // The hook owns the supervisor: taken out, so that it can go.
    s.on_slow_start(|_| ());
}

#[test]
fn thresholds_can_be_set_while_it_runs() {
    let (s, told) = watched(Config::new());
    let (gate, blocker) = s.occupy(1, Priority::Normal);
    s.set_config(s.config().warn_after(WARN)).unwrap();
    let waiting = background_task(|| ()).name("late").supervisor(&s).start();
    assert_eq!(told.recv_timeout(PATIENCE).unwrap().name, "late");
    s.set_config(s.config().warn_after(None)).unwrap();
    gate.open();
    wait_completed(blocker.into_iter().chain([waiting])).unwrap();
}

//! The helper that runs until a signal comes. Each promise is tried in a child process.

#![cfg(unix)]

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use atasker::{Error, Priority, StopReport, SupervisorState, background_task};

use crate::support::{PATIENCE, Tested, child, child_ends_with, eventually, in_limited_child, pool, start};

/// Sends a signal to this process, from a thread of its own as the system would.
fn signal(number: i32) {
    // SAFETY: both take and give numbers only.
    unsafe { libc::kill(libc::getpid(), number) };
}

/// Runs until a signal, on a thread of its own.
fn run(s: &Tested, grace: Duration) -> std::thread::JoinHandle<atasker::Result<StopReport>> {
    let supervisor = (**s).clone();
    let runner = std::thread::spawn(move || supervisor.run_until_signal(grace));
    let listens = format!("{}-signal", s.name());
    eventually("it listens", || s.threads().contains(&listens));
    runner
}

/// The number of the signal that ended the test's child.
fn ended_by(test: &str) -> Option<i32> {
    child(test).status.signal()
}

#[test]
fn a_signal_stops_the_intake_and_drains() {
    for number in [libc::SIGINT, libc::SIGTERM] {
        if !in_limited_child() {
            child_ends_with("signals::a_signal_stops_the_intake_and_drains", 0);
            return;
        }
        let s = pool(1);
        let runner = run(&s, PATIENCE);
        let (gate, _running) = s.occupy(1, Priority::Normal);
        (0..50).for_each(|_| drop(start(&s, || ())));
        signal(number);
        eventually("it is stopping", || s.info().state == SupervisorState::Stopping);
        assert!(background_task(|| ()).supervisor(&s).try_start().is_err());
        gate.open();
        let report = runner.join().unwrap().unwrap();
        assert_eq!((report.complete, report.ran), (true, 51));
    }
}

#[test]
fn a_grace_that_runs_out_is_an_error_that_names_the_body() {
    if !in_limited_child() {
        child_ends_with("signals::a_grace_that_runs_out_is_an_error_that_names_the_body", 0);
        return;
    }
    let s = pool(1);
    let runner = run(&s, Duration::from_millis(1));
    let (gate, _running) = s.occupy(1, Priority::Normal);
    signal(libc::SIGTERM);
    let Err(Error::Incomplete(report)) = runner.join().unwrap() else { panic!("it was complete") };
    assert_eq!(report.abandoned.len(), 1);
    gate.open();
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    if !in_limited_child() {
        child_ends_with("signals::a_second_signal_ends_the_process_at_once", 128 + libc::SIGINT);
        return;
    }
    let s = pool(1);
    let _runner = run(&s, PATIENCE);
    let (_gate, _running) = s.occupy(1, Priority::Normal);
    signal(libc::SIGTERM);
    eventually("it is stopping", || s.info().state == SupervisorState::Stopping);
    signal(libc::SIGINT);
    std::thread::park_timeout(PATIENCE);
}

#[test]
fn no_handler_is_installed_unless_asked() {
    if in_limited_child() {
        let s = pool(1);
        start(&s, || ()).wait().unwrap();
        signal(libc::SIGTERM);
        std::thread::park_timeout(PATIENCE);
    }
    assert_eq!(ended_by("signals::no_handler_is_installed_unless_asked"), Some(libc::SIGTERM));
}

#[test]
fn once_it_has_returned_signals_do_what_they_do_by_default() {
    if in_limited_child() {
        let s = pool(1);
        let runner = run(&s, PATIENCE);
        s.stop();
        assert!(runner.join().unwrap().unwrap().complete);
        signal(libc::SIGTERM);
        std::thread::park_timeout(PATIENCE);
    }
    assert_eq!(ended_by("signals::once_it_has_returned_signals_do_what_they_do_by_default"), Some(libc::SIGTERM));
}

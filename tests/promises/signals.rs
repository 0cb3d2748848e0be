//! The helper that runs until a signal comes. Each promise is tried in a child process.

#![cfg(unix)]

mod forks;
mod others;

use std::os::unix::process::ExitStatusExt;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use atasker::{Config, Error, Priority, StopReport, Supervisor, SupervisorState, background_task, background_worker};

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
    eventually("it listens and has started", || {
        s.info().state == SupervisorState::Running && s.threads().contains(&listens)
    });
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
        // Nothing was announced: it ends when the intake is closed.
        futures_executor::block_on(s.stop_requested());
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

/// What the system does at that signal: the address of a handler, `SIG_DFL` or `SIG_IGN`.
fn disposition(number: i32) -> usize {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: it fills in what the pointer is to, and changes nothing; it is looked at where that has worked.
    let action = unsafe {
        assert_eq!(libc::sigaction(number, std::ptr::null(), action.as_mut_ptr()), 0);
        action.assume_init()
    };
    action.sa_sigaction
}

#[test]
fn a_run_that_fails_to_start_leaves_no_handler() {
    if in_limited_child() {
        let s = pool(1);
        s.stop();
        assert!(matches!(s.run_until_signal(PATIENCE), Err(Error::Stopped)));
        assert_eq!([libc::SIGINT, libc::SIGTERM].map(disposition), [libc::SIG_DFL; 2]);
        assert_eq!(s.threads(), [""; 0]);
        signal(libc::SIGTERM);
        std::thread::park_timeout(PATIENCE);
    }
    assert_eq!(ended_by("signals::a_run_that_fails_to_start_leaves_no_handler"), Some(libc::SIGTERM));
}

/// Set where a start is to be interrupted by a signal.
static SIGNAL_AT_START: AtomicBool = AtomicBool::new(false);

/// Called by every start of a supervisor, which asks whose worker `of_a_start` is.
fn interrupted() -> &'static Supervisor {
    static OWN: LazyLock<Supervisor> = LazyLock::new(|| Supervisor::new("interrupted", Config::new()).unwrap());
    if SIGNAL_AT_START.swap(false, Ordering::SeqCst) {
        signal(libc::SIGTERM);
    }
    &OWN
}

/// The next start of a supervisor in this process is interrupted by a signal.
pub(crate) fn interrupt_the_next_start() {
    SIGNAL_AT_START.store(true, Ordering::SeqCst);
}

#[background_worker(event, autostart, supervisor = interrupted())]
fn of_a_start() {}

#[test]
fn a_signal_while_it_starts_stops_it() {
    if !in_limited_child() {
        child_ends_with("signals::a_signal_while_it_starts_stops_it", 0);
        return;
    }
    let s = interrupted();
    interrupt_the_next_start();
    assert!(s.run_until_signal(PATIENCE).unwrap().complete);
    assert!(!SIGNAL_AT_START.load(Ordering::SeqCst));
    assert_eq!(s.info().state, SupervisorState::Stopped);
}

#[test]
fn all_who_listen_hear_a_signal() {
    if !in_limited_child() {
        child_ends_with("signals::all_who_listen_hear_a_signal", 0);
        return;
    }
    let all: Vec<_> = (0..5).map(|_| pool(1)).collect();
    let runners: Vec<_> = all.iter().map(|s| run(s, PATIENCE)).collect();
    signal(libc::SIGTERM);
    for runner in runners {
        assert!(runner.join().unwrap().unwrap().complete);
    }
}

#[test]
fn each_run_has_a_first_signal_of_its_own() {
    if !in_limited_child() {
        child_ends_with("signals::each_run_has_a_first_signal_of_its_own", 0);
        return;
    }
    for _ in 0..3 {
        let (first, second) = (pool(1), pool(1));
        let still_drains = run(&first, PATIENCE);
        let (gate, _running) = first.occupy(1, Priority::Normal);
        signal(libc::SIGTERM);
        eventually("the first is stopping", || first.info().state == SupervisorState::Stopping);
        // The first has had one: to the second, this is none.
        let runner = run(&second, PATIENCE);
        signal(libc::SIGINT);
        assert!(runner.join().unwrap().unwrap().complete);
        gate.open();
        assert!(still_drains.join().unwrap().unwrap().complete);
    }
    assert_eq!([libc::SIGINT, libc::SIGTERM].map(disposition), [libc::SIG_DFL; 2]);
}

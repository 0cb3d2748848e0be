//! A fork of a process that listens: it has the handlers, and nobody who listens.

use std::time::Duration;

use atasker::{Config, Supervisor, SupervisorState};

use super::{disposition, run, signal};
use crate::support::{PATIENCE, Tested, child_ends_with, in_limited_child, pool};

/// Runs `work` in a fork, and gives the status that this ends with.
fn fork(work: impl FnOnce() -> i32) -> i32 {
    // SAFETY: the child makes calls of the library, which is what is tested, and ends by `_exit` or a signal.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0);
    if pid == 0 {
        // SAFETY: its signal ends a child that hangs; the other call ends the process.
        unsafe {
            libc::alarm(20);
            libc::_exit(work());
        }
    }
    let mut status = 0;
    // SAFETY: the pointer is to a live integer that the call fills in.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    status
}

/// Started on this thread: one that still starts on another at the fork may just then make something that the whole process
/// shares, and in the fork it never would be made.
fn started() -> Tested {
    let s = pool(1);
    s.start().unwrap();
    s
}

#[test]
fn a_signal_to_a_fork_is_not_heard_by_its_parent() {
    if !in_limited_child() {
        child_ends_with("signals::forks::a_signal_to_a_fork_is_not_heard_by_its_parent", 0);
        return;
    }
    let s = started();
    let runner = run(&s, PATIENCE);
    for number in [libc::SIGTERM, libc::SIGINT] {
        let status = fork(|| {
            signal(number);
            std::thread::park_timeout(Duration::from_secs(10));
            0
        });
        assert!(
            libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == number,
            "it did not end by default: {status:#x}"
        );
        assert_eq!(s.info().state, SupervisorState::Running);
    }
    signal(libc::SIGTERM);
    assert!(runner.join().unwrap().unwrap().complete);
}

#[test]
fn a_fork_hears_its_own_signals() {
    if !in_limited_child() {
        child_ends_with("signals::forks::a_fork_hears_its_own_signals", 0);
        return;
    }
    let s = started();
    let runner = run(&s, PATIENCE);
    let status = fork(|| {
        let own = Supervisor::new("own", Config::new().pool_size(1)).unwrap();
        let inside = own.clone();
        let listens = std::thread::spawn(move || inside.run_until_signal(PATIENCE));
        while own.info().state != SupervisorState::Running {
            std::thread::yield_now();
        }
        signal(libc::SIGTERM);
        let stopped = listens.join().is_ok_and(|ended| ended.is_ok_and(|report| report.complete));
        let as_before = [libc::SIGINT, libc::SIGTERM].map(disposition) == [libc::SIG_DFL; 2];
        i32::from(!stopped) + 2 * i32::from(!as_before)
    });
    assert_eq!(status, 0, "its end: {status:#x}");
    assert_eq!(s.info().state, SupervisorState::Running);
    signal(libc::SIGTERM);
    assert!(runner.join().unwrap().unwrap().complete);
}

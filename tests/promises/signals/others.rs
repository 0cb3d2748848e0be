//! What handled signals before and meanwhile: the user's own handlers, and signals that are ignored.

use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{disposition, run, signal};
use crate::support::{PATIENCE, child_ends_with, eventually, in_limited_child, pool};

static SEEN: AtomicUsize = AtomicUsize::new(0);

extern "C" fn count(_number: i32) {
    SEEN.fetch_add(1, Ordering::SeqCst);
}

extern "C" fn count_with_details(number: i32, info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    // SAFETY: the system hands over details that live as long as the call.
    SEEN.fetch_add(usize::from(unsafe { (*info).si_signo } == number), Ordering::SeqCst);
}

fn handler(handler: extern "C" fn(i32)) -> usize {
    handler as *const () as usize
}

/// Installs a handler as C does, and gives what was there.
fn install(number: i32, handler: usize, flags: i32) -> libc::sigaction {
    // SAFETY: all zeros is a `sigaction`; handlers are fns of this file that only add to an atomic, or one that was there.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        (action.sa_sigaction, action.sa_flags) = (handler, flags);
        let mut before = std::mem::zeroed();
        assert_eq!(libc::sigaction(number, &raw const action, &raw mut before), 0);
        before
    }
}

#[test]
fn a_handler_that_was_there_is_called_meanwhile_and_afterwards() {
    if !in_limited_child() {
        child_ends_with("signals::others::a_handler_that_was_there_is_called_meanwhile_and_afterwards", 0);
        return;
    }
    install(libc::SIGINT, handler(count), 0);
    install(libc::SIGTERM, count_with_details as *const () as usize, libc::SA_SIGINFO);
    let before = [libc::SIGINT, libc::SIGTERM].map(disposition);
    for (nth, number) in [libc::SIGINT, libc::SIGTERM, libc::SIGTERM].into_iter().enumerate() {
        let s = pool(1);
        let runner = run(&s, PATIENCE);
        signal(number);
        assert!(runner.join().unwrap().unwrap().complete);
        assert_eq!(SEEN.load(Ordering::SeqCst), 2 * nth + 1, "meanwhile");
        assert_eq!([libc::SIGINT, libc::SIGTERM].map(disposition), before);
        signal(number);
        eventually("it is called afterwards", || SEEN.load(Ordering::SeqCst) == 2 * nth + 2);
    }
}

#[test]
fn an_ignored_signal_is_heard_meanwhile_and_ignored_afterwards() {
    if !in_limited_child() {
        child_ends_with("signals::others::an_ignored_signal_is_heard_meanwhile_and_ignored_afterwards", 0);
        return;
    }
    install(libc::SIGINT, libc::SIG_IGN, 0);
    for _ in 0..2 {
        let s = pool(1);
        let runner = run(&s, PATIENCE);
        signal(libc::SIGINT);
        assert!(runner.join().unwrap().unwrap().complete);
        assert_eq!([libc::SIGINT, libc::SIGTERM].map(disposition), [libc::SIG_IGN, libc::SIG_DFL]);
        signal(libc::SIGINT);
    }
}

/// What stood before `relay` was put there.
static BENEATH: AtomicUsize = AtomicUsize::new(0);

/// Calls what was there before it, as well-behaved handlers do.
extern "C" fn relay(number: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    SEEN.fetch_add(1, Ordering::SeqCst);
    let beneath = BENEATH.load(Ordering::SeqCst);
    // SAFETY: it is a handler that takes details.
    let beneath: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) =
        unsafe { std::mem::transmute(ptr::with_exposed_provenance::<()>(beneath)) };
    beneath(number, info, context);
}

#[test]
fn a_handler_put_there_meanwhile_stays_and_passes_on() {
    if !in_limited_child() {
        child_ends_with("signals::others::a_handler_put_there_meanwhile_stays_and_passes_on", 0);
        return;
    }
    let relay = relay as *const () as usize;
    for nth in 0..3 {
        let s = pool(1);
        let runner = run(&s, PATIENCE);
        if nth == 0 {
            let before = install(libc::SIGTERM, relay, libc::SA_SIGINFO);
            BENEATH.store(before.sa_sigaction, Ordering::SeqCst);
        }
        signal(libc::SIGTERM);
        assert!(runner.join().unwrap().unwrap().complete);
        assert_eq!([libc::SIGINT, libc::SIGTERM].map(disposition), [libc::SIG_DFL, relay]);
        // Nobody listens: it has the signal alone.
        signal(libc::SIGTERM);
        eventually("it is called each time", || SEEN.load(Ordering::SeqCst) == 2 * nth + 2);
    }
}

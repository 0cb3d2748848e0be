//! A wait inside the poll of another wait, on one thread.

use std::sync::Arc;
use std::task::Waker;

use super::{WaitList, poll_until};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, check_model, thread};
use crate::time::Deadline;

/// What both threads share.
#[derive(Default)]
struct Shared {
    /// What the outer poll waits for, and the waker that it has left.
    outer: AtomicBool,
    left: Mutex<Option<Waker>>,
    /// What is waited for inside the poll.
    inner: AtomicBool,
    changed: WaitList,
}

/// A wake-up for a poll that waits inside itself is not lost, wherever it comes.
#[test]
fn wake_and_wait_inside() {
    check_model(|| {
        let shared = Arc::new(Shared::default());
        let teller = thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                shared.outer.store(true, Ordering::SeqCst);
                let waker = shared.left.lock().take();
                waker.into_iter().for_each(Waker::wake);
                shared.inner.store(true, Ordering::SeqCst);
                shared.changed.wake_all();
            }
        });
        let mut first = true;
        // Without the wake-up the model would deadlock here.
        poll_until(|waker| {
            *shared.left.lock() = Some(waker.clone());
            if shared.outer.load(Ordering::SeqCst) {
                return Some(());
            }
            if std::mem::take(&mut first) {
                let look = || shared.inner.load(Ordering::SeqCst).then_some(());
                shared.changed.block_until(Deadline::Never, look);
            }
            None
        });
        teller.join().expect("told");
    });
}

//! Counts the forks this process descends from, so that a child process refuses to use threads that stayed in its parent.
//!
//! A room with `unsafe` that no measured gain asks for: the system offers no safe way to hear of a fork, and asking for the
//! process's number at every call would cost more than the call.

use std::sync::atomic::{AtomicU32, Ordering};

use crossbeam_utils::CachePadded;

/// Forks between the process that first asked and this one. On a line of its own: each submission reads it.
static FORKS: CachePadded<AtomicU32> = CachePadded::new(AtomicU32::new(0));

/// The count now. Different from an earlier answer: this process is a fork.
#[inline]
pub(crate) fn count() -> u32 {
    // Relaxed: after a fork there is one thread, which wrote it.
    FORKS.load(Ordering::Relaxed)
}

/// Begins to count. Forks before the first call are not counted, and have nothing of ours in them.
pub(crate) fn watch() {
    #[cfg(unix)]
    {
        extern "C" fn forked() {
            FORKS.fetch_add(1, Ordering::Relaxed);
        }
        static WATCHING: std::sync::Once = std::sync::Once::new();
        WATCHING.call_once(|| {
            // SAFETY: the handler is a fn of this crate that lives as long as the process, and all it does is add to an
            // atomic: nothing that is forbidden between fork and exec. A failure (no memory) leaves forks uncounted.
            #[allow(unsafe_code)]
            unsafe {
                libc::pthread_atfork(None, None, Some(forked));
            }
        });
    }
}

//! What came before what: one count for the whole program, and a number for each thread.

use std::sync::atomic::{AtomicI64, Ordering};

/// The next moment. Of two moments the later one has the larger number, on whatever threads they are.
pub(crate) fn moment() -> i64 {
    static NEXT: AtomicI64 = AtomicI64::new(0);
    // More than counting: what a thread has done before its moment is seen by whoever has a later one. The proof needs it.
    NEXT.fetch_add(1, Ordering::AcqRel)
}

/// The number of this thread.
pub(crate) fn thread() -> i64 {
    static NEXT: AtomicI64 = AtomicI64::new(0);
    thread_local! {
        // Relaxed: only the number matters.
        static OWN: i64 = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    OWN.with(|number| *number)
}

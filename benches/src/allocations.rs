//! A global allocator that counts while it is told to, and otherwise costs one load of a line nobody writes.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

/// Whether the calls are counted. Off except in the memory scenarios: two shared counters written at each
/// allocation would slow exactly the peers that allocate, and the throughput figures would lie.
static COUNTING: AtomicBool = AtomicBool::new(false);
/// Allocations since counting began; a reallocation is one.
static CALLS: AtomicU64 = AtomicU64::new(0);
/// Bytes asked for less bytes given back since counting began; wraps below zero and back, as it must.
static LIVE: AtomicU64 = AtomicU64::new(0);

/// The system's allocator with the counters in front.
pub(crate) struct Counting;

/// What one stretch of the program allocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allocated {
    pub(crate) calls: u64,
    /// Bytes asked for (not what the allocator rounds them up to) and not given back.
    pub(crate) live: i64,
}

/// Counts what every thread allocates while `body` runs. One at a time.
pub(crate) fn count(body: impl FnOnce()) -> Allocated {
    CALLS.store(0, Ordering::Relaxed);
    LIVE.store(0, Ordering::Relaxed);
    // SeqCst is more than enough: the other threads stand still at a gate while the scenarios count.
    COUNTING.store(true, Ordering::SeqCst);
    body();
    COUNTING.store(false, Ordering::SeqCst);
    Allocated { calls: CALLS.load(Ordering::Relaxed), live: LIVE.load(Ordering::Relaxed) as i64 }
}

fn note(calls: u64, gained: usize, lost: usize) {
    if COUNTING.load(Ordering::Relaxed) {
        CALLS.fetch_add(calls, Ordering::Relaxed);
        LIVE.fetch_add((gained as u64).wrapping_sub(lost as u64), Ordering::Relaxed);
    }
}

// SAFETY: every call is handed to `System` unchanged, whose contract is the same; counting touches atomics only,
// and neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size(), 0);
        // SAFETY: the caller keeps `alloc`'s contract, which is `System`'s.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size(), 0);
        // SAFETY: the caller keeps `alloc_zeroed`'s contract, which is `System`'s.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        note(0, 0, layout.size());
        // SAFETY: `ptr` came from this allocator, hence from `System`, with this layout.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        note(1, new_size, layout.size());
        // SAFETY: `ptr` came from this allocator, hence from `System`, with this layout; the caller vouches for `new_size`.
        unsafe { System.realloc(ptr, layout, new_size) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_box_is_one_allocation_and_its_bytes() {
        // Other tests may allocate on their threads meanwhile, so the figures are lower bounds only.
        let mut kept = None;
        let allocated = count(|| kept = Some(std::hint::black_box(Box::new([0_u8; 1 << 20]))));
        assert!(kept.is_some());
        assert!(allocated.calls >= 1);
        assert!(allocated.live >= 1 << 19);
    }
}

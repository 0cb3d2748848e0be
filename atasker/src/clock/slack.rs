//! How exactly the system wakes the clock thread.

/// Has timed sleeps of this thread end as soon after their moment as the system can, and threads made by it too.
///
/// Linux lets each end up to 50 µs later, so that it may end several together. A thread on which all deadlines come
/// together has nothing to gain from that: without it an interval of 1 ms was late by 50 µs instead of 95.
pub(super) fn end_sleeps_sharply() {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        const NANOSECONDS: u64 = 1;
        // Refused, it leaves the sleeps as they were.
        _ = nix::sys::prctl::set_timerslack(NANOSECONDS);
    }
}

//! How exactly the system wakes the clock thread.

/// Has timed sleeps of this thread end as soon after their moment as the system can, and threads made by it too.
///
/// Linux lets each end up to 50 µs later, so that it may end several together. A thread on which all deadlines come
/// together has nothing to gain from that: without it an interval of 1 ms was late by 50 µs instead of 95.
pub(super) fn end_sleeps_sharply() {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        const NANOSECONDS: libc::c_ulong = 1;
        // SAFETY: the call takes a number and no pointer, and changes nothing but how long this thread's sleeps may
        // overrun. A failure leaves them as they were.
        #[allow(unsafe_code)]
        unsafe {
            libc::prctl(libc::PR_SET_TIMERSLACK, NANOSECONDS);
        }
    }
}

//! Hears that the system's wall clock was set, so that what is planned by it can be looked at again.

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) use imp::Watcher;

#[cfg(any(target_os = "linux", target_os = "android"))]
mod imp {
    use std::io;
    use std::sync::Arc;

    use nix::sys::time::TimeSpec;
    use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

    use crate::sync::Mutex;
    use crate::sync::thread::{Builder, JoinHandle};

    /// Later than any wall clock shows, in seconds.
    const NEVER: i64 = 1 << 40;

    /// A thread that sleeps until the wall clock is set: Linux ends a read of such a timer then, and when the machine
    /// wakes from a suspension.
    pub(in crate::clock) struct Watcher {
        timer: Arc<Timer>,
        join: JoinHandle<()>,
    }

    struct Timer {
        timer: TimerFd,
        /// Its thread is to leave. Lock rule: the timer is set under it, so that the last to set it is the one who asks.
        leaves: Mutex<bool>,
    }

    impl Timer {
        /// Waits for the next time that the clock is set. `false`: there is nothing to wait for.
        fn watch(&self) -> bool {
            let leaves = self.leaves.lock();
            let flags = TimerSetTimeFlags::TFD_TIMER_ABSTIME | TimerSetTimeFlags::TFD_TIMER_CANCEL_ON_SET;
            !*leaves && self.timer.set(Expiration::OneShot(TimeSpec::new(NEVER, 0)), flags).is_ok()
        }

        fn leave(&self) {
            let mut leaves = self.leaves.lock();
            *leaves = true;
            let at_once = Expiration::OneShot(TimeSpec::new(0, 1));
            self.timer.set(at_once, TimerSetTimeFlags::empty()).expect("a timer of ours takes a nanosecond");
        }
    }

    impl Watcher {
        /// Calls `was_set` each time.
        pub(in crate::clock) fn new(thread_name: String, was_set: impl Fn() + Send + 'static) -> io::Result<Self> {
            let timer = TimerFd::new(ClockId::CLOCK_REALTIME, TimerFlags::TFD_CLOEXEC)?;
            let timer = Arc::new(Timer { timer, leaves: Mutex::new(false) });
            let watched = Arc::clone(&timer);
            let mut watches = watched.watch();
            let join = Builder::new().name(thread_name).spawn(move || {
                while watches && watched.timer.wait().is_ok() {
                    // Watched again first: it may be set once more while this is told.
                    watches = watched.watch();
                    was_set();
                }
            })?;
            Ok(Self { timer, join })
        }

        /// Sends its thread away and joins it.
        pub(in crate::clock) fn join(self) {
            self.timer.leave();
            // It runs no user code; a panic of its own is a bug that has been printed.
            _ = self.join.join();
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn it_leaves_when_it_is_asked_to() {
            for _ in 0..100 {
                Watcher::new("watcher".into(), || ()).expect("the system gives a timer and a thread").join();
            }
        }
    }
}

/// Where the system does not tell.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) struct Watcher;

#[cfg(not(any(target_os = "linux", target_os = "android")))]
impl Watcher {
    pub(super) fn new(_thread_name: String, _was_set: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    pub(super) fn join(self) {}
}

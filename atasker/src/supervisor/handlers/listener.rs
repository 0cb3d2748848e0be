//! One who listens for signals: a place to sleep at, and what the handler does to end that sleep.

use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU8, Ordering};

/// A listener that nobody uses, or that has been closed.
const CLOSED: u8 = 0;
/// No signal has come yet.
const LISTENING: u8 = 1;
/// A signal has come: the next ends the process, unless another listener has not heard one.
const TOLD: u8 = 2;

/// How a signal was taken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// Nobody listens.
    Never,
    /// Somebody has heard it who had not heard one before.
    First,
    /// All who listen have heard one before.
    Again,
}

/// A place to listen at.
pub(in crate::supervisor) struct Listener {
    stage: AtomicU8,
    /// The handler writes to it.
    wake: UnixStream,
    /// Whoever listens sleeps here. What is read means nothing but that `stage` is to be looked at.
    woken: UnixStream,
    /// The one that was there before it.
    pub(super) next: Option<&'static Listener>,
}

impl Listener {
    pub(super) fn new(next: Option<&'static Listener>) -> io::Result<Self> {
        let (wake, woken) = UnixStream::pair()?;
        // A handler must never wait: where there is no room for another byte, there are enough of them to wake.
        wake.set_nonblocking(true)?;
        Ok(Self { stage: AtomicU8::new(CLOSED), wake, woken, next })
    }

    /// Sleeps until a signal comes: then `true`; or until it is closed.
    pub(in crate::supervisor) fn wait(&self) -> bool {
        loop {
            // The race this closes: a signal comes, or it is closed, between this look and the sleep. The stage is set
            // first and the byte is written second, so the read below finds it.
            match self.stage.load(Ordering::Acquire) {
                CLOSED => return false,
                TOLD => return true,
                _ => {}
            }
            match (&self.woken).read(&mut [0; 16]) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return false,
                _ => {}
            }
        }
    }

    /// Begins to listen.
    pub(super) fn open(&self) {
        self.stage.store(LISTENING, Ordering::Release);
    }

    /// Listens no more, and ends a [`wait`](Self::wait).
    pub(super) fn close(&self) {
        self.stage.store(CLOSED, Ordering::Release);
        self.wake();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.stage.load(Ordering::Acquire) == CLOSED
    }

    /// A signal has come. Called by the handler.
    pub(super) fn tell(&self) -> Taken {
        // Acquire and release: whoever wakes by it has what came before. Relaxed on failure: nothing is read by it.
        match self.stage.compare_exchange(LISTENING, TOLD, Ordering::AcqRel, Ordering::Relaxed) {
            Ok(_) => {
                self.wake();
                Taken::First
            }
            Err(TOLD) => Taken::Again,
            Err(_) => Taken::Never,
        }
    }

    fn wake(&self) {
        // SAFETY: the descriptor is open, since a listener is never dropped once it is in the list, and the byte lives as
        // long as the call. It is a bare write, as it happens in a handler.
        unsafe { libc::write(self.wake.as_raw_fd(), [0_u8].as_ptr().cast(), 1) };
    }
}

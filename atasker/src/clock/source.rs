//! Where the time comes from: the system, or a test that moves it.

#[cfg(feature = "test-util")]
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime};

#[cfg(feature = "test-util")]
use crate::sync::Mutex;

/// The time that one clock goes by.
#[derive(Debug, Default)]
pub(super) struct Source {
    #[cfg(feature = "test-util")]
    manual: OnceLock<Arc<Manual>>,
}

impl Source {
    pub(super) fn now(&self) -> Instant {
        #[cfg(feature = "test-util")]
        if let Some(manual) = self.manual.get() {
            return manual.now();
        }
        Instant::now()
    }

    pub(super) fn wall(&self) -> SystemTime {
        #[cfg(feature = "test-util")]
        if let Some(manual) = self.manual.get() {
            return manual.wall();
        }
        SystemTime::now()
    }

    /// Whether no thread need wait for it.
    pub(super) fn is_manual(&self) -> bool {
        #[cfg(feature = "test-util")]
        return self.manual.get().is_some();
        #[cfg(not(feature = "test-util"))]
        false
    }

    /// From now on it is that. `false`: it is another one already.
    #[cfg(feature = "test-util")]
    pub(super) fn set(&self, manual: Arc<Manual>) -> bool {
        self.manual.set(manual).is_ok()
    }
}

/// A time that stands still until it is moved.
#[cfg(feature = "test-util")]
#[derive(Debug)]
pub(crate) struct Manual(Mutex<(Instant, SystemTime)>);

#[cfg(feature = "test-util")]
impl Manual {
    pub(crate) fn new(now: Instant, wall: SystemTime) -> Self {
        Self(Mutex::new((now, wall)))
    }

    pub(crate) fn now(&self) -> Instant {
        self.0.lock().0
    }

    pub(crate) fn wall(&self) -> SystemTime {
        self.0.lock().1
    }

    pub(crate) fn set_wall(&self, wall: SystemTime) {
        self.0.lock().1 = wall;
    }

    /// Moves both clocks on; does nothing where they are there already.
    pub(crate) fn move_to(&self, to: Instant) {
        let (now, wall) = &mut *self.0.lock();
        let by = to.saturating_duration_since(*now);
        *now += by;
        *wall = wall.checked_add(by).unwrap_or(*wall);
    }
}

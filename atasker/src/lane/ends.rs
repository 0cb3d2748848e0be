//! How bodies in flight have ended, counted beside the gate.

use super::{Counts, End};
use crate::sync::atomic::{AtomicU64, Ordering};

/// The ends of one epoch. A body that a bounded stop has given up on counts here too, where nobody looks any more.
#[derive(Default)]
pub(super) struct Ends {
    completed: AtomicU64,
    panicked: AtomicU64,
    cancelled: AtomicU64,
    slices: AtomicU64,
}

impl Ends {
    pub(super) fn count(&self, end: End) {
        let count = match end {
            End::Completed => &self.completed,
            End::Panicked => &self.panicked,
            End::Cancelled => &self.cancelled,
            End::Slice => &self.slices,
        };
        // Relaxed: who has waited for the body has seen its end by what told of it, which came after this.
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// Adds them to what else was counted.
    pub(super) fn add_to(&self, counts: &mut Counts) {
        // Relaxed: as above.
        counts.completed += self.completed.load(Ordering::Relaxed);
        counts.panicked += self.panicked.load(Ordering::Relaxed);
        counts.cancelled += self.cancelled.load(Ordering::Relaxed);
        counts.slices += self.slices.load(Ordering::Relaxed);
    }
}

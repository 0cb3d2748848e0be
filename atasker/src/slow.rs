//! Who waits too long for a place: thresholds, what is told, and the look that the pool and the lanes share.

use std::time::{Duration, Instant};

use crate::config::Config;
use crate::priority::Priority;

/// How bad a wait is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slowness {
    /// Longer than [`Config::warn_after`](crate::Config::warn_after).
    Warning,
    /// Longer than [`Config::error_after`](crate::Config::error_after).
    Error,
}

/// Something that waits for a place longer than the supervisor's threshold, while it still waits.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SlowStart {
    /// The task's or worker's name.
    pub name: String,
    /// The priority it waits at.
    pub priority: Priority,
    /// How long it has waited so far.
    pub waited: Duration,
    /// Which threshold it has passed.
    pub slowness: Slowness,
}

/// How long is too long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Thresholds {
    warn: Option<Duration>,
    error: Option<Duration>,
}

impl Thresholds {
    pub(crate) fn new(config: &Config) -> Self {
        Self { warn: config.get_warn_after(), error: config.get_error_after() }
    }

    /// The one that is passed first.
    pub(crate) fn first(self) -> Option<Duration> {
        [self.warn, self.error].into_iter().flatten().min()
    }
}

/// How many at the front of a queue have been told of.
#[derive(Debug, Default)]
pub(crate) struct Told {
    warned: usize,
    errored: usize,
}

/// Something in a queue, as a look sees it.
pub(crate) struct Waits {
    /// When it came, where that is known.
    pub(crate) since: Option<Instant>,
    /// Its name; `None`: it is dead.
    pub(crate) name: Option<String>,
}

impl Told {
    /// The first one has been taken out.
    #[inline(always)]
    pub(crate) fn popped(&mut self) {
        self.warned = self.warned.saturating_sub(1);
        self.errored = self.errored.saturating_sub(1);
    }

    /// One that stood at that position of a queue of which `old` was told stays, behind those that have stayed so far.
    pub(crate) fn stays(&mut self, old: &Self, position: usize) {
        self.warned += usize::from(position < old.warned);
        self.errored += usize::from(position < old.errored);
    }

    /// Reports who has newly waited past a threshold, and gives the moment of the next look. `since` and `name` tell of the
    /// one at a position from the front; `None`: nobody is there.
    pub(crate) fn look(
        &mut self,
        priority: Priority,
        now: Instant,
        thresholds: Thresholds,
        waits: impl Fn(usize) -> Option<Waits>,
        report: &mut Vec<SlowStart>,
    ) -> Option<Instant> {
        let mut next: Option<Instant> = None;
        for (threshold, slowness) in [(thresholds.error, Slowness::Error), (thresholds.warn, Slowness::Warning)] {
            let Some(threshold) = threshold else { continue };
            let reported = if slowness == Slowness::Error { &mut self.errored } else { &mut self.warned };
            while let Some(Waits { since, name }) = waits(*reported) {
                let due = since.and_then(|since| since.checked_add(threshold));
                if let Some(due) = due.filter(|&due| due > now) {
                    next = Some(next.map_or(due, |next| next.min(due)));
                    break;
                }
                // Else it came before the threshold was set, or is dead.
                if let (Some(since), Some(_), Some(name)) = (since, due, name) {
                    report.push(SlowStart { name, priority, waited: now - since, slowness });
                }
                *reported += 1;
            }
        }
        next
    }
}

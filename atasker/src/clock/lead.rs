//! How much earlier a sleep is to end, so that the thread is awake when its moment comes.

use std::time::Duration;

/// Never more: what a wake-up takes longer than this has other causes than the wake-up.
const MAX: Duration = Duration::from_micros(150);

/// What wake-ups have lately taken at least.
///
/// A thread that sleeps until a moment runs some time after it: 5 µs, or 100 on a processor that must first be woken
/// itself. It goes up slowly and down fast, so that it stays at the short ones: what a sleep ends too early by must be
/// spent awake, and is 2 µs on average.
#[derive(Debug, Default)]
pub(super) struct Lead(Duration);

impl Lead {
    pub(super) fn get(&self) -> Duration {
        self.0
    }

    /// A wake-up has taken that long.
    pub(super) fn learn(&mut self, took: Duration) {
        let took = took.min(MAX);
        if took > self.0 {
            self.0 += (took - self.0) / 8;
        } else {
            self.0 -= (self.0 - took) / 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_at_the_short_ones() {
        let mut lead = Lead::default();
        for round in 0..1_000_u64 {
            // One in ten takes ever so long.
            let took = if round % 10 == 0 { Duration::from_secs(1) } else { Duration::from_micros(40 + round % 7) };
            lead.learn(took);
            assert!(lead.get() <= MAX);
        }
        assert!((40..50).contains(&lead.get().as_micros()), "{lead:?}");
    }

    #[test]
    fn it_never_exceeds_its_bound_and_falls_fast() {
        let mut lead = Lead::default();
        (0..1_000).for_each(|_| lead.learn(Duration::MAX));
        assert!(lead.get() > MAX / 2 && lead.get() <= MAX);
        (0..10).for_each(|_| lead.learn(Duration::ZERO));
        assert!(lead.get() < Duration::from_micros(1));
    }
}

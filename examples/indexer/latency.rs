//! How late the look-ups started.

use std::fmt;
use std::time::Duration;

/// One latency for each look-up; at one every 10 ms, an hour of them takes 6 MB.
#[derive(Debug, Default)]
pub(crate) struct Latencies(Vec<Duration>);

/// The figures people ask for.
#[derive(Debug, PartialEq)]
pub(crate) struct Summary {
    count: usize,
    p50: Duration,
    p99: Duration,
    max: Duration,
}

impl Latencies {
    pub(crate) fn add(&mut self, latency: Duration) {
        self.0.push(latency);
    }

    /// `None`: there is nothing to sum up.
    pub(crate) fn summary(&self) -> Option<Summary> {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let &max = sorted.last()?;
        Some(Summary { count: sorted.len(), p50: percentile(&sorted, 50), p99: percentile(&sorted, 99), max })
    }
}

/// The smallest value that at least `percent` of a hundred do not exceed (nearest rank). `sorted` is not empty.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted[rank.max(1) - 1]
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |latency: Duration| latency.as_secs_f64() * 1e3;
        let Self { count, p50, p99, max } = *self;
        write!(f, "{count} started after p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms", ms(p50), ms(p99), ms(max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(millis: impl IntoIterator<Item = u64>) -> Latencies {
        Latencies(millis.into_iter().map(Duration::from_millis).collect())
    }

    fn summary(millis: impl IntoIterator<Item = u64>) -> [u128; 3] {
        let Summary { p50, p99, max, .. } = of(millis).summary().expect("there are some");
        [p50, p99, max].map(|latency| latency.as_millis())
    }

    #[test]
    fn nothing_has_no_summary() {
        assert_eq!(of([]).summary(), None);
    }

    #[test]
    fn one_value_is_every_percentile() {
        assert_eq!(summary([7]), [7, 7, 7]);
    }

    #[test]
    fn ranks_are_the_nearest_in_any_order() {
        assert_eq!(summary((1..=100).rev()), [50, 99, 100]);
        assert_eq!(summary(1..=200), [100, 198, 200]);
        assert_eq!(summary([3, 1, 2]), [2, 3, 3]);
        assert_eq!(summary([4, 1, 3, 2]), [2, 4, 4]);
    }
}

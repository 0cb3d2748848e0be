//! One origin of time for the whole process, so that a stamp fits an atomic, and a spin of a known length.

use std::{
    hint::black_box,
    sync::LazyLock,
    time::{Duration, Instant},
};

use crate::stats;

/// Set by the first call, which the scenarios make before they measure.
static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Nanoseconds since the first call in this process.
pub(crate) fn nanos() -> u64 {
    // The clock is read before the origin is looked up: the stamp is the caller's first instruction.
    let now = Instant::now();
    now.saturating_duration_since(*ORIGIN).as_nanos() as u64
}

/// How many iterations of [`spin`] take `length` on this machine, now.
///
/// A spin that looks at the clock would end on time even on a core that another thread had taken meanwhile,
/// and so hide what a pool does to the throughput; a counted one does not.
pub(crate) fn iterations(length: Duration) -> u64 {
    const PROBE: u64 = 100_000;
    let probes = (0..101).map(|_| {
        let start = Instant::now();
        spin(PROBE);
        start.elapsed().as_nanos() as f64
    });
    let probe = stats::median(&probes.collect::<Vec<_>>()).expect("there are 101 probes");
    (PROBE as f64 * length.as_nanos() as f64 / probe) as u64
}

/// Keeps a core busy for a counted number of iterations.
pub(crate) fn spin(iterations: u64) {
    for i in 0..iterations {
        black_box(i);
    }
}

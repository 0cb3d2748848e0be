//! Scenario 6: a thread outside the pool submits and waits, one task at a time.

use crate::{
    clock,
    peer::{Size, Waits},
    record::{Figures, figures},
    scenario::Run,
    stats,
};

/// Scenario 6: mean and tail of the round trip.
pub(crate) fn one_at_a_time<P: Waits>(run: &Run) -> Figures {
    let pool = P::open(Size::TWO);
    let trips = run.size(50_000, 500);
    let mut micros = Vec::with_capacity(trips as usize);
    for n in 0..trips / 10 {
        pool.round_trip(move || n);
    }
    for n in 0..trips {
        let start = clock::nanos();
        let result = pool.round_trip(move || n);
        micros.push((clock::nanos() - start) as f64 / 1e3);
        assert_eq!(result, n, "a result belongs to its task");
    }
    figures([
        ("mean", stats::mean(&micros).expect("there are samples")),
        ("p50", stats::percentile(&micros, 50.0).expect("there are samples")),
        ("p99", stats::percentile(&micros, 99.0).expect("there are samples")),
    ])
}

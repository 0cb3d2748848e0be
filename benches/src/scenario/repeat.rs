//! Measuring a rate several times in one process.

use std::time::{Duration, Instant};

use crate::{
    record::{Figures, figures},
    scenario::Run,
    stats,
};

/// At least this many, so that there is a middle.
const LEAST: usize = 5;
/// At most this many, however short they are.
const MOST: usize = 40;
/// How long to go on between the two, at scale 1.
const BUDGET: Duration = Duration::from_millis(1_500);

/// The median of the rates that `once` returns, and the first, which also pays for fresh memory.
pub(crate) fn rate(run: &Run, mut once: impl FnMut() -> f64) -> Figures {
    let budget = BUDGET.mul_f64(run.scale);
    let start = Instant::now();
    let mut rates = Vec::new();
    while rates.len() < LEAST || (rates.len() < MOST && start.elapsed() < budget) {
        rates.push(once());
    }
    let (low, high) = stats::range(&rates).expect("there are several");
    figures([
        ("rate", stats::median(&rates).expect("there are several")),
        ("first", rates[0]),
        ("lowest", low),
        ("highest", high),
        ("repeats", rates.len() as f64),
    ])
}

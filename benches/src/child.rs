//! One measurement in a process of its own: it prints one JSON line and ends, whatever its pool still does.

use std::{error::Error, process, thread, time::Duration};

use crate::{cli::Order, clock, machine::Watch, record::Record, scenario::Run};

/// Longer than any measurement at scale 1; a pool that hangs is a result too, and the rounds go on.
const PATIENCE: Duration = Duration::from_secs(120);
/// For the smallest scales.
const LEAST_PATIENCE: Duration = Duration::from_secs(10);

/// Measures what is ordered.
pub(crate) fn run(order: &Order) -> Result<(), Box<dyn Error>> {
    let scenario = order.scenario.sheet().id;
    let peer = order.peer.name;
    let measure =
        order.peer.measure(order.scenario).ok_or_else(|| format!("{peer} does not measure scenario {scenario}"))?;
    let patience = PATIENCE.mul_f64(order.scale).max(LEAST_PATIENCE);
    thread::spawn(move || {
        thread::sleep(patience);
        eprintln!("atasker-bench: {peer} hangs in scenario {scenario}");
        process::exit(2);
    });
    let spin = order.spin.unwrap_or_else(spin_iterations);
    clock::nanos();
    let watch = Watch::start();
    let figures = measure(&Run { scale: order.scale, spin });
    let machine = watch.finish();
    let record =
        Record { scenario: scenario.to_owned(), peer: peer.to_owned(), round: 0, scale: order.scale, figures, machine };
    println!("{}", serde_json::to_string(&record)?);
    // Not a return: the pool's threads may still be there, and their end is not measured.
    process::exit(0);
}

/// Iterations of the spin of a Low task.
pub(crate) fn spin_iterations() -> u64 {
    clock::iterations(Duration::from_micros(20))
}

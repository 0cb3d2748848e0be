//! A pipeline of two queue workers: what backpressure is, and how to stop without losing an item.
//!
//! ```text
//! cargo run --example queue_pipeline
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use atasker::{PutError, WorkerError, background_worker};

/// Reads a line and passes the number on. Waits while the next queue is full, so this one fills up too.
#[background_worker(queue = 16, on_error = |error: &WorkerError| println!("left out: {error}"))]
fn parse(line: String) -> Result<(), String> {
    let number = line.parse().map_err(|error| format!("{line:?}: {error}"))?;
    store.put(number).map_err(|refused| refused.to_string())
}

/// Stores a number, which takes a while.
#[background_worker(queue = 16)]
fn store(number: u64, sum: &AtomicU64) {
    thread::sleep(Duration::from_millis(1));
    sum.fetch_add(number, Relaxed);
}

fn main() -> atasker::Result<()> {
    let sum = Arc::new(AtomicU64::new(0));
    store.start(Arc::clone(&sum))?;
    parse.start()?;

    // The source is faster than the store. `try_put` gives the item back when there is no room, `put` waits for room.
    let mut waits = 0;
    for n in 1..=200 {
        let line = if n == 100 { "one hundred".to_owned() } else { n.to_string() };
        match parse.try_put(line) {
            Err(PutError::Full(line)) => {
                waits += 1;
                parse.put(line)?;
            }
            done => done?,
        }
    }
    println!("all handed in; the source waited {waits} times, {} and {} items are queued", parse.len(), store.len());

    // From front to back: each works off what it has, and finds the next one still open.
    parse.stop();
    store.stop();
    println!("sum {}, {} of {} lines were wrong", sum.load(Relaxed), parse.info().errors, parse.info().runs);
    assert_eq!(sum.load(Relaxed), (1..=200).sum::<u64>() - 100);

    // From now on an item comes back.
    assert_eq!(store.put(1), Err(PutError::NotRunning(1)));
    Ok(())
}

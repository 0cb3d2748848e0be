//! Urgent work while the pool is full: `High` starts on a place kept for it, `Critical` beside all places, and a task
//! that waits for others runs them in its own place.
//!
//! ```text
//! cargo run --example alarm
//! ```

use std::thread;
use std::time::{Duration, Instant};

use atasker::{Config, background_task, task_supervisor, wait_completed};

/// Work that can wait.
#[background_task(priority = Low)]
fn report(pages: u64) -> u64 {
    thread::sleep(Duration::from_millis(5 * pages));
    pages
}

/// Waits for tasks of its own in the middle of a full pool. Those that are still queued run right here.
#[background_task(priority = Low)]
fn yearly_report() -> u64 {
    let quarters = (1..=4).map(report);
    wait_completed(quarters).map_or(0, |pages| pages.iter().sum())
}

/// Somebody waits for it. Tells how long it took to start.
#[background_task(priority = High)]
fn request(asked: Instant) -> Duration {
    let waited = asked.elapsed();
    thread::sleep(Duration::from_millis(50));
    waited
}

/// Nothing comes before it. Tells how long it took to start.
#[background_task(priority = Critical)]
fn alarm(raised: Instant) -> Duration {
    raised.elapsed()
}

fn main() -> atasker::Result<()> {
    // Two places for everyone, one more that only `High` may take.
    task_supervisor().set_config(Config::new().pool_size(2).reserve_normal(0).reserve_high(1))?;

    let reports: Vec<_> = (0..40).map(|_| report(4)).collect();
    let yearly = yearly_report();
    thread::sleep(Duration::from_millis(5));
    let info = task_supervisor().info();
    println!("{} reports run, {} wait for a place", info.active.low, info.queued.low);

    let asked = Instant::now();
    let (first, second, raised) = (request(asked), request(asked), alarm(asked));
    println!("alarm started after {:.1?}: it needs no place", raised.wait()?);
    println!("first request started after {:.1?}: on the place kept for it", first.wait()?);
    println!("second request started after {:.1?}: on the first place that came free", second.wait()?);
    println!("{} reports still wait", task_supervisor().info().queued.low);

    println!("the yearly report has {} pages", yearly.wait()?);
    wait_completed(reports)?;
    println!("all done after {:.1?}", asked.elapsed());
    Ok(())
}

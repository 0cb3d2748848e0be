//! Async workers of every kind on a lane with a place in reserve: one reads at an interval, one sends what it is handed, one
//! answers to triggers. An urgent request starts though the lane is full.
//!
//! ```text
//! cargo run --example async_workers
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use atasker::{
    AsyncWorker, LaneConfig, Priority, WorkerContext, background_future, background_task, background_worker,
    task_supervisor, wait_completed,
};

/// Reads at an interval and hands on what it has read; its state lives across awaits and runs.
#[background_worker(interval = 2ms, lane = "io")]
async fn read(cx: &WorkerContext, last: &mut u64) {
    tokio::time::sleep(Duration::from_micros(200)).await;
    *last += 1;
    // Pending while the queue is full, and the thread goes on with others.
    if send.put_async(*last).await.is_err() {
        cx.request_stop();
    }
}

/// Sends one after the other. An `Err` is told to `on_error`, and the worker lives on.
#[background_worker(queue = 8, lane = "io", on_error = |error| println!("not sent: {error}"))]
async fn send(value: u64, sent: &Arc<AtomicU64>) -> Result<(), String> {
    tokio::task::yield_now().await;
    if value == 3 {
        return Err(format!("nobody takes {value}"));
    }
    sent.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// An async worker as a struct, with hooks.
struct Keeper {
    saved: u64,
}

impl AsyncWorker for Keeper {
    type Output = ();

    async fn run(&mut self, _cx: &WorkerContext) {
        self.saved += 1;
    }

    async fn on_stop(&mut self, cx: &WorkerContext) {
        println!("{} has saved {} times", cx.name(), self.saved);
    }
}

/// Holds its place for a while.
#[background_task(priority = Low, lane = "io")]
async fn sync_with_the_cloud(part: u32) -> u32 {
    tokio::time::sleep(Duration::from_millis(20)).await;
    part
}

fn main() -> atasker::Result<()> {
    // Four bodies at a time, and one place more for High.
    let lane = task_supervisor().lane("io", LaneConfig::new().threads(2).pool_size(4).reserve_high(1))?;
    let sent = Arc::new(AtomicU64::new(0));
    send.start(Arc::clone(&sent))?;
    read.start(0)?;
    let keeper = background_worker(Keeper { saved: 0 }).event().name("keeper").lane("io").start()?;

    let syncs: Vec<_> = (1..=12).map(sync_with_the_cloud).collect();
    let asked = Instant::now();
    let urgent = background_future(async move { asked.elapsed() }).priority(Priority::High).lane("io").start();
    println!("an urgent request started after {:?}, with {} syncs before it", urgent.wait()?, syncs.len());
    keeper.trigger();
    println!("{} parts are in sync", wait_completed(syncs)?.len());

    read.stop();
    send.stop();
    keeper.stop();
    println!("{} values sent, {} failed", sent.load(Ordering::Relaxed), send.info().errors);
    assert!(lane.stop().complete);
    assert!(task_supervisor().stop().complete);
    Ok(())
}

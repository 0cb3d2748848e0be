//! An async `main`: it awaits, spawns, and borrows what is not `Send`.

#![deny(warnings)]

use std::rc::Rc;
use std::time::Duration;

use atasker::{background_task, task_supervisor};

#[background_task(priority = High)]
fn half(x: u32) -> u32 {
    x / 2
}

#[atasker::main(async_threads = 1, on_signal = cancel)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let here = Rc::new(21);
    assert_eq!(half(2 * *here).await?, 21);
    let spawned = tokio::spawn(async { tokio::time::sleep(Duration::from_millis(1)).await });
    spawned.await?;
    assert_eq!(Rc::strong_count(&here), 1);
    // It waits, since this is no body of the supervisor; and goes on.
    assert!(task_supervisor().stop().complete);
    task_supervisor().stop_requested().await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    Ok(())
}

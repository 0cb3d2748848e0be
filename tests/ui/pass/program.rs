//! A program with every key, each value one of those that its setter takes.

#![deny(warnings)]

use std::time::Duration;

use atasker::{OnSignal, background_task, task_supervisor};

const KIB: usize = 1024;
const MINUTE: Duration = Duration::from_secs(60);

fn places() -> usize {
    6
}

#[background_task]
fn add(a: i32, b: i32) -> i32 {
    a + b
}

/// Documented.
#[atasker::main(
    pool_size = places(),
    reserve_normal = 2,
    reserve_high = 3usize,
    critical_max = 4,
    min_threads = 1,
    keep_alive = 250ms,
    thread_name = format!("{}-x", "pass"),
    stack_size = 512 * KIB,
    task_times = true,
    warn_after = "1m 30s",
    error_after = 2 * MINUTE,
    async_threads = 1,
    max_nesting = 8,
    grace = MINUTE,
    on_signal = OnSignal::Drain,
)]
#[allow(non_snake_case)]
pub fn main() -> atasker::Result<()> {
    let config = task_supervisor().config();
    assert_eq!((config.get_pool_size(), config.get_reserve_normal(), config.get_reserve_high()), (6, 2, 3));
    assert_eq!((config.get_critical_max(), config.get_min_threads(), config.get_max_nesting()), (4, 1, 8));
    assert_eq!((config.get_keep_alive(), config.get_stack_size()), (Duration::from_millis(250), Some(512 * KIB)));
    assert_eq!((config.get_thread_name(), config.get_task_times()), (Some("pass-x"), true));
    assert_eq!(config.get_warn_after(), Some(Duration::from_secs(90)));
    assert_eq!((config.get_error_after(), config.get_async_threads()), (Some(2 * MINUTE), 1));
    let Sum = add(2, 3).wait()?;
    assert_eq!(Sum, 5);
    assert!(task_supervisor().stop().complete);
    Ok(())
}

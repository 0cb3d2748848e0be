//! A strict crate sees no warning from what the attributes make.

#![deny(
    warnings,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    unused,
    nonstandard_style,
    future_incompatible,
    rust_2018_idioms,
    let_underscore,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unsafe_code,
    unused_lifetimes,
    unused_qualifications,
    variant_size_differences,
    clippy::all,
    clippy::pedantic
)]

use atasker::{WorkerContext, background_task, background_worker};

/// A task of a private type.
#[derive(Debug)]
pub struct Order(u8);

/// A task that nobody calls by its name.
#[background_task(priority = Low)]
pub fn only_detached(order: Order, text: String) -> String {
    format!("{} {text}", order.0)
}

#[background_task]
fn only_called() -> u8 {
    1
}

#[background_task]
fn only_with() -> u8 {
    1
}

/// A public queue.
#[background_worker(queue)]
pub fn orders(order: Order, text: &str, total: &mut usize, tag: Vec<String>) {
    *total += text.len() + usize::from(order.0) + tag.len();
}

#[background_worker(interval = 1h, autostart)]
fn hourly(cx: &WorkerContext) -> Result<(), String> {
    if cx.run() > 9 {
        Err("too often".to_owned())
    } else {
        Ok(())
    }
}

fn main() -> atasker::Result<()> {
    only_detached::detach(Order(1), String::new());
    only_called::call();
    drop(only_with::with(atasker::Priority::High)());
    orders.start("x", 0, Vec::new())?;
    Ok(())
}

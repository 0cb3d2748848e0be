//! What a pool is told by the configuration: ceilings and threads.

use std::time::Duration;

use crate::admission::Limits;
use crate::config::{Config, MIN_STACK};

/// The ceilings of the places.
pub(super) fn limits(config: &Config) -> Limits {
    let (normal, high) = (config.get_reserve_normal(), config.get_reserve_high());
    Limits::new(config.get_pool_size(), normal, high, config.get_critical_max())
}

/// So many errands run at once, each on a thread beside all places. They wait for nobody but each other, so any number
/// would do; this one bounds the threads where ten thousand workers stop at once.
pub(super) const MAX_ERRANDS: usize = 64;

/// How threads are made and when they leave.
#[derive(Clone, Debug)]
pub(super) struct ThreadSpec {
    pub(super) name: String,
    pub(super) stack_size: Option<usize>,
    pub(super) keep_alive: Duration,
    pub(super) min_threads: usize,
}

/// What a body takes of the stack that waits for another, which runs on top of it, with all of ours between the two. Ours
/// were 2 KiB for a task and 5 for a worker's slice or a `block_on`, without optimisation; the rest is the body's
/// (`deadlock::donors::stacks`).
const LEVEL: usize = 16 << 10;

impl ThreadSpec {
    /// How many bodies fit on top of each other into a thread's stack.
    pub(super) fn nesting(&self) -> usize {
        let stack = self.stack_size.unwrap_or_else(default_stack);
        stack.saturating_sub(MIN_STACK) / LEVEL
    }
}

/// What the standard library gives a thread that asks for nothing.
fn default_stack() -> usize {
    let told = std::env::var("RUST_MIN_STACK").ok().and_then(|bytes| bytes.parse().ok());
    told.unwrap_or(2 << 20)
}

pub(super) fn thread_spec(name: &str, config: &Config) -> ThreadSpec {
    ThreadSpec {
        name: config.get_thread_name().unwrap_or(name).to_owned(),
        stack_size: config.get_stack_size(),
        keep_alive: config.get_keep_alive(),
        min_threads: config.get_min_threads(),
    }
}

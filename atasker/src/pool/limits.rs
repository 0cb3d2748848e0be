//! What a pool is told by the configuration: ceilings and threads.

use std::time::Duration;

use crate::admission::Limits;
use crate::config::Config;

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

pub(super) fn thread_spec(name: &str, config: &Config) -> ThreadSpec {
    ThreadSpec {
        name: config.get_thread_name().unwrap_or(name).to_owned(),
        stack_size: config.get_stack_size(),
        keep_alive: config.get_keep_alive(),
        min_threads: config.get_min_threads(),
    }
}

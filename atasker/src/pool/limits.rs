//! What a pool is told by the configuration: ceilings, threads, thresholds.

use std::time::Duration;

use super::queue::Thresholds;
use crate::config::Config;
use crate::priority::Priority;

/// The ceilings: a task of a priority may be taken while fewer places than this are in use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) low: usize,
    pub(super) normal: usize,
    pub(super) high: usize,
    /// `Critical` tasks that may run beside the places.
    pub(super) critical: usize,
}

impl Limits {
    /// Nothing may be taken.
    pub(super) const NONE: Self = Self { low: 0, normal: 0, high: 0, critical: 0 };

    pub(super) fn of(config: &Config) -> Self {
        let critical = config.get_critical_max();
        if config.get_pool_size() == 0 {
            return Self { low: usize::MAX, normal: usize::MAX, high: usize::MAX, critical };
        }
        let low = config.get_pool_size();
        let normal = low + config.get_reserve_normal();
        Self { low, normal, high: normal + config.get_reserve_high(), critical }
    }

    pub(super) fn places(&self, priority: Priority) -> usize {
        match priority {
            Priority::Low => self.low,
            Priority::Normal => self.normal,
            Priority::High | Priority::Critical => self.high,
        }
    }
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

pub(super) fn thresholds(config: &Config) -> Thresholds {
    Thresholds { warn: config.get_warn_after(), error: config.get_error_after() }
}

//! What a lane of async bodies is told about itself.

use super::{MAX_PLACES, cpus};
use crate::error::{ConfigError, Error};

/// More threads than this for one runtime are a likely typing error.
const MAX_THREADS: usize = 10_000;

/// The threads and limits of a [`Lane`](crate::Lane): plain data, checked when it is handed over.
///
/// Without `pool_size` every async body starts at once. With it, the bodies in flight are admitted as those of the pool
/// are: by the same ceilings and in the same order. See [`Config`](crate::Config) for what each limit means; its
/// [`warn_after`](crate::Config::warn_after) and [`error_after`](crate::Config::error_after) hold for every lane too.
///
/// # Examples
///
/// ```
/// use atasker::{Config, LaneConfig, Supervisor};
///
/// let s = Supervisor::new("gateway", Config::new())?;
/// let io = s.lane("io", LaneConfig::new().threads(2).pool_size(100).reserve_high(10))?;
/// assert_eq!(io.block_on(async { 2 + 2 })?, 4);
/// assert!(s.stop().complete);
/// # Ok::<(), atasker::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneConfig {
    threads: usize,
    pool_size: usize,
    reserve_normal: usize,
    reserve_high: usize,
    critical_max: usize,
}

impl Default for LaneConfig {
    fn default() -> Self {
        Self { threads: cpus(), pool_size: 0, reserve_normal: 0, reserve_high: 0, critical_max: 256 }
    }
}

impl LaneConfig {
    /// The defaults: a thread for each CPU that the process may use, and no limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// Threads that poll its bodies, from 1 to 10,000. Default: as many as CPUs that the process may use.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Bodies of any priority that may be in flight at a time. Default: 0, which means unlimited.
    #[must_use]
    pub fn pool_size(mut self, places: usize) -> Self {
        self.pool_size = places;
        self
    }

    /// Places beyond `pool_size` for `Normal` and above. Default: 0.
    #[must_use]
    pub fn reserve_normal(mut self, places: usize) -> Self {
        self.reserve_normal = places;
        self
    }

    /// Places beyond those for `Normal`, for `High` only. Default: 0.
    #[must_use]
    pub fn reserve_high(mut self, places: usize) -> Self {
        self.reserve_high = places;
        self
    }

    /// How many `Critical` bodies may be in flight beside the places. Default: 256.
    #[must_use]
    pub fn critical_max(mut self, bodies: usize) -> Self {
        self.critical_max = bodies;
        self
    }

    /// See [`threads`](Self::threads).
    pub fn get_threads(&self) -> usize {
        self.threads
    }

    /// See [`pool_size`](Self::pool_size).
    pub fn get_pool_size(&self) -> usize {
        self.pool_size
    }

    /// See [`reserve_normal`](Self::reserve_normal).
    pub fn get_reserve_normal(&self) -> usize {
        self.reserve_normal
    }

    /// See [`reserve_high`](Self::reserve_high).
    pub fn get_reserve_high(&self) -> usize {
        self.reserve_high
    }

    /// See [`critical_max`](Self::critical_max).
    pub fn get_critical_max(&self) -> usize {
        self.critical_max
    }

    /// Refuses what makes no sense, naming the field and its value.
    pub(crate) fn check(&self) -> Result<(), Error> {
        check_threads("threads", self.threads)?;
        for (field, value) in [
            ("pool_size", self.pool_size),
            ("reserve_normal", self.reserve_normal),
            ("reserve_high", self.reserve_high),
            ("critical_max", self.critical_max),
        ] {
            if value > MAX_PLACES {
                return Err(ConfigError::new(field, value.to_string(), "must be at most 1000000").into());
            }
        }
        Ok(())
    }
}

/// Refuses a number of threads that no runtime can have.
pub(super) fn check_threads(field: &'static str, threads: usize) -> Result<(), Error> {
    if (1..=MAX_THREADS).contains(&threads) {
        return Ok(());
    }
    Err(ConfigError::new(field, threads.to_string(), "must be from 1 to 10000").into())
}

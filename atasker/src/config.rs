//! What a supervisor is told about its pool.

mod lane;

use std::borrow::Cow;
use std::time::Duration;

pub use lane::LaneConfig;

use crate::error::{ConfigError, Error};

/// More places than this are refused: it is past what any system gives threads for, and a likely typing error.
const MAX_PLACES: usize = 1_000_000;

/// A smaller stack is refused: the least that the system gives, 16 KiB, was overflowed by a body that starts another and waits.
pub(crate) const MIN_STACK: usize = 64 << 10;

/// The limits and habits of a [`Supervisor`](crate::Supervisor): plain data, checked when it is handed over.
///
/// Each setter takes and returns the configuration, each getter is named `get_…` (as in
/// [`std::process::Command`]), so one field of a running supervisor changes by
/// `s.set_config(s.config().pool_size(30))`.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use atasker::{Config, Supervisor};
///
/// let s = Supervisor::new("reports", Config::new().pool_size(4).reserve_high(2))?;
/// s.set_config(s.config().pool_size(8).keep_alive(Duration::from_secs(1)))?;
/// assert_eq!(s.config().get_pool_size(), 8);
/// assert_eq!(s.config().get_reserve_high(), 2);
///
/// let error = s.set_config(s.config().thread_name("a\0b")).unwrap_err();
/// assert!(error.to_string().contains("thread_name"));
/// # Ok::<(), atasker::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    pool_size: usize,
    reserve_normal: usize,
    reserve_high: usize,
    critical_max: usize,
    min_threads: usize,
    keep_alive: Duration,
    thread_name: Option<Cow<'static, str>>,
    stack_size: Option<usize>,
    task_times: bool,
    warn_after: Option<Duration>,
    error_after: Option<Duration>,
    max_nesting: usize,
    async_threads: usize,
}

/// CPUs that the process may use.
fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

impl Default for Config {
    fn default() -> Self {
        Self {
            pool_size: 5 * cpus(),
            reserve_normal: 5,
            reserve_high: 5,
            critical_max: 256,
            min_threads: 0,
            keep_alive: Duration::from_secs(10),
            thread_name: None,
            stack_size: None,
            task_times: false,
            warn_after: None,
            error_after: None,
            max_nesting: 64,
            async_threads: cpus(),
        }
    }
}

impl Config {
    /// The defaults: 5 places for each CPU that the process may use, 5 in reserve for `Normal`, 5 more for `High`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Places that a task of any priority may take. Default: 5 × the CPUs that the process may use.
    ///
    /// 0 means unlimited: every task starts at once, on as many threads as the system gives, and the reserves mean
    /// nothing. The sum with both reserves is at most 1,000,000.
    #[must_use]
    pub fn pool_size(mut self, places: usize) -> Self {
        self.pool_size = places;
        self
    }

    /// Places beyond `pool_size` for `Normal` and above. Default: 5.
    #[must_use]
    pub fn reserve_normal(mut self, places: usize) -> Self {
        self.reserve_normal = places;
        self
    }

    /// Places beyond those for `Normal`, for `High` only. Default: 5.
    #[must_use]
    pub fn reserve_high(mut self, places: usize) -> Self {
        self.reserve_high = places;
        self
    }

    /// How many `Critical` tasks may run beside the places at a time. Default: 256; at most 1,000,000.
    ///
    /// Those beyond are admitted like `High` tasks, ahead of every `High` one. 0: all of them are.
    #[must_use]
    pub fn critical_max(mut self, tasks: usize) -> Self {
        self.critical_max = tasks;
        self
    }

    /// Threads that are started with the supervisor and stay when idle. Default: 0; at most all places together.
    #[must_use]
    pub fn min_threads(mut self, threads: usize) -> Self {
        self.min_threads = threads;
        self
    }

    /// How long an idle thread stays before it leaves. Default: 10 s. Zero: it leaves at once.
    #[must_use]
    pub fn keep_alive(mut self, idle: Duration) -> Self {
        self.keep_alive = idle;
        self
    }

    /// The start of each pool thread's name, before `-` and a number. Default: the supervisor's name.
    ///
    /// Not empty and without NUL. Some systems show only the first 15 bytes.
    #[must_use]
    pub fn thread_name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.thread_name = Some(name.into());
        self
    }

    /// Bytes of stack for each new pool thread, at least 64 KiB. Default: as [`std::thread`] chooses (2 MiB).
    #[must_use]
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    /// Whether each task keeps the moments it was submitted, started and finished at, for
    /// [`Task::info`](crate::Task::info). Default: no, since reading the clock costs more than the rest of a task.
    #[must_use]
    pub fn task_times(mut self, keep: bool) -> Self {
        self.task_times = keep;
        self
    }

    /// Warns when something has waited this long for a place: an event of level `WARN`, and the hook of
    /// [`Supervisor::on_slow_start`](crate::Supervisor::on_slow_start). Default: never. More than 0.
    #[must_use]
    pub fn warn_after(mut self, waited: impl Into<Option<Duration>>) -> Self {
        self.warn_after = waited.into();
        self
    }

    /// The same with an event of level `ERROR`. Default: never. More than 0, and not below `warn_after`.
    #[must_use]
    pub fn error_after(mut self, waited: impl Into<Option<Duration>>) -> Self {
        self.error_after = waited.into();
        self
    }

    /// How many awaited tasks and workers' slices a pool thread runs on top of each other on its own stack before a thread is
    /// added for the next. Default: 64; from 1 to 10,000.
    ///
    /// It never runs more of them than have 16 KiB each in its stack, 64 KiB for the innermost left out: 124 in one of 2 MiB,
    /// none in one of 64 KiB. Bodies that take more of the stack than that want a larger
    /// [`stack_size`](Self::stack_size) or a lower nesting.
    #[must_use]
    pub fn max_nesting(mut self, tasks: usize) -> Self {
        self.max_nesting = tasks;
        self
    }

    /// Threads of the runtime that async bodies run on, made when the first of them starts; from 1 to 10,000. Default: as
    /// many as CPUs that the process may use. A change holds from the next start of the supervisor on.
    #[must_use]
    pub fn async_threads(mut self, threads: usize) -> Self {
        self.async_threads = threads;
        self
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

    /// See [`min_threads`](Self::min_threads).
    pub fn get_min_threads(&self) -> usize {
        self.min_threads
    }

    /// See [`keep_alive`](Self::keep_alive).
    pub fn get_keep_alive(&self) -> Duration {
        self.keep_alive
    }

    /// See [`thread_name`](Self::thread_name); `None` stands for the supervisor's name.
    pub fn get_thread_name(&self) -> Option<&str> {
        self.thread_name.as_deref()
    }

    /// See [`stack_size`](Self::stack_size); `None` leaves the choice to [`std::thread`].
    pub fn get_stack_size(&self) -> Option<usize> {
        self.stack_size
    }

    /// See [`task_times`](Self::task_times).
    pub fn get_task_times(&self) -> bool {
        self.task_times
    }

    /// See [`warn_after`](Self::warn_after).
    pub fn get_warn_after(&self) -> Option<Duration> {
        self.warn_after
    }

    /// See [`error_after`](Self::error_after).
    pub fn get_error_after(&self) -> Option<Duration> {
        self.error_after
    }

    /// See [`max_nesting`](Self::max_nesting).
    pub fn get_max_nesting(&self) -> usize {
        self.max_nesting
    }

    /// See [`async_threads`](Self::async_threads).
    pub fn get_async_threads(&self) -> usize {
        self.async_threads
    }

    /// All places together; `None`: unlimited.
    pub(crate) fn places(&self) -> Option<usize> {
        (self.pool_size != 0).then(|| self.pool_size + self.reserve_normal + self.reserve_high)
    }

    /// Refuses what makes no sense, naming the field and its value.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let refuse = |field, value: String, cure| Err(ConfigError::new(field, value, cure).into());
        let too_many = "must be at most 1000000";
        for (field, value) in [
            ("pool_size", self.pool_size),
            ("reserve_normal", self.reserve_normal),
            ("reserve_high", self.reserve_high),
            ("critical_max", self.critical_max),
            ("min_threads", self.min_threads),
        ] {
            if value > MAX_PLACES {
                return refuse(field, value.to_string(), too_many);
            }
        }
        if let Some(places) = self.places() {
            if places > MAX_PLACES {
                let sum = format!("{} + {} + {}", self.pool_size, self.reserve_normal, self.reserve_high);
                return refuse("pool_size", sum, "must be at most 1000000 together with both reserves");
            }
            if self.min_threads > places {
                let cure = "must be at most pool_size + reserve_normal + reserve_high: raise those or lower it";
                return refuse("min_threads", self.min_threads.to_string(), cure);
            }
        }
        if let Some(name) = &self.thread_name
            && (name.is_empty() || name.contains('\0'))
        {
            return refuse("thread_name", format!("{name:?}"), "must not be empty or have a NUL byte");
        }
        if let Some(bytes) = self.stack_size.filter(|&bytes| bytes < MIN_STACK) {
            let cure =
                "must be at least 65536, which one body and what runs it need: leave it out for the system's choice";
            return refuse("stack_size", bytes.to_string(), cure);
        }
        for (field, value) in [("warn_after", self.warn_after), ("error_after", self.error_after)] {
            if value == Some(Duration::ZERO) {
                return refuse(field, "0".into(), "must be more than 0: leave it out for never");
            }
        }
        if let (Some(warn), Some(error)) = (self.warn_after, self.error_after)
            && error < warn
        {
            return refuse("error_after", format!("{error:?}"), "must not be below warn_after");
        }
        if !(1..=10_000).contains(&self.max_nesting) {
            return refuse("max_nesting", self.max_nesting.to_string(), "must be from 1 to 10000");
        }
        lane::check_threads("async_threads", self.async_threads)
    }
}

//! The lanes of one supervisor: the main one, and those that were given a name.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use super::info::LaneInfo;
use crate::config::{Config, LaneConfig};
use crate::error::{ConfigError, Error, Result};
use crate::lane::{Counts, Lane, Sample, Watcher};
use crate::owner::Scope;
use crate::slow::Thresholds;
use crate::stops::Leftover;
use crate::sync::Mutex;

/// What the main lane is called in reports. Its threads are named after the supervisor and this.
const MAIN: &str = "async";

/// The lanes; they are made at once, their runtimes when they are first used.
pub(crate) struct Lanes {
    main: Arc<Lane>,
    /// Lock rule: before a lane's locks.
    named: Mutex<Named>,
    /// What makes another lane.
    thread_name: String,
    owner: usize,
    watcher: Weak<dyn Watcher>,
}

#[derive(Default)]
struct Named {
    /// For a new lane.
    thresholds: Thresholds,
    /// The supervisor runs, so a new lane is open.
    open: bool,
    /// Somebody waits for them to be quiet.
    #[cfg(feature = "test-util")]
    watched: bool,
    lanes: BTreeMap<String, Arc<Lane>>,
}

fn main_config(config: &Config) -> LaneConfig {
    LaneConfig::new().threads(config.get_async_threads()).critical_max(config.get_critical_max())
}

impl Lanes {
    /// `owner`: the address of the supervisor's pool.
    pub(super) fn new(name: &str, config: &Config, owner: usize, watcher: Weak<dyn Watcher>) -> Self {
        let thread_name = config.get_thread_name().unwrap_or(name).to_owned();
        let of_main = format!("{thread_name}-{MAIN}");
        let main = Lane::new(MAIN, of_main, owner, main_config(config), Weak::clone(&watcher));
        let lanes = Self { main, named: Mutex::default(), thread_name, owner, watcher };
        lanes.watch_starts(Thresholds::new(config));
        lanes
    }

    pub(super) fn configure(&self, config: &Config) {
        self.main.configure(main_config(config));
        self.watch_starts(Thresholds::new(config));
    }

    fn watch_starts(&self, thresholds: Thresholds) {
        let mut named = self.named.lock();
        named.thresholds = thresholds;
        std::iter::once(&self.main).chain(named.lanes.values()).for_each(|lane| lane.watch_starts(thresholds));
    }

    pub(crate) fn main(&self) -> &Arc<Lane> {
        &self.main
    }

    /// The lane of that name; the main one, where there is none.
    pub(crate) fn find(&self, name: Option<&str>) -> Result<Arc<Lane>> {
        let Some(name) = name else { return Ok(Arc::clone(&self.main)) };
        if self.main.is_forked() {
            return Err(Error::Forked);
        }
        let named = self.named.lock();
        named.lanes.get(name).cloned().ok_or_else(|| {
            let known = named.lanes.keys().cloned().collect();
            Error::UnknownLane { name: name.to_owned(), known }
        })
    }

    /// Makes the lane of that name, or gives the one that is there.
    pub(crate) fn make(&self, name: &str, config: LaneConfig) -> Result<Arc<Lane>> {
        if name.is_empty() || name.contains('\0') || name == MAIN {
            let cure = "must not be empty, have a NUL byte, or be `async`, the name of the main lane";
            return Err(ConfigError::new("lane", format!("{name:?}"), cure).into());
        }
        config.check()?;
        if self.main.is_forked() {
            return Err(Error::Forked);
        }
        let mut named = self.named.lock();
        if let Some(lane) = named.lanes.get(name) {
            if lane.config() == config {
                return Ok(Arc::clone(lane));
            }
            let cure = "is there with another configuration: find it by find_lane() and use its set_config()";
            return Err(ConfigError::new("lane", format!("{name:?}"), cure).into());
        }
        let thread_name = format!("{}-{name}", self.thread_name);
        let lane = Lane::new(name, thread_name, self.owner, config, Weak::clone(&self.watcher));
        lane.watch_starts(named.thresholds);
        if named.open {
            lane.open();
        }
        #[cfg(feature = "test-util")]
        if named.watched {
            lane.watch();
        }
        named.lanes.insert(name.to_owned(), Arc::clone(&lane));
        Ok(lane)
    }

    /// The clock has put many in.
    pub(super) fn call_for_many(&self) {
        self.main.call_for_many();
        let called: Vec<_> = self.named.lock().lanes.values().filter(|lane| lane.has_many()).cloned().collect();
        called.iter().for_each(|lane| lane.call_for_many());
    }

    pub(super) fn all(&self) -> Vec<Arc<Lane>> {
        let named = self.named.lock();
        std::iter::once(&self.main).chain(named.lanes.values()).cloned().collect()
    }

    pub(super) fn open(&self) {
        let mut named = self.named.lock();
        named.open = true;
        std::iter::once(&self.main).chain(named.lanes.values()).for_each(|lane| lane.open());
    }

    /// Opens one that was stopped alone, unless its supervisor is stopping or stopped.
    pub(crate) fn reopen(&self, lane: &Lane) -> Result<()> {
        // The race this closes: a stop of the supervisor comes just now. It marks this first and drains each lane second, so a
        // lane that is opened under the lock is drained.
        let named = self.named.lock();
        if !named.open {
            return Err(Error::Stopped);
        }
        Ok(lane.reopen()?)
    }

    /// Closes the intake for callers from outside. Gives what is left to drop.
    pub(super) fn drain(&self) -> Vec<Leftover> {
        self.named.lock().open = false;
        let drain = |lane: Arc<Lane>| {
            lane.drain(Scope::Supervisor);
            lane.cancel_delayed()
        };
        self.all().into_iter().filter_map(drain).collect()
    }

    /// Closes the intake for bodies too, cancels what waits, and asks what runs to end. Gives what is left to drop.
    pub(super) fn hurry(&self) -> Vec<Leftover> {
        self.all().iter().flat_map(|lane| lane.hurry()).collect()
    }

    /// Has it be told whenever one of them is quiet, from now on.
    #[cfg(feature = "test-util")]
    pub(super) fn watch(&self) {
        self.named.lock().watched = true;
        self.all().iter().for_each(|lane| lane.watch());
    }

    #[cfg(feature = "test-util")]
    pub(super) fn is_quiet(&self) -> bool {
        self.all().iter().all(|lane| lane.is_quiet())
    }

    /// How many bodies all of them have admitted, where none is in flight or waits.
    pub(super) fn rest(&self) -> Option<u64> {
        self.all().iter().map(|lane| lane.rest()).sum()
    }

    /// All lanes together.
    pub(super) fn counts(&self) -> Counts {
        let mut sum = Counts::default();
        self.all().iter().for_each(|lane| sum.add(&lane.sample().counts));
        sum
    }

    pub(super) fn infos(&self) -> Vec<LaneInfo> {
        self.all().iter().map(info).collect()
    }
}

/// A lane at one moment.
pub(crate) fn info(lane: &Arc<Lane>) -> LaneInfo {
    let Sample { active, queued, delayed, counts } = lane.sample();
    let (name, config) = (lane.name().to_owned(), lane.config());
    LaneInfo { name, config, is_open: lane.is_open(), active, queued, delayed, totals: counts.into() }
}

//! The lanes of one supervisor: the main one, and those that were given a name.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Instant;

use super::core::Core;
use super::info::LaneInfo;
use super::{Abandoned, StopReport};
use crate::config::{Config, LaneConfig};
use crate::error::{ConfigError, Error, Result};
use crate::lane::{Counts, Lane, Sample, Watcher};
use crate::pool;
use crate::slow::Thresholds;
use crate::sync::Mutex;
use crate::time::Deadline;
use crate::wait::Stay;

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

    fn all(&self) -> Vec<Arc<Lane>> {
        let named = self.named.lock();
        std::iter::once(&self.main).chain(named.lanes.values()).cloned().collect()
    }

    pub(super) fn open(&self) {
        let mut named = self.named.lock();
        named.open = true;
        std::iter::once(&self.main).chain(named.lanes.values()).for_each(|lane| lane.open());
    }

    /// Closes the intake.
    pub(super) fn drain(&self) {
        self.named.lock().open = false;
        for lane in self.all() {
            lane.drain();
            lane.cancel_delayed();
        }
    }

    /// Cancels what waits, and asks what runs to end.
    pub(super) fn hurry(&self) {
        for lane in self.all() {
            lane.cancel_queued();
            lane.hurry();
        }
    }

    /// Has it be told whenever one of them is quiet, from now on.
    #[cfg(feature = "test-util")]
    pub(super) fn watch(&self) {
        self.named.lock().watched = true;
        self.all().iter().for_each(|lane| lane.watch());
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.all().iter().all(|lane| lane.is_quiet())
    }

    pub(super) fn give_up(&self) -> Vec<(String, Instant)> {
        self.all().iter().flat_map(|lane| lane.give_up()).collect()
    }

    /// Shuts the runtimes down.
    pub(super) fn close(&self, gave_up: bool) {
        self.all().iter().for_each(|lane| lane.close(gave_up));
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

/// A lane is stopped by itself, as a supervisor is: intake closed, delays cancelled, workers asked, what waits worked off.
impl Core {
    /// The steps that never wait.
    pub(crate) fn ask_lane_to_stop(&self, lane: &Arc<Lane>, discard: bool) {
        lane.drain();
        lane.cancel_delayed();
        for resident in self.registry.running().into_iter().filter(|resident| resident.is_on(lane)) {
            resident.ask_to_stop(discard);
        }
        if discard {
            lane.cancel_queued();
            lane.hurry();
        }
    }

    /// Whether a lane that was asked to stop has nothing left.
    pub(crate) fn is_lane_idle(&self, lane: &Arc<Lane>) -> bool {
        lane.is_quiet() && !self.registry.running().iter().any(|resident| resident.is_on(lane))
    }

    /// The steps that wait.
    pub(crate) fn end_lane(&self, lane: &Arc<Lane>, deadline: Deadline) -> StopReport {
        let idle = || self.is_lane_idle(lane).then_some(());
        let mut stay = Stay::new(&self.changed);
        let ended = pool::wait_for(
            deadline,
            true,
            || lane.awaited(),
            |waker| {
                stay.register(waker);
                idle()
            },
        );
        drop(stay);
        let gave_up = match ended {
            Some(()) => Vec::new(),
            None => {
                let running = lane.give_up();
                for resident in self.registry.running().into_iter().filter(|resident| resident.is_on(lane)) {
                    resident.ask_to_stop(true);
                }
                running
            }
        };
        let now = Instant::now();
        let abandon = |(name, since)| Abandoned { name, running_for: now.saturating_duration_since(since) };
        let abandoned: Vec<_> = gave_up.into_iter().map(abandon).collect();
        lane.close(!abandoned.is_empty());
        let mut report = lane_report(lane);
        report.complete = abandoned.is_empty();
        report.abandoned = abandoned;
        report
    }

    /// For those who wait as a future.
    pub(crate) fn changed(&self) -> &crate::wait::WaitList {
        &self.changed
    }
}

/// What a lane has done since it was opened.
pub(crate) fn lane_report(lane: &Lane) -> StopReport {
    let counts = lane.sample().counts;
    StopReport { ran: counts.completed + counts.panicked, cancelled: counts.cancelled, ..StopReport::default() }
}

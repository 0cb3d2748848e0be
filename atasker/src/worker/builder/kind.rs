//! What makes a worker run, as a builder knows it.

use std::time::Duration;

use super::super::grid::MissedTick;
use super::super::schedule::Pacer;
use crate::error::ConfigError;

/// Runs again and again.
#[derive(Clone, Copy, Debug)]
pub struct Loop {
    pub(super) initial: Duration,
}

/// Runs on a fixed grid.
#[derive(Clone, Copy, Debug)]
pub struct Interval {
    pub(super) every: Duration,
    pub(super) missed: MissedTick,
    pub(super) initial: Duration,
}

/// Runs a fixed time after the end of its last run.
#[derive(Clone, Copy, Debug)]
pub struct Delay {
    pub(super) gap: Duration,
    pub(super) initial: Duration,
}

/// Runs when a cron line says.
#[derive(Clone, Debug)]
pub struct Cron {
    pub(super) line: Result<crate::Cron, ConfigError>,
    pub(super) initial: Duration,
}

/// Runs when its schedule says.
#[derive(Debug)]
pub struct Scheduled {
    pub(super) pacer: Pacer,
    pub(super) initial: Duration,
}

/// Runs when triggered.
#[derive(Clone, Copy, Debug)]
pub struct Event;

/// Runs for each item.
#[derive(Clone, Copy, Debug)]
pub struct Queue {
    pub(super) capacity: Option<usize>,
}

/// Kinds that run by themselves, so that their first run can be made to wait.
pub trait Timed {
    #[doc(hidden)]
    fn set_initial(&mut self, initial: Duration);
}

impl Timed for Loop {
    fn set_initial(&mut self, initial: Duration) {
        self.initial = initial;
    }
}

impl Timed for Interval {
    fn set_initial(&mut self, initial: Duration) {
        self.initial = initial;
    }
}

impl Timed for Delay {
    fn set_initial(&mut self, initial: Duration) {
        self.initial = initial;
    }
}

impl Timed for Cron {
    fn set_initial(&mut self, initial: Duration) {
        self.initial = initial;
    }
}

impl Timed for Scheduled {
    fn set_initial(&mut self, initial: Duration) {
        self.initial = initial;
    }
}

/// Kinds that run at a planned time, so that it can be moved, or met exactly.
pub trait Planned {}

impl Planned for Interval {}
impl Planned for Delay {}
impl Planned for Cron {}
impl Planned for Scheduled {}

/// Kinds whose runs can be limited: all but queues, whose items all have their run.
pub trait Limited {}

impl Limited for Loop {}
impl Limited for Interval {}
impl Limited for Delay {}
impl Limited for Cron {}
impl Limited for Scheduled {}
impl Limited for Event {}

//! How far one slice carries a queue worker: from item to item, until something is to come before the next.

use std::time::{Duration, Instant, SystemTime};

use super::super::context::WorkerContext;
use super::{Core, Home};
use crate::lane::Lane;
use crate::priority::Priority;
use crate::supervisor::Core as SupervisorCore;
use crate::sync::atomic::Ordering;

/// A queue worker lets its place go after this long, so that a busy one can't hold it against its equals.
const SLICE: Duration = Duration::from_millis(1);

/// The clock is read after as many items as take about this long, since a short item costs less than a look at it.
const BETWEEN_LOOKS: Duration = Duration::from_micros(20);

/// And after this many, so that it is read early enough where the items behind short ones are long.
const MAX_STRIDE: u32 = 64;

/// One slice of a worker.
pub(in crate::worker) struct Turn<'a> {
    core: &'a Core,
    supervisor: &'a SupervisorCore,
    /// Where an async body runs.
    lane: Option<&'a Lane>,
    priority: Priority,
    began: Instant,
    /// When the clock was last read: at the start of a run, or at the end of the one before.
    looked_at: Instant,
    /// A run began since, and the plan was told when.
    shown: bool,
    /// It has lasted as long as it may.
    is_over: bool,
    /// Items between two looks at the clock.
    stride: u32,
    /// So many of them are still to be run.
    left: u32,
}

impl<'a> Turn<'a> {
    pub(super) fn new(core: &'a Core, home: &'a Home, now: Instant) -> Self {
        Self {
            core,
            supervisor: home.shared(),
            lane: home.lane().map(|lane| &**lane),
            priority: home.priority,
            began: now,
            looked_at: now,
            shown: false,
            is_over: false,
            stride: 1,
            left: 1,
        }
    }

    pub(super) fn began(&self) -> Instant {
        self.began
    }

    /// What the wall clock shows.
    pub(super) fn wall(&self) -> SystemTime {
        self.supervisor.clock.wall()
    }

    /// A run on an item begins.
    #[inline]
    pub(in crate::worker) fn begin(&mut self, cx: &mut WorkerContext, sees_context: bool) {
        self.core.count_run();
        self.left -= 1;
        if sees_context {
            cx.begin_run(self.supervisor.clock.now(), 0);
        }
        if !self.shown {
            self.show();
        }
    }

    /// Tells the plan when this run began; of those that follow without a look at the clock, it will say the same.
    fn show(&mut self) {
        self.shown = true;
        self.core.plan.lock().last_run = Some(self.looked_at);
    }

    /// Whether another item may be run before the place is let go: not in a pause, not while something above waits, and
    /// only for a while.
    pub(in crate::worker) fn goes_on(&mut self) -> bool {
        if self.left == 0 {
            self.look();
        }
        // SeqCst: no run begins after a pause has returned but the one that this look let through.
        !self.core.paused.load(Ordering::SeqCst) && !self.is_wanted_above() && !self.is_over
    }

    fn is_wanted_above(&self) -> bool {
        match self.lane {
            None => self.supervisor.pool.is_wanted_above(self.priority),
            Some(lane) => lane.is_wanted_above(self.priority),
        }
    }

    /// The last run took longer than its body alone.
    pub(super) fn look_soon(&mut self) {
        (self.stride, self.left) = (1, 0);
    }

    fn look(&mut self) {
        let now = self.supervisor.clock.now();
        let took = now.saturating_duration_since(self.looked_at);
        self.stride = if took > BETWEEN_LOOKS { 1 } else { (2 * self.stride).min(MAX_STRIDE) };
        (self.left, self.looked_at, self.shown) = (self.stride, now, false);
        self.is_over = now.saturating_duration_since(self.began) >= SLICE;
    }
}

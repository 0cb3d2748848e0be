//! Stops of one thing, a supervisor or a lane: one at a time, shared by everyone who asks, led by one of them, and ended
//! once: by its leader, or by whoever has waited as long as it may.
//!
//! Plain data under the lock of what is stopped. Knows neither a supervisor nor a lane.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use crate::report::StopReport;
use crate::sync::Mutex;
use crate::sync::thread::JoinHandle;
use crate::time::Deadline;

/// User code that a stop leaves to be run outside every lock, on a thread that nobody waits for without a bound: drops,
/// mostly.
pub(crate) type Leftover = Box<dyn FnOnce() + Send>;

/// One stop, shared by everyone who asked for it: a start that follows takes nothing from them.
#[derive(Default)]
pub(crate) struct Stop {
    /// Set at its end.
    report: OnceLock<StopReport>,
    /// The thread that was made to lead it, to be joined by whoever waits for the end.
    leader: Mutex<Option<JoinHandle<()>>>,
}

impl Stop {
    /// Its report, once it has ended.
    pub(crate) fn report(&self) -> Option<&StopReport> {
        self.report.get()
    }

    /// Keeps the thread that leads it.
    pub(crate) fn led_by(&self, leader: JoinHandle<()>) {
        *self.leader.lock() = Some(leader);
    }

    /// Joins the thread that led it, so that no thread is left when a stop returns. It has nothing left to do.
    pub(crate) fn join_leader(&self) {
        let leader = self.leader.lock().take();
        if let Some(leader) = leader {
            // Its work contains every panic of user code; one of its own is a bug that has been printed.
            _ = leader.join();
        }
    }

    /// It has ended, says the one who has settled it. `gave_up`: nobody is to wait for its leader, which may be in user code that
    /// never ends.
    pub(crate) fn end(&self, report: StopReport, gave_up: bool) {
        if gave_up {
            drop(self.leader.lock().take());
        }
        // Only the one who settled it reports.
        _ = self.report.set(report);
    }
}

/// How urgent a stop is. Later askers can make it more urgent, never less.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Urgency {
    /// Cancel what is queued and discard items.
    pub(crate) discard: bool,
    /// Give up on what still runs then.
    pub(crate) deadline: Deadline,
}

impl Default for Urgency {
    fn default() -> Self {
        Self { discard: false, deadline: Deadline::Never }
    }
}

impl Urgency {
    /// Of a stop that waits at most that long.
    pub(crate) fn is_bounded(self) -> bool {
        self.deadline != Deadline::Never
    }
}

/// The stop under way, or the last one.
#[derive(Default)]
pub(crate) struct Stops {
    current: Arc<Stop>,
    /// Somebody has asked for it.
    begun: bool,
    /// How urgent the stop under way is.
    urgency: Urgency,
    /// Somebody leads it.
    led: bool,
    /// Those who ask and have not taken all of their steps yet: before that nobody settles it, since a start that follows would
    /// be met by the steps that are left.
    asking: usize,
    /// Since when its leader runs what was left to it.
    leaves_since: Option<Instant>,
    /// Its outcome is settled: by its leader, or by one who gave up.
    settled: bool,
    /// What its leader is to run between two looks.
    leftovers: Vec<Leftover>,
}

impl Stops {
    /// The stop under way, or the last one.
    pub(crate) fn current(&self) -> &Arc<Stop> {
        &self.current
    }

    pub(crate) fn urgency(&self) -> Urgency {
        self.urgency
    }

    /// What it stops begins anew: the next stop is another one. One that is under way still (a lane's own, while its supervisor
    /// has stopped and starts again) has ended by that, with this report.
    pub(crate) fn renew(&mut self, report: impl FnOnce() -> StopReport) {
        if self.begun && self.settle() {
            _ = self.current.report.set(report());
        }
        *self = Self::default();
    }

    /// One who has asked begins with the steps that never wait.
    pub(crate) fn begin_steps(&mut self) {
        self.asking += usize::from(!self.settled);
    }

    /// He has taken them.
    ///
    /// Nobody settles a stop while it is asked for, so one that is settled, or another, has not counted him.
    pub(crate) fn end_steps(&mut self, stop: &Arc<Stop>) {
        if self.is_under_way(stop) {
            self.asking -= 1;
        }
    }

    /// Whether somebody is taking them.
    pub(crate) fn is_asked_now(&self) -> bool {
        self.asking > 0
    }

    /// The leader runs what was left to it, from now on or no longer.
    pub(crate) fn note_leaving(&mut self, since: Option<Instant>) {
        self.leaves_since = since;
    }

    pub(crate) fn leaves_since(&self) -> Option<Instant> {
        self.leaves_since
    }

    /// A stop begins. `false`: it was under way.
    pub(crate) fn begin(&mut self, urgency: Urgency) -> bool {
        let first = !std::mem::replace(&mut self.begun, true);
        if first {
            self.urgency = urgency;
        }
        first
    }

    /// Another asks for the stop under way. Whether that makes it one that discards.
    pub(crate) fn join(&mut self, urgency: Urgency) -> bool {
        // Of one that is settled nothing more is asked: it ends, and what comes next is another's.
        let discards = urgency.discard && !self.urgency.discard && !self.settled;
        self.urgency.discard |= urgency.discard;
        self.urgency.deadline = self.urgency.deadline.min(urgency.deadline);
        discards
    }

    /// Takes the lead. `false`: somebody has it.
    pub(crate) fn lead(&mut self) -> bool {
        !std::mem::replace(&mut self.led, true)
    }

    /// Nobody leads it after all: the next one who waits does.
    pub(crate) fn let_lead_go(&mut self) {
        self.led = false;
    }

    /// Takes the right, and the duty, to report its outcome. `false`: somebody else has.
    pub(crate) fn settle(&mut self) -> bool {
        !std::mem::replace(&mut self.settled, true)
    }

    /// Whether that stop is the one there is, and not settled yet.
    pub(crate) fn is_under_way(&self, stop: &Arc<Stop>) -> bool {
        Arc::ptr_eq(&self.current, stop) && !self.settled
    }

    pub(crate) fn leave(&mut self, leftovers: impl IntoIterator<Item = Leftover>) {
        self.leftovers.extend(leftovers);
    }

    pub(crate) fn has_leftovers(&self) -> bool {
        !self.leftovers.is_empty()
    }

    pub(crate) fn take_leftovers(&mut self) -> Vec<Leftover> {
        std::mem::take(&mut self.leftovers)
    }
}

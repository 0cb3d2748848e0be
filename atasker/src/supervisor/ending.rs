//! The stop protocol, of a supervisor or of one lane of it alone.
//!
//! A stop goes by numbered steps:
//!
//! 1. Callers from outside are refused: spawns, puts, triggers, starts; items come back. What a body or hook within starts is
//!    accepted until step 5, since it belongs to what was accepted.
//! 2. The clock drops its deadlines: delayed tasks are cancelled, and their handles say so.
//! 3. Workers drain: those that run by themselves start no further run; queue and event workers run what was put or triggered.
//! 4. Everything comes to rest: nothing is queued, running or on its way, in the pool, on the lanes, with the workers and the
//!    clock. (Where that takes long, a warning names what goes on.)
//! 5. Workers close: their mailboxes are shut, their `on_stop` hooks run, their bodies are dropped.
//! 6. Pool and lanes are at rest again, for hooks may start tasks; each closes under its own lock, only if it still is.
//! 7. Threads are joined and runtimes shut down; the report is made, and everyone who waits for it wakes.
//!
//! **Rest** is a matter of several rooms, each with its own lock, and work moves from room to room. So all are looked at twice.
//! A room at rest tells how much it has begun so far: if that is the same both times, it was at rest all the time between the
//! two looks. If that holds for each room, there is a moment, between the looks, at which all were at rest together; and
//! since nobody from outside gets in any more, nothing begins after it.
//!
//! Steps 1 to 3 never wait and run nothing of the user's, so the one who asks takes them, inside a body too. One leader takes
//! the others: the caller who asked, where it may wait without a bound, else a thread made for it. What they leave of user
//! code, drops mostly, is run by the leader. So whoever waits with a deadline waits for nobody's code: when it passes, it
//! settles the stop itself, whatever the leader is in (`give_up`).

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use super::core::Core;
use super::info::add_counts;
use super::registry::{Entry, Resident};
use super::{Abandoned, StopReport};
use crate::clock;
use crate::lane::{self, Lane, Shutdown};
use crate::log;
use crate::owner::Scope;
use crate::panics::contain;
use crate::pool::{self, GivenUpOn, Pending, Totals};
use crate::stops::{Leftover, Stop, Stops, Urgency};
use crate::sync::atomic::Ordering;
use crate::sync::thread::Builder;
use crate::time::Deadline;
use crate::wait::Stay;
use crate::waits::Awaited;

/// While work is stranded without a thread, a stop asks the system again this often.
const STRANDED_RETRY: Duration = Duration::from_millis(100);

/// After so long, and then as often, a warning names what a stop waits for.
const WARN_EVERY: Duration = Duration::from_secs(10);

/// What a stop ends.
#[derive(Clone)]
pub(super) struct Ending {
    pub(super) core: Arc<Core>,
    /// `None`: the supervisor whole.
    pub(super) lane: Option<(Arc<Lane>, lane::Opening)>,
}

/// What asking for a stop came to.
pub(super) enum Asked {
    /// There was nothing to stop, or it has stopped.
    Ended(StopReport),
    /// The caller is to take the steps that wait.
    Lead(Arc<Stop>),
    /// Somebody else takes them.
    Follow(Arc<Stop>),
}

/// What a stop closes, and which opening of it.
struct Opened {
    /// Pool and clock, of a supervisor.
    own: Option<(pool::Opening, clock::Opening)>,
    lanes: Vec<(lane::Opening, Arc<Lane>)>,
}

/// What a wait of the leader's came to.
enum Seen {
    Ready,
    /// Something has changed that the wait depends on.
    Again,
}

impl Ending {
    /// Calls `f` with its stops, under their lock.
    fn with<R>(&self, f: impl FnOnce(&mut Stops) -> R) -> R {
        match &self.lane {
            None => self.core.with_stops(f),
            Some((lane, _)) => f(&mut lane.stops.lock()),
        }
    }

    fn name(&self) -> String {
        match &self.lane {
            None => self.core.name.clone(),
            Some((lane, _)) => format!("{}/{}", self.core.name, lane.name()),
        }
    }

    fn scope(&self) -> Scope {
        if self.lane.is_none() { Scope::Supervisor } else { Scope::Lane }
    }

    fn residents(&self) -> Vec<(Entry, Arc<dyn Resident>)> {
        self.core.registry.running(self.lane.as_ref().map(|(lane, _)| lane))
    }

    /// Steps 1 to 3 that a supervisor and a lane have in common, or their repetition with more urgency. What is left to drop.
    pub(super) fn drain_workers(&self, discard: bool) -> Vec<Leftover> {
        let drain = |(entry, resident): (Entry, Arc<dyn Resident>)| resident.drain(entry, self.scope(), discard);
        self.residents().into_iter().filter_map(drain).collect()
    }

    /// Leaves user code to the leader, or where there is none any more, to a thread of its own.
    pub(super) fn leave(&self, stop: &Arc<Stop>, leftovers: Vec<Leftover>) {
        if leftovers.is_empty() {
            return;
        }
        let late = self.with(|stops| {
            if !stops.is_under_way(stop) {
                return Some(leftovers);
            }
            stops.leave(leftovers);
            None
        });
        self.run_unwaited(late.unwrap_or_default());
    }

    /// Runs user code on a thread that nobody waits for.
    fn run_unwaited(&self, leftovers: Vec<Leftover>) {
        if leftovers.is_empty() {
            return;
        }
        let leftovers = Arc::new(crate::sync::Mutex::new(leftovers));
        let theirs = Arc::clone(&leftovers);
        let run = move || {
            let leftovers = std::mem::take(&mut *theirs.lock());
            run_all(leftovers);
        };
        if let Err(error) = Builder::new().name(format!("{}-left", self.core.name)).spawn(run) {
            log::no_thread(&self.core.name, &error);
            let leftovers = std::mem::take(&mut *leftovers.lock());
            run_all(leftovers);
        }
    }

    /// Gives the steps that wait to whoever is to take them.
    pub(super) fn lead_or_appoint(&self, stop: Arc<Stop>, lead: bool, elsewhere: bool) -> Asked {
        match (lead, elsewhere) {
            (true, true) => self.appoint(&stop),
            (true, false) => return Asked::Lead(stop),
            (false, _) => {}
        }
        Asked::Follow(stop)
    }

    /// Makes a thread that takes the steps that wait.
    fn appoint(&self, stop: &Arc<Stop>) {
        let (ending, led) = (self.clone(), Arc::clone(stop));
        let made = Builder::new().name(format!("{}-stop", self.core.name)).spawn(move || ending.lead(&led));
        match made {
            Ok(leader) => stop.led_by(leader),
            Err(error) => {
                // The next one who asks or waits from outside leads instead.
                self.with(Stops::let_lead_go);
                self.core.wake(&self.core.changed);
                log::no_thread(&self.core.name, &error);
            }
        }
    }

    /// What is waited for by who waits for the end.
    fn awaited(&self) -> Arc<dyn Awaited> {
        match &self.lane {
            None => Arc::new(Everything(Arc::clone(&self.core))),
            Some((lane, _)) => lane.awaited(),
        }
    }

    /// Asks for nothing, waits for the end.
    pub(super) fn follow(&self, asked: Asked, mut deadline: Deadline) -> StopReport {
        let stop = match asked {
            Asked::Ended(report) => return report,
            Asked::Lead(stop) => {
                self.lead(&stop);
                stop
            }
            Asked::Follow(stop) => stop,
        };
        let mut stay = Stay::new(&self.core.changed);
        let mut look = |waker: &Waker| {
            // In the list first: an end behind the look wakes who is in it.
            stay.register(waker);
            self.with(|stops| {
                if let Some(report) = stop.report() {
                    return Some(Ok(report.clone()));
                }
                // No thread could be made to lead it: then whoever waits does.
                stops.lead().then_some(Err(()))
            })
        };
        loop {
            // A body of another supervisor's lends its place to what the bodies here wait for.
            match pool::wait_for(deadline, true, || self.awaited(), &mut look) {
                Some(Ok(report)) => {
                    stop.join_leader();
                    return report;
                }
                Some(Err(())) => self.lead(&stop),
                None => {
                    self.give_up(&stop);
                    // Settled, by this thread or by another, which runs nothing of the user's before it reports.
                    deadline = Deadline::Never;
                }
            }
        }
    }

    /// The same for async code.
    pub(super) async fn follow_async(&self, asked: Asked) -> StopReport {
        let stop = match asked {
            Asked::Ended(report) => return report,
            Asked::Lead(stop) | Asked::Follow(stop) => stop,
        };
        let (mut stay, mut pending) = (Stay::new(&self.core.changed), Pending::default());
        let report = poll_fn(|cx| {
            if let Some(report) = stop.report() {
                return Poll::Ready(report.clone());
            }
            // Looked at again once the waker is in the list: an end in between wakes nobody.
            stay.register(cx.waker());
            if let Some(report) = stop.report() {
                return Poll::Ready(report.clone());
            }
            pending.tell(cx.waker(), || self.awaited());
            Poll::Pending
        })
        .await;
        stop.join_leader();
        report
    }

    /// Steps 4 to 7.
    ///
    /// Whoever waits with a deadline may settle the stop at any time, and somebody start anew. So what is ended is named by the
    /// opening that it belongs to, which was read before a look that found the stop under way.
    fn lead(&self, stop: &Arc<Stop>) {
        let opened = self.opened();
        let mut closed = Vec::new();
        let ended = self.wait(stop, || self.is_at_rest())
            && self.close_workers(stop)
            && self.wait(stop, || self.residents().is_empty())
            && self.wait(stop, || self.is_at_rest() && self.close_rooms(&opened, &mut closed));
        if ended {
            self.finish(stop, &opened, closed);
        }
    }

    /// What this stop closes.
    fn opened(&self) -> Opened {
        let lanes = match &self.lane {
            None => self.core.lanes.all().into_iter().map(|lane| (lane.opening(), lane)).collect(),
            Some((lane, opening)) => vec![(*opening, Arc::clone(lane))],
        };
        let own = self.lane.is_none().then(|| (self.core.pool.opening(), self.core.clock.opening()));
        Opened { own, lanes }
    }

    /// Whether that stop has been settled.
    fn is_over(&self, stop: &Arc<Stop>) -> bool {
        self.with(|stops| !stops.is_under_way(stop))
    }

    /// Waits until `ready`. `false`: the stop has been settled meanwhile, by this thread where the deadline passed, which others
    /// may bring forward.
    fn wait(&self, stop: &Arc<Stop>, mut ready: impl FnMut() -> bool) -> bool {
        let core = &self.core;
        let began = Instant::now();
        let mut warn_at = Deadline::within(WARN_EVERY);
        loop {
            let under_way =
                self.with(|stops| stops.is_under_way(stop).then(|| (stops.urgency().deadline, stops.take_leftovers())));
            let Some((deadline, leftovers)) = under_way else { return false };
            self.run_left(stop, leftovers);
            let stranded = core.stranded.load(Ordering::Relaxed);
            let retry_at = if stranded { Deadline::within(STRANDED_RETRY) } else { Deadline::Never };
            let seen = core.changed.block_until(deadline.min(warn_at).min(retry_at), || {
                if ready() {
                    return Some(Seen::Ready);
                }
                let changed = self.with(|stops| {
                    !stops.is_under_way(stop) || stops.has_leftovers() || stops.urgency().deadline < deadline
                });
                (changed || core.stranded.load(Ordering::Relaxed) != stranded).then_some(Seen::Again)
            });
            let now = Instant::now();
            match seen {
                Some(Seen::Ready) => return !self.is_over(stop),
                Some(Seen::Again) => {}
                None if deadline.is_due(now) => {
                    self.give_up(stop);
                    return false;
                }
                None if warn_at.is_due(now) => {
                    warn_at = Deadline::within(WARN_EVERY);
                    log::still_stopping(&self.name(), now - began, &self.busy().join(", "));
                }
                None => {
                    core.stranded.store(false, Ordering::Relaxed);
                    core.pool.retry();
                }
            }
        }
    }

    /// Runs what was left to the leader, so that one who gives up meanwhile can name it.
    fn run_left(&self, stop: &Arc<Stop>, leftovers: Vec<Leftover>) {
        if leftovers.is_empty() {
            return;
        }
        let note = |since| {
            self.with(|stops| {
                if stops.is_under_way(stop) {
                    stops.note_leaving(since);
                }
            });
        };
        note(Some(Instant::now()));
        run_all(leftovers);
        note(None);
    }

    /// What goes on, by name.
    fn busy(&self) -> Vec<String> {
        match &self.lane {
            None => {
                let lanes = self.core.lanes.all();
                self.core.pool.busy().into_iter().chain(lanes.iter().flat_map(|lane| lane.busy())).collect()
            }
            Some((lane, _)) => lane.busy(),
        }
    }

    /// Whether there was a moment at which nothing was queued, running or on its way, since this was called.
    fn is_at_rest(&self) -> bool {
        let first = self.look();
        first.is_some() && first == self.look()
    }

    /// How much all rooms have begun so far, where each is at rest when it is looked at.
    fn look(&self) -> Option<[u64; 2]> {
        let core = &self.core;
        let begun = match &self.lane {
            None => {
                let begun = [core.pool.rest()?, core.lanes.rest()?];
                core.clock.is_at_rest().then_some(begun)?
            }
            // Where the whole supervisor stops too, that closes it.
            Some((lane, opening)) if lane.drains_alone(*opening) => [lane.rest()?, 0],
            Some((lane, opening)) => return lane.has_closed(*opening).then_some([0, 0]),
        };
        self.residents().iter().all(|(_, resident)| resident.is_at_rest()).then_some(begun)
    }

    /// Step 5. `false`: the stop has been settled meanwhile.
    fn close_workers(&self, stop: &Arc<Stop>) -> bool {
        let residents = self.residents();
        // Looked at second: then these are workers of the run that is stopped, and a later life of one is left alone.
        if self.is_over(stop) {
            return false;
        }
        residents.into_iter().for_each(|(entry, resident)| resident.close(entry));
        true
    }

    /// Step 6, as far as it can be taken. What is closed and to be shut down is added.
    fn close_rooms(&self, opened: &Opened, closed: &mut Vec<(Arc<Lane>, Shutdown)>) -> bool {
        let mut are_closed = true;
        for (opening, lane) in &opened.lanes {
            match lane.close_if_quiet(*opening, self.scope()) {
                Some(shutdown) => closed.push((Arc::clone(lane), shutdown)),
                None => are_closed = false,
            }
        }
        are_closed && opened.own.is_none_or(|(opening, _)| self.core.pool.close_if_quiet(opening))
    }

    /// Step 7. Threads have nothing left to do but to end, and yet destructors of their locals are the user's: so one who waits
    /// with a deadline may still give up meanwhile.
    fn finish(&self, stop: &Arc<Stop>, opened: &Opened, closed: Vec<(Arc<Lane>, Shutdown)>) {
        if let Some((pool, clock)) = opened.own {
            (self.core.clock.send_away(clock))();
            self.core.pool.join(pool);
            // Those who stop a lane alone see that it has closed.
            self.core.wake(&self.core.changed);
        }
        for (lane, shutdown) in closed {
            lane.shut_down(shutdown);
            if self.lane.is_none() {
                // One that was stopping alone has no more to do.
                let alone = Arc::clone(lane.stops.lock().current());
                alone.join_leader();
            }
        }
        loop {
            let leftovers = self.with(|stops| stops.is_under_way(stop).then(|| stops.take_leftovers()));
            match leftovers {
                // Settled by one who gave up: there is nothing left to do.
                None => return,
                Some(leftovers) if leftovers.is_empty() => break,
                Some(leftovers) => self.run_left(stop, leftovers),
            }
        }
        if !self.settle(stop) {
            return;
        }
        // What came since that look, by one who asked for more.
        let leftovers = self.with(Stops::take_leftovers);
        let report = self.report(Vec::new(), true);
        self.end(stop, report, false);
        self.run_unwaited(leftovers);
    }

    /// Takes the right, and the duty, to report how it ended, once nobody is taking the steps of asking any more; those never
    /// wait. `false`: somebody else has.
    fn settle(&self, stop: &Arc<Stop>) -> bool {
        let settled = self.core.changed.block_until(Deadline::Never, || {
            self.with(|stops| {
                if !stops.is_under_way(stop) {
                    return Some(false);
                }
                (!stops.is_asked_now()).then(|| stops.settle())
            })
        });
        settled.expect("a wait without a deadline ends with a result")
    }

    /// The end of a bounded stop: cancels and discards what waits, asks what runs to end, and leaves it alone. By whoever waits,
    /// the leader or another, and once. Runs nothing of the user's.
    fn give_up(&self, stop: &Arc<Stop>) {
        if !self.settle(stop) {
            return;
        }
        let (mut leftovers, leaves_since) = self.with(|stops| (stops.take_leftovers(), stops.leaves_since()));
        let residents = self.residents();
        let mut abandoned: Vec<GivenUpOn> = Vec::new();
        abandoned.extend(leaves_since.map(|since| ("drop of what the stop has discarded".to_owned(), Some(since))));
        if self.lane.is_none() {
            let (running, left) = self.core.pool.give_up();
            abandoned.extend(running);
            leftovers.extend(left);
        }
        for (opening, lane) in self.opened().lanes {
            let (flying, left) = lane.give_up(opening);
            abandoned.extend(flying.into_iter().map(|(name, since)| (name, Some(since))));
            leftovers.extend(left);
        }
        let now = Instant::now();
        for (entry, resident) in &residents {
            let (hook, left) = Arc::clone(resident).cut(*entry);
            abandoned.extend(hook.map(|hook| (hook, None)));
            leftovers.extend(left);
        }
        self.core.registry.give_up(&residents);
        if self.lane.is_none() {
            leftovers.push(Box::new(self.core.clock.send_away(self.core.clock.opening())));
        }
        let abandon = |(name, since): GivenUpOn| Abandoned {
            name,
            running_for: since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since)),
            has_begun: since.is_some(),
        };
        let report = self.report(abandoned.into_iter().map(abandon).collect(), true);
        self.end(stop, report, true);
        drop(residents);
        self.run_unwaited(leftovers);
    }

    /// Everyone who waits wakes.
    fn end(&self, stop: &Arc<Stop>, report: StopReport, gave_up: bool) {
        debug_assert!(stop.report().is_none(), "a stop is settled once");
        match &self.lane {
            None => {
                log::stopped(&self.core.name, report.complete, &report);
                self.core.stopped(stop, report, gave_up);
            }
            Some(_) => stop.end(report, gave_up),
        }
        self.core.wake(&self.core.changed);
    }

    /// What was counted since the start.
    pub(super) fn report(&self, abandoned: Vec<Abandoned>, is_over: bool) -> StopReport {
        let core = &self.core;
        let (totals, discarded, errors) = match &self.lane {
            None => (core.totals(), core.registry.discarded(), core.registry.errors()),
            Some((lane, _)) => (Totals::from(lane.sample().counts), 0, 0),
        };
        StopReport {
            complete: is_over && abandoned.is_empty(),
            ran: totals.ran(),
            errors: totals.panicked + errors,
            cancelled: totals.cancelled,
            discarded,
            rejected: totals.rejected,
            abandoned,
        }
    }
}

/// Runs what is left, one after the other.
fn run_all(leftovers: Vec<Leftover>) {
    for leftover in leftovers {
        // Each contains what it drops; this is for those behind it.
        if let Err(panic) = contain(leftover) {
            panic.leak();
        }
    }
}

impl Core {
    /// What pool and lanes have counted.
    pub(super) fn totals(&self) -> Totals {
        let mut totals = self.pool.sample().totals;
        add_counts(&mut totals, self.lanes.counts());
        totals
    }

    fn ending(self: &Arc<Self>) -> Ending {
        Ending { core: Arc::clone(self), lane: None }
    }

    /// Asks for a stop and waits for its end, unless that would be a wait for oneself.
    pub(super) fn stop(self: &Arc<Self>, urgency: Urgency) -> StopReport {
        if self.pool.is_forked() {
            return StopReport::default();
        }
        let inside = pool::is_inside(&self.pool);
        // Who leads runs what is left to drop, and lends his place to nobody: a body of another supervisor's follows.
        match self.ask(urgency, inside || urgency.is_bounded() || pool::has_body()) {
            Asked::Ended(report) => report,
            _ if inside => self.ending().report(Vec::new(), false),
            asked => self.ending().follow(asked, urgency.deadline),
        }
    }

    /// Asks for a stop and leaves it to a thread of its own.
    pub(super) fn ask_to_stop(self: &Arc<Self>, urgency: Urgency) {
        if !self.pool.is_forked() {
            _ = self.ask(urgency, true);
        }
    }

    pub(super) async fn stop_async(self: &Arc<Self>) -> StopReport {
        if self.pool.is_forked() || pool::is_inside(&self.pool) {
            return self.stop(Urgency::default());
        }
        let asked = self.ask(Urgency::default(), true);
        self.ending().follow_async(asked).await
    }

    /// Steps 1 to 3, or their repetition at a higher urgency. With `elsewhere`, the rest is left to a thread of its own.
    fn ask(self: &Arc<Self>, urgency: Urgency, elsewhere: bool) -> Asked {
        let (stop, first, discard, lead) = match self.begin_stop(urgency) {
            Ok(begun) => begun,
            Err(report) => return Asked::Ended(report),
        };
        let ending = self.ending();
        // As a body: wakers are called by it, and a stop in one must not wait for this thread.
        pool::enter_unnamed(&self.pool, || self.take_steps(&ending, &stop, first, discard));
        ending.with(|stops| stops.end_steps(&stop));
        self.wake(&self.changed);
        ending.lead_or_appoint(stop, lead, elsewhere)
    }
}

impl Core {
    /// Steps 1 to 3, or what of them is to be repeated.
    fn take_steps(self: &Arc<Self>, ending: &Ending, stop: &Arc<Stop>, first: bool, discard: bool) {
        let mut leftovers = Vec::new();
        if first {
            log::stopping(&self.name);
            self.pool.drain();
            leftovers.extend(self.lanes.drain());
            leftovers.extend(self.clock.close());
            self.registry.close();
        }
        if first || discard {
            // Before a body that is asked to end gives its place to a worker that has items.
            leftovers.extend(ending.drain_workers(discard));
        }
        if discard {
            self.pool.hurry();
            leftovers.extend(self.pool.cancel_queued());
            leftovers.extend(self.lanes.hurry());
        }
        ending.leave(stop, leftovers);
        if first {
            self.told(stop);
        }
    }
}

/// The end of all that a supervisor has.
struct Everything(Arc<Core>);

impl Awaited for Everything {
    /// What the bodies in the pool's places wait for is known under this.
    fn key(&self) -> usize {
        self.0.pool.address()
    }

    fn parts(&self) -> Vec<usize> {
        let ends = self.0.lanes.all().into_iter().map(|lane| lane.awaited());
        ends.flat_map(|end| std::iter::once(end.key()).chain(end.parts())).collect()
    }
}

/// A lane is stopped alone as a supervisor is.
impl Core {
    pub(crate) fn stop_lane(self: &Arc<Self>, lane: &Arc<Lane>, urgency: Urgency) -> StopReport {
        if lane.is_forked() {
            return StopReport::default();
        }
        let inside = pool::is_inside(&self.pool);
        // As in a stop of the supervisor.
        let elsewhere = inside || urgency.is_bounded() || pool::has_body();
        let (asked, ending) = self.ask_lane(lane, urgency, elsewhere);
        match asked {
            Asked::Ended(report) => report,
            _ if inside => ending.report(Vec::new(), false),
            asked => ending.follow(asked, urgency.deadline),
        }
    }

    pub(crate) async fn stop_lane_async(self: &Arc<Self>, lane: &Arc<Lane>) -> StopReport {
        if lane.is_forked() || pool::is_inside(&self.pool) {
            return self.stop_lane(lane, Urgency::default());
        }
        let (asked, ending) = self.ask_lane(lane, Urgency::default(), true);
        ending.follow_async(asked).await
    }

    fn ask_lane(self: &Arc<Self>, lane: &Arc<Lane>, urgency: Urgency, elsewhere: bool) -> (Asked, Ending) {
        let (opening, stop, first, discard, lead) = {
            // The intake is closed under it, so that an opening and its stop belong together.
            let mut stops = lane.stops.lock();
            let opening = lane.drain(Scope::Lane);
            let stop = Arc::clone(stops.current());
            let Some(opening) = opening else {
                let ending = Ending { core: Arc::clone(self), lane: Some((Arc::clone(lane), lane.opening())) };
                drop(stops);
                // Never opened, or closed, by itself or with its supervisor.
                let report = stop.report().cloned().unwrap_or_else(|| ending.report(Vec::new(), true));
                return (Asked::Ended(report), ending);
            };
            let first = stops.begin(urgency);
            let discard = if first { urgency.discard } else { stops.join(urgency) };
            stops.begin_steps();
            (opening, stop, first, discard, stops.lead())
        };
        let ending = Ending { core: Arc::clone(self), lane: Some((Arc::clone(lane), opening)) };
        pool::enter_unnamed(&self.pool, || {
            let mut leftovers = Vec::new();
            if first {
                leftovers.extend(lane.cancel_delayed());
            }
            if first || discard {
                leftovers.extend(ending.drain_workers(discard));
            }
            if discard {
                leftovers.extend(lane.hurry());
            }
            ending.leave(&stop, leftovers);
        });
        ending.with(|stops| stops.end_steps(&stop));
        self.wake(&self.changed);
        (ending.lead_or_appoint(stop, lead, elsewhere), ending)
    }
}

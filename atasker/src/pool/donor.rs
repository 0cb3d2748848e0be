//! A wait for something of ours, and what may use the waiter's place meanwhile. One way for every verb that blocks, and one
//! for every future that is polled.

use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;

use super::current::{self, Around};
use super::home::Home;
use super::job::Job;
use super::queue::DonorPlace;
use super::{Pool, PoolNumber};
use crate::priority::Priority;
use crate::sync::atomic::{Ordering, fence};
use crate::time::Deadline;
use crate::wait;
use crate::waits::{self, Awaited, Donor, Edge, Places, Served, Walk};

/// A task of a pool's that is waited for.
pub(crate) struct Queued {
    pub(crate) job: Arc<dyn Job>,
    pub(crate) pool: PoolNumber,
    pub(crate) priority: Priority,
}

impl Awaited for Queued {
    fn key(&self) -> usize {
        self.job.key()
    }

    fn serve(self: Arc<Self>, donor: Donor) -> Served {
        serve(&self.job, self.pool, self.priority, donor)
    }

    fn queued_at(&self) -> Option<Arc<dyn Places>> {
        if self.job.is_live() { places(self.pool) } else { None }
    }
}

/// The places for which what is queued at that pool waits.
pub(crate) fn places(pool: PoolNumber) -> Option<Arc<dyn Places>> {
    Some(pool.find()?)
}

/// Has a job that waits in the queue of the donor's own pool use the donor's place.
pub(crate) fn serve(job: &Arc<dyn Job>, pool: PoolNumber, priority: Priority, donor: Donor) -> Served {
    if matches!(donor, Donor::Pending { .. }) || !job.is_live() {
        return Served::No;
    }
    let Some(home) = current::home().filter(|home| home.pool.number() == pool) else { return Served::No };
    // On top of somebody else's executor a body could meet that executor again, which most of them refuse.
    let beside = matches!(donor, Donor::Beside);
    if (beside || home.is_deep()) && home.pool.carry(&home, priority, job) {
        return Served::Elsewhere;
    }
    if !beside && home.pool.run_here(&home, priority, job) { Served::Here } else { Served::No }
}

/// Sleeps until `ready` gives something, or the deadline has passed.
///
/// `ready` leaves the waker that it gets wherever the change will be told, before it looks. A pool thread's place is lent
/// meanwhile to what `awaited` is, or waits for; with `lends` only.
pub(crate) fn wait_for<R>(
    deadline: Deadline,
    lends: bool,
    awaited: impl Fn() -> Arc<dyn Awaited>,
    mut ready: impl FnMut(&Waker) -> Option<R>,
) -> Option<R> {
    let mut waiting = None;
    wait::block_until(deadline, |waker| look(waker, &mut waiting, lends, &awaited, &mut ready))
}

/// The same without a deadline, for a `ready` that is a poll of the user's: it may wait on this thread for something else.
pub(crate) fn wait_polling<R>(awaited: impl Fn() -> Arc<dyn Awaited>, mut ready: impl FnMut(&Waker) -> Option<R>) -> R {
    let mut waiting = None;
    wait::poll_until(|waker| look(waker, &mut waiting, true, &awaited, &mut ready))
}

/// One look before a sleep, and another behind each body that has run here: that may have used up the wake-up.
fn look<R>(
    waker: &Waker,
    waiting: &mut Option<Option<Waiting>>,
    lends: bool,
    awaited: &impl Fn() -> Arc<dyn Awaited>,
    ready: &mut impl FnMut(&Waker) -> Option<R>,
) -> Option<R> {
    loop {
        let mut result = ready(waker);
        if result.is_some() {
            return result;
        }
        let waiting = waiting.get_or_insert_with(|| Waiting::begin(lends, awaited));
        let ran = waiting.as_mut().is_some_and(|waiting| {
            waiting.look(waker, &mut || {
                result = ready(waker);
                result.is_some()
            })
        });
        if result.is_none() && !ran {
            waiting.iter().for_each(Waiting::tell_if_all_wait);
        }
        if result.is_some() || !ran {
            return result;
        }
    }
}

/// A thread that waits, with bodies on its stack.
struct Waiting {
    awaited: Arc<dyn Awaited>,
    /// From each of the bodies: they all wait through the innermost. And from the place, where it has one.
    _edges: Vec<Edge>,
    /// `None`: it has no place to lend.
    walk: Option<Walk>,
    /// Whose place waits, and whether it was known to do so before.
    idle: Option<(Rc<Home>, bool)>,
}

impl Waiting {
    /// `None`: nobody can wait for this thread, and it has no place.
    fn begin(lends: bool, awaited: &impl Fn() -> Arc<dyn Awaited>) -> Option<Self> {
        let keys = current::keys();
        let home = current::home().filter(|_| lends);
        if keys.is_empty() && home.is_none() {
            return None;
        }
        let awaited = awaited();
        let place = home.as_ref().map(|home| home.pool.address());
        let edge = |key| Edge::new(key, place.unwrap_or(0), Arc::clone(&awaited));
        let edges = keys.into_iter().chain(place).map(edge).collect();
        let walk = home.as_ref().map(|home| Walk::new(&home.pool));
        // Behind the edges: who finds all places of the pool waiting finds what for.
        let idle = home.map(|home| (Rc::clone(&home), home.note_idle(true)));
        Some(Self { awaited, _edges: edges, walk, idle })
    }

    /// It is about to sleep.
    fn tell_if_all_wait(&self) {
        if let Some((home, _)) = &self.idle {
            home.tell_if_all_wait();
        }
    }

    fn look(&mut self, waker: &Waker, is_over: &mut dyn FnMut() -> bool) -> bool {
        let Self { awaited, walk, .. } = self;
        walk.as_mut().is_some_and(|walk| walk.look(awaited, waker, Donor::Thread, is_over))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some((home, was_idle)) = &self.idle {
            home.note_idle(*was_idle);
        }
    }
}

/// What a future of ours that is pending has told of, and takes back when it is ready or dropped.
#[derive(Default)]
pub(crate) struct Pending(Option<Told>);

enum Told {
    /// A body that is polled waits for it.
    Edge(Edge),
    /// A body on a pool's thread does, by somebody else's executor.
    Beside(Box<Beside>),
}

/// A wait that somebody else's executor has begun, as [`Waiting`] is one of ours.
struct Beside {
    walk: Walk,
    /// Kept, since it tells of changes only while it knows of somebody who waits.
    awaited: Arc<dyn Awaited>,
    _edges: Vec<Edge>,
    /// Whose place waits.
    place: DonorPlace,
}

impl Beside {
    fn begin(home: &Home, awaited: Arc<dyn Awaited>) -> Self {
        home.beside.set(home.beside.get() + 1);
        let place = home.pool.address();
        let edge = |key| Edge::new(key, place, Arc::clone(&awaited));
        let edges = current::keys().into_iter().chain([place]).map(edge).collect();
        Self { walk: Walk::new(&home.pool), awaited, _edges: edges, place: home.place() }
    }
}

impl Drop for Beside {
    /// Where it ends on another thread, or behind its body, the place was known to wait until that body ended.
    fn drop(&mut self) {
        let Some(home) = current::home().filter(|home| home.place() == self.place) else { return };
        let others = home.beside.get().saturating_sub(1);
        home.beside.set(others);
        if others == 0 {
            home.note_idle(false);
        }
    }
}

impl Pending {
    /// It has been polled, and is pending. The waker is woken, too, where the donor should look again.
    pub(crate) fn tell(&mut self, waker: &Waker, awaited: impl FnOnce() -> Arc<dyn Awaited>) {
        match current::around() {
            Around::Nothing => self.0 = None,
            Around::Async { key, lane } => {
                if !matches!(&self.0, Some(Told::Edge(edge)) if edge.from() == key) {
                    self.0 = Some(Told::Edge(Edge::new(key, lane, awaited())));
                }
            }
            Around::Blocking(home) => {
                if !matches!(&self.0, Some(Told::Beside(_))) {
                    self.0 = Some(Told::Beside(Box::new(Beside::begin(&home, awaited()))));
                }
                // Whatever else that executor does: it is to sleep now, as far as can be known.
                home.note_idle(true);
                if let Some(Told::Beside(beside)) = &mut self.0 {
                    beside.walk.look(&beside.awaited, waker, Donor::Beside, &mut || false);
                }
                home.tell_if_all_wait();
            }
        }
    }

    /// It is ready.
    pub(crate) fn end(&mut self) {
        self.0 = None;
    }
}

impl Home {
    /// Whether this thread has so many bodies on its stack that the next one gets a thread of its own.
    fn is_deep(&self) -> bool {
        current::depth() > self.pool.max_nesting().min(self.nesting)
    }

    /// Notes whether what holds this thread's place waits in a verb of ours. What was noted before.
    pub(super) fn note_idle(&self, idle: bool) -> bool {
        let was_idle = self.is_idle.replace(idle);
        if idle != was_idle {
            self.pool.glance.note_waiting(idle);
            self.owes_a_word.set(idle);
        }
        was_idle
    }

    /// What holds this thread's place waits, has found nothing that may use it, and is about to sleep.
    fn tell_if_all_wait(&self) {
        if self.owes_a_word.replace(false) {
            self.pool.tell_if_all_wait();
        }
    }
}

impl Pool {
    /// Runs `job` on this pool thread, in the place of the body that waits for it. `false`: it was not to be had.
    fn run_here(self: &Arc<Self>, home: &Rc<Home>, priority: Priority, job: &Arc<dyn Job>) -> bool {
        use super::Ran;
        // While it runs, the place is not one that waits.
        let was_idle = home.note_idle(false);
        let ran = home.run_nested(job).unwrap_or(Ran::Dead);
        home.note_idle(was_idle);
        if ran != Ran::Dead {
            // Its entry is still in the queue, unless another thread has just taken it out and found it dead.
            self.died(priority);
        }
        ran != Ran::Dead
    }

    /// What tells it from other pools.
    pub(crate) fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Where all bodies that run in places wait: has the next of what is to be carried begin, or, if there is none, tells donors
    /// whose walk came to what is queued here, since it waits for what they wait for.
    ///
    /// The race this closes: one body begins to wait while another ends, or a donor comes. Each writes first and reads the
    /// other's count second.
    pub(super) fn tell_if_all_wait(&self) {
        fence(Ordering::SeqCst);
        if !self.glance.do_wait(1) || !self.glance.all_wait() {
            return;
        }
        if !self.glance.look().has_carried() {
            return waits::stir(self.address());
        }
        let call = self.lock().call();
        self.answer_late(call);
    }
}

impl Places for Pool {
    fn key(&self) -> usize {
        self.address()
    }

    fn all_wait(&self) -> bool {
        // With something to carry, it has itself what may go on.
        self.glance.all_wait() && !self.glance.look().has_carried()
    }
}

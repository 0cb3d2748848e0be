//! What runs on this thread: the pool it belongs to, and the bodies on its stack.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::Pool;
use super::home::Home;
use super::job::{Job, address};
use crate::owner::{Owner, Scope};
use crate::sync::thread_local;

thread_local! {
    /// Empty on threads that are not a pool's.
    // Not `const`, which the models' `thread_local` does not know.
    #[allow(clippy::missing_const_for_thread_local)]
    static CURRENT: RefCell<Current> = RefCell::new(Current { home: None, left: None, stack: Vec::new() });
}

struct Current {
    /// The pool this thread belongs to.
    home: Option<Rc<Home>>,
    /// The address of the pool that this thread has left, and whose supervisor will join it.
    left: Option<usize>,
    /// The bodies that run here inside the wait of another, or beside the pool's work; innermost last. What a pool thread
    /// has taken out of a queue is in its [`Home`].
    stack: Vec<Frame>,
}

impl Current {
    /// This thread's place, while something runs there.
    fn busy_home(&self) -> Option<&Rc<Home>> {
        self.home.as_ref().filter(|home| home.is_busy())
    }
}

impl Frame {
    fn key(&self) -> Option<usize> {
        let key = self.job.as_ref().map_or(self.key, |job| job.key());
        (key != 0).then_some(key)
    }
}

/// What a poll of a future of ours is inside of, on this thread.
pub(super) enum Around {
    /// A body that is polled itself, and waits under that key. Pending, it lends its place on that lane; 0: it has none.
    Async { key: usize, lane: usize },
    /// A body on a thread of that pool, which blocks on somebody else's executor.
    Blocking(Rc<Home>),
    /// No body of ours that could wait.
    Nothing,
}

/// A body on a thread's stack.
struct Frame {
    /// `None`: what is left of a task that nobody had a handle of, while it is dropped.
    job: Option<Arc<dyn Job>>,
    /// What it waits under, where it has no job: 0, not at all.
    key: usize,
    /// The address of its pool: not always this thread's, where a stop drops a body's values.
    pool: usize,
    kind: Kind,
}

/// What is on a thread's stack.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A body that may block.
    Blocking,
    /// One turn of an async body, on whose thread others wait; with the address of its lane.
    Async(usize),
    /// A hook, or what is left of a body while it is dropped: it may do what the body below it may.
    Hook,
}

/// Makes this thread one of a pool's.
pub(super) fn settle(home: &Rc<Home>) {
    CURRENT.with(|current| current.borrow_mut().home = Some(Rc::clone(home)));
}

/// Ends this thread's time in its pool. What destructors of its locals call from here on takes it for a thread from
/// outside, but for stops, which must not wait for it.
pub(super) fn unsettle() {
    let home = CURRENT.with(|current| {
        let mut current = current.borrow_mut();
        current.left = current.home.as_ref().map(|home| home.pool.address());
        current.home.take()
    });
    drop(home);
}

/// This thread, of another room's (a lane's runtime), ends. The pool at that address belongs to the supervisor that will join
/// it: a stop that destructors of its locals ask for must not wait for it.
///
/// Those that come behind our own locals find these gone, and are taken for such ones too: see [`is_inside`].
pub(crate) fn leave(pool: usize) {
    // Where they are gone already, nothing is to be noted.
    _ = CURRENT.try_with(|current| current.borrow_mut().left = Some(pool));
}

/// Calls `f`, a hook or a drop of `job`'s, with it on top of this thread's stack: what it calls then knows where it is.
pub(crate) fn enter<R>(pool: &Arc<Pool>, job: Arc<dyn Job>, f: impl FnOnce() -> R) -> R {
    enter_frame(Some(job), 0, pool.address(), Kind::Hook, f)
}

/// The same for its body, inside the wait of another.
pub(super) fn enter_nested<R>(pool: &Arc<Pool>, job: Arc<dyn Job>, f: impl FnOnce() -> R) -> R {
    enter_frame(Some(job), 0, pool.address(), Kind::Blocking, f)
}

/// The same for one turn of an async body, for its hooks, and for what it leaves behind: blocking verbs are refused there,
/// wherever it runs.
pub(crate) fn enter_async<R>(owner: Owner, job: Option<Arc<dyn Job>>, f: impl FnOnce() -> R) -> R {
    enter_frame(job, 0, owner.pool, Kind::Async(owner.lane), f)
}

/// The same for one turn of a future without a job, which waits under that key.
pub(crate) fn enter_guest<R>(owner: Owner, key: usize, f: impl FnOnce() -> R) -> R {
    enter_frame(None, key, owner.pool, Kind::Async(owner.lane), f)
}

/// [`enter`] for what is left of a task that nobody had a handle of, or of a light job.
pub(crate) fn enter_unnamed<R>(pool: &Arc<Pool>, f: impl FnOnce() -> R) -> R {
    enter_at(pool.address(), f)
}

/// The same by the address of the pool.
pub(super) fn enter_at<R>(pool: usize, f: impl FnOnce() -> R) -> R {
    enter_frame(None, 0, pool, Kind::Hook, f)
}

fn enter_frame<R>(job: Option<Arc<dyn Job>>, key: usize, pool: usize, kind: Kind, f: impl FnOnce() -> R) -> R {
    let _leave = push(job, key, pool, kind).then_some(Leave);
    f()
}

/// Takes the innermost frame off, also where what it was for panics.
struct Leave;

impl Drop for Leave {
    fn drop(&mut self) {
        _ = CURRENT.try_with(|current| {
            // Dropped after the borrow has ended, and with the frame still there: the last owner of a job may drop a user's
            // value, which is still a part of what ran here.
            let job = current.borrow_mut().stack.last_mut().and_then(|frame| frame.job.take());
            drop(job);
            current.borrow_mut().stack.pop();
        });
    }
}

// In pieces, which come in registers: a frame put together here and moved there is read before it was written, and a turn
// of a body that does nothing took 20 ns more.
fn push(job: Option<Arc<dyn Job>>, key: usize, pool: usize, kind: Kind) -> bool {
    CURRENT.try_with(|current| current.borrow_mut().stack.push(Frame { job, key, pool, kind })).is_ok()
}

/// Reads this thread's state; `None` when its locals are already gone.
fn read<R>(f: impl FnOnce(&Current) -> R) -> Option<R> {
    CURRENT.try_with(|current| f(&current.borrow())).ok()
}

/// This thread's place in a pool, if it has one.
pub(crate) fn home() -> Option<Rc<Home>> {
    read(|current| current.home.clone()).flatten()
}

/// This thread's place in `pool`, if it has one there.
pub(super) fn home_in(pool: &Arc<Pool>) -> Option<Rc<Home>> {
    read(|current| current.home.as_ref().filter(|home| Arc::ptr_eq(&home.pool, pool)).cloned()).flatten()
}

/// The address of the pool whose body is the innermost on this thread.
pub(crate) fn innermost() -> Option<usize> {
    let at_home = |current: &Current| current.busy_home().map(|home| home.pool.address());
    read(|current| current.stack.last().map(|frame| frame.pool).or_else(|| at_home(current))).flatten()
}

/// Whether a body of `pool` runs on this thread, or the thread is one that `pool` will join.
///
/// A thread whose locals are gone may be one, so it counts as one: what it calls then only asks.
pub(crate) fn is_inside(pool: &Arc<Pool>) -> bool {
    let pool = pool.address();
    read(|current| {
        let at_home = || current.busy_home().is_some_and(|home| home.pool.address() == pool);
        current.left == Some(pool) || current.stack.iter().any(|frame| frame.pool == pool) || at_home()
    })
    .unwrap_or(true)
}

/// Whether a body runs on this thread that belongs to what a stop of that scope ends.
pub(crate) fn is_within(owner: Owner, scope: Scope) -> bool {
    let is_it = |frame: &Frame| match scope {
        Scope::Supervisor => frame.pool == owner.pool,
        Scope::Lane => frame.kind == Kind::Async(owner.lane),
    };
    read(|current| {
        let at_home = || current.busy_home().is_some_and(|home| home.pool.address() == owner.pool);
        current.stack.iter().any(is_it) || scope == Scope::Supervisor && at_home()
    })
    .unwrap_or(false)
}

/// Whether the job at that address is among the bodies that run on this thread.
pub(crate) fn is_running_here(job: usize) -> bool {
    let is_it = |frame: &Frame| frame.job.as_ref().is_some_and(|own| address(own) == job);
    let at_home = |home: &Rc<Home>| home.outermost().is_some_and(|own| address(&own) == job);
    read(|current| current.stack.iter().any(is_it) || current.home.as_ref().is_some_and(at_home)).unwrap_or(false)
}

/// Whether an async body of ours runs on this thread, so that nothing may wait here.
pub(crate) fn is_async() -> bool {
    let innermost =
        |current: &Current| current.stack.iter().rev().find(|frame| frame.kind != Kind::Hook).map(|f| f.kind);
    matches!(read(innermost).flatten(), Some(Kind::Async(_)))
}

/// What the innermost body on this thread is.
pub(super) fn around() -> Around {
    let around = |current: &Current| {
        let innermost = current.stack.iter().rev().find(|frame| frame.kind != Kind::Hook);
        if let Some(frame) = innermost.filter(|frame| matches!(frame.kind, Kind::Async(_))) {
            let lane = frame.job.as_ref().map_or(0, |job| job.lends_at());
            return frame.key().map_or(Around::Nothing, |key| Around::Async { key, lane });
        }
        current.busy_home().cloned().map_or(Around::Nothing, Around::Blocking)
    };
    read(around).unwrap_or(Around::Nothing)
}

/// Whether any body is on this thread's stack.
pub(crate) fn has_body() -> bool {
    depth() > 0
}

/// The keys of the bodies on this thread's stack, each once.
pub(super) fn keys() -> Vec<usize> {
    let keys = |current: &Current| {
        let outermost = current.busy_home().and_then(|home| home.outermost()).map(|job| job.key());
        let mut keys: Vec<usize> = outermost.into_iter().chain(current.stack.iter().filter_map(Frame::key)).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    };
    read(keys).unwrap_or_default()
}

/// How many bodies are on this thread's stack.
pub(super) fn depth() -> usize {
    read(|current| current.stack.len() + usize::from(current.busy_home().is_some())).unwrap_or(0)
}

/// Whether the body that runs on this thread has been asked to end. `false` outside of bodies.
///
/// True in a task after [`Task::cancel`](crate::Task::cancel), in a worker's body while it is stopping, and in every
/// body once a stop no longer waits for what is queued ([`Supervisor::stop_now`](crate::Supervisor::stop_now), or a
/// [`stop_timeout`](crate::Supervisor::stop_timeout) that ran out). A body that ends by itself is `Completed`, asked or not.
///
/// # Examples
///
/// ```
/// use atasker::{background_task, is_cancelled, CancelOutcome};
///
/// let (started, when_started) = std::sync::mpsc::channel();
/// let task = background_task(move || {
///     started.send(()).unwrap();
///     while !is_cancelled() {
///         std::thread::yield_now();
///     }
///     "put the tools away"
/// })
/// .start();
/// when_started.recv().unwrap();
/// assert_eq!(task.cancel(), CancelOutcome::Requested);
/// assert_eq!(task.wait().unwrap(), "put the tools away");
/// ```
pub fn is_cancelled() -> bool {
    let top = read(|current| {
        let top = current.stack.last().map(|frame| frame.job.clone());
        let job = top.or_else(|| current.busy_home().map(|home| home.outermost()))?;
        Some((job, current.home.clone()))
    })
    .flatten();
    let Some((job, home)) = top else { return false };
    job.is_some_and(|job| job.is_asked_to_end()) || home.is_some_and(|home| home.is_hurried())
}

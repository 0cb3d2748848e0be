//! Whom a call means that names no supervisor: the global one, or one that was entered.

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use once_cell::sync::Lazy;

use super::{Core, Supervisor, task_supervisor};
use crate::pool;
use crate::sync::Mutex;

/// How many guards there are. Most programs have none, and then a call that names no supervisor looks at nothing else.
static GUARDS: AtomicUsize = AtomicUsize::new(0);

/// Those that are entered, with their guards' numbers, the last one last. Lock rule: with no other; nothing is dropped under it.
static ENTERED: Lazy<Mutex<Entered>> = Lazy::new(Mutex::default);

/// Supervisors, each with its guard's number.
type Entered = Vec<(u64, Arc<Core>)>;

thread_local! {
    /// Those that are entered on this thread.
    static HERE: RefCell<Entered> = const { RefCell::new(Vec::new()) };
}

/// Keeps a supervisor entered on the thread it was made on; see [`Supervisor::enter`]. It keeps the supervisor, too.
#[must_use = "the supervisor is left when the guard is dropped, so at once if it is not kept"]
pub struct EnterGuard {
    number: u64,
    supervisor: Supervisor,
    /// It belongs to its thread.
    not_send: PhantomData<*const ()>,
}

impl Supervisor {
    /// Makes it the one that is meant where none is named: by attributes without `supervisor =`, and by builders without
    /// [`supervisor`](crate::TaskBuilder::supervisor). On this thread, and in every body of this supervisor, until the guard is
    /// dropped. For tests of code that is written for the global one.
    ///
    /// Of several, the last that was entered on this thread is meant, and in a body on a thread that has entered none, its own
    /// supervisor. [`task_supervisor`] is the global one all the same. A worker of an attribute is one for the whole program:
    /// two tests that run at once start an [instance](macro@crate::background_worker) each.
    ///
    /// # Examples
    ///
    /// ```
    /// use atasker::{background_task, Config, Supervisor};
    ///
    /// #[background_task]
    /// fn add(a: i32, b: i32) -> i32 {
    ///     a + b
    /// }
    ///
    /// let s = Supervisor::new("tested", Config::new())?;
    /// let guard = s.enter();
    /// assert_eq!(add(1, 2).wait()?, 3);
    /// drop(guard);
    /// assert_eq!(s.stop().ran, 1);
    /// # Ok::<(), atasker::Error>(())
    /// ```
    pub fn enter(&self) -> EnterGuard {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        // Relaxed: only the number matters.
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let supervisor = self.clone();
        HERE.with(|here| here.borrow_mut().push((number, Arc::clone(&supervisor.core))));
        ENTERED.lock().push((number, Arc::clone(&supervisor.core)));
        // Relaxed: this thread knows, and bodies are told of what they run by their queue.
        GUARDS.fetch_add(1, Ordering::Relaxed);
        EnterGuard { number, supervisor, not_send: PhantomData }
    }
}

impl Drop for EnterGuard {
    fn drop(&mut self) {
        GUARDS.fetch_sub(1, Ordering::Relaxed);
        let here = HERE.try_with(|here| take(&mut here.borrow_mut(), self.number));
        let entered = take(&mut ENTERED.lock(), self.number);
        drop((here, entered));
    }
}

impl fmt::Debug for EnterGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnterGuard").field("supervisor", &self.supervisor.name()).finish_non_exhaustive()
    }
}

fn take(entered: &mut Entered, number: u64) -> Option<(u64, Arc<Core>)> {
    let position = entered.iter().position(|(other, _)| *other == number)?;
    Some(entered.remove(position))
}

/// Whom a call means that has named `named`. `entered` keeps it, where that is one that was entered.
#[inline]
pub(crate) fn meant<'a>(named: Option<&'a Supervisor>, entered: &'a mut Option<Supervisor>) -> &'a Supervisor {
    if let Some(named) = named {
        return named;
    }
    if GUARDS.load(Ordering::Relaxed) == 0 {
        return task_supervisor();
    }
    *entered = find();
    entered.as_ref().unwrap_or_else(|| task_supervisor())
}

#[cold]
fn find() -> Option<Supervisor> {
    let here = HERE.try_with(|here| here.borrow().last().map(|(_, core)| Arc::clone(core))).ok().flatten();
    let core = here.or_else(|| {
        let pool = pool::innermost()?;
        ENTERED.lock().iter().rev().find(|(_, core)| core.pool.address() == pool).map(|(_, core)| Arc::clone(core))
    })?;
    Some(core.weak_handle())
}

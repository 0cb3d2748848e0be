//! The workers of a supervisor, as it sees them: something that can be asked to stop and tells of itself.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64 as Serial;
use std::sync::{Arc, Weak};

use super::core::Core;
use super::info::WorkerInfo;
use crate::lane::Lane;
use crate::owner::Scope;
use crate::stops::Leftover;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering};

/// A worker, as its supervisor sees it. What concerns a life of it is told with that life's entry, and does nothing to
/// another.
pub(crate) trait Resident: Send + Sync {
    fn id(&self) -> u64;

    fn info(&self) -> WorkerInfo;

    /// A stop of that scope drains what it belongs to: it starts nothing by itself any more, runs what was put or triggered,
    /// and rests. With `discard` it runs nothing more, and what is queued is taken out; gives what drops it. Never waits, and
    /// runs nothing of the user's.
    fn drain(self: Arc<Self>, entry: Entry, scope: Scope, discard: bool) -> Option<Leftover>;

    /// Whether nothing will happen to it by itself.
    fn is_at_rest(&self) -> bool;

    /// Nothing is left that could put or trigger: it ends, by way of its `on_stop`.
    fn close(self: Arc<Self>, entry: Entry);

    /// A bounded stop gives up on it. Its name, where its `on_stop` has not begun; and what is left to do, which is user code.
    /// Never waits, and runs nothing of the user's.
    fn cut(self: Arc<Self>, entry: Entry) -> (Option<String>, Vec<Leftover>);

    /// Starts it again with its supervisor, where it was built with `autostart`.
    fn start_again(self: Arc<Self>, supervisor: &Arc<Core>);

    /// Nobody will start it again. What was kept for that, which is the user's.
    fn forget_kept(&self) -> Box<dyn Send>;
}

/// The workers. A running one is owned here; a stopped one is only known, as long as a handle of it exists.
#[derive(Default)]
pub(crate) struct Registry {
    /// Lock rule: held for map operations only; no worker is called or dropped under it.
    residents: Mutex<Residents>,
    /// Items discarded since the start.
    discarded: AtomicU64,
    /// Runs and hooks of workers that failed since the start.
    errors: AtomicU64,
}

#[derive(Default)]
struct Residents {
    open: bool,
    /// By worker; with the entry, so that the end of an earlier life does not take a later one out.
    running: BTreeMap<u64, Running>,
    /// Where the bodies of those run that are async. Apart, so that the others stay small.
    lanes: BTreeMap<u64, Arc<Lane>>,
    known: BTreeMap<u64, Weak<dyn Resident>>,
    /// So many known ones are worth a look at which are gone.
    prune_at: usize,
    /// Those that start with the supervisor although nothing but their builder knew them.
    autostart: BTreeMap<u64, Arc<dyn Resident>>,
}

/// A worker that runs.
struct Running {
    entry: Entry,
    resident: Arc<dyn Resident>,
}

/// One life of a worker in some registry. Later ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry(u64);

impl Entry {
    fn next() -> Self {
        static NEXT: Serial = Serial::new(0);
        // Relaxed: only the number matters; the registry's lock orders those of one worker.
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// The registry takes no worker in.
pub(crate) struct Closed;

impl Registry {
    pub(super) fn open(&self) -> Vec<Arc<dyn Resident>> {
        // Relaxed: a counter.
        self.discarded.store(0, Ordering::Relaxed);
        self.errors.store(0, Ordering::Relaxed);
        let mut residents = self.residents.lock();
        residents.open = true;
        residents.autostart.values().cloned().collect()
    }

    /// Takes no more workers in.
    pub(super) fn close(&self) {
        self.residents.lock().open = false;
    }

    /// A worker starts.
    pub(crate) fn enter(
        &self,
        resident: &Arc<dyn Resident>,
        lane: Option<&Arc<Lane>>,
        autostart: bool,
    ) -> Result<Entry, Closed> {
        let id = resident.id();
        let mut residents = self.residents.lock();
        if !residents.open {
            return Err(Closed);
        }
        let entry = Entry::next();
        residents.running.insert(id, Running { entry, resident: Arc::clone(resident) });
        if let Some(lane) = lane {
            residents.lanes.insert(id, Arc::clone(lane));
        }
        residents.known.remove(&id);
        if autostart {
            residents.autostart.insert(id, Arc::clone(resident));
        } else {
            residents.autostart.remove(&id);
        }
        Ok(entry)
    }

    /// The supervisor has no owner any more: those of which something may be kept for a next start.
    pub(super) fn orphan(&self) -> Vec<Arc<dyn Resident>> {
        let mut residents = self.residents.lock();
        let autostart = std::mem::take(&mut residents.autostart).into_values();
        autostart.chain(residents.known.values().filter_map(Weak::upgrade)).collect()
    }

    /// A worker has stopped. Whether it was the last.
    pub(crate) fn leave(&self, resident: &Arc<dyn Resident>, entry: Entry) -> bool {
        let id = resident.id();
        let (left, empty) = {
            let mut residents = self.residents.lock();
            if residents.running.get(&id).is_none_or(|running| running.entry != entry) {
                return false;
            }
            if residents.known.len() >= residents.prune_at {
                // Those without a handle are forgotten now and then, so that leaving costs the same for all.
                residents.known.retain(|_, known| known.strong_count() > 0);
                residents.prune_at = 2 * residents.known.len() + 64;
            }
            residents.known.insert(id, Arc::downgrade(resident));
            let left = (residents.running.remove(&id), residents.lanes.remove(&id));
            (left, residents.running.is_empty())
        };
        drop(left);
        empty
    }

    /// The workers that run; with a lane, those on it.
    pub(super) fn running(&self, lane: Option<&Arc<Lane>>) -> Vec<(Entry, Arc<dyn Resident>)> {
        let residents = self.residents.lock();
        let is_on =
            |id: &u64| lane.is_none_or(|lane| residents.lanes.get(id).is_some_and(|own| Arc::ptr_eq(own, lane)));
        let running = residents.running.iter().filter(|(id, _)| is_on(id));
        running.map(|(_, it)| (it.entry, Arc::clone(&it.resident))).collect()
    }

    /// Forgets those that a bounded stop gave up on.
    pub(super) fn give_up(&self, given_up: &[(Entry, Arc<dyn Resident>)]) {
        let mut residents = self.residents.lock();
        let Residents { running, lanes, known, .. } = &mut *residents;
        for (entry, resident) in given_up {
            let id = resident.id();
            if running.get(&id).is_some_and(|running| running.entry == *entry) {
                // Not the last owners: the caller has another share, and the supervisor has its lanes.
                running.remove(&id);
                lanes.remove(&id);
                known.insert(id, Arc::downgrade(resident));
            }
        }
    }

    pub(crate) fn count_discarded(&self, items: u64) {
        self.discarded.fetch_add(items, Ordering::Relaxed);
    }

    pub(super) fn discarded(&self) -> u64 {
        self.discarded.load(Ordering::Relaxed)
    }

    /// A run of a worker has failed.
    pub(crate) fn count_error(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }

    pub(super) fn infos(&self) -> Vec<WorkerInfo> {
        let residents: BTreeMap<u64, Arc<dyn Resident>> = {
            let residents = self.residents.lock();
            let known = residents.known.iter().filter_map(|(id, known)| Some((*id, known.upgrade()?)));
            known.chain(residents.running.iter().map(|(id, running)| (*id, Arc::clone(&running.resident)))).collect()
        };
        residents.values().map(|resident| resident.info()).collect()
    }
}

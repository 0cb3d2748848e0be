//! The workers of a supervisor, as it sees them: something that can be asked to stop and tells of itself.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use super::core::Core;
use super::info::WorkerInfo;
use crate::lane::Lane;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering};

/// A worker, as its supervisor sees it.
pub(crate) trait Resident: Send + Sync {
    fn id(&self) -> u64;

    fn info(&self) -> WorkerInfo;

    /// Whether its bodies run on that lane.
    fn is_on(&self, lane: &Arc<Lane>) -> bool;

    /// Asks it to stop, with what is queued worked off or discarded. Never waits.
    fn ask_to_stop(self: Arc<Self>, discard: bool);

    /// Starts it anew with its supervisor, where it was built with `autostart`.
    fn start_again(self: Arc<Self>, supervisor: &Arc<Core>);
}

/// The workers. A running one is owned here; a stopped one is only known, as long as a handle of it exists.
#[derive(Default)]
pub(crate) struct Registry {
    /// Lock rule: held for map operations only; no worker is called or dropped under it.
    residents: Mutex<Residents>,
    /// Items discarded since the start.
    discarded: AtomicU64,
}

#[derive(Default)]
struct Residents {
    open: bool,
    /// By worker; with the number of the entry, so that the end of an earlier life does not take a later one out.
    running: BTreeMap<u64, (Entry, Arc<dyn Resident>)>,
    next_entry: u64,
    known: BTreeMap<u64, Weak<dyn Resident>>,
    /// So many known ones are worth a look at which are gone.
    prune_at: usize,
    /// Those that start with the supervisor although nothing but their builder knew them.
    autostart: BTreeMap<u64, Arc<dyn Resident>>,
}

/// One life of a worker in the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry(u64);

/// The registry takes no worker in.
pub(crate) struct Closed;

impl Registry {
    pub(super) fn open(&self) -> Vec<Arc<dyn Resident>> {
        // Relaxed: a counter.
        self.discarded.store(0, Ordering::Relaxed);
        let mut residents = self.residents.lock();
        residents.open = true;
        residents.autostart.values().cloned().collect()
    }

    /// Takes no more workers in, and gives those that run.
    pub(super) fn close(&self) -> Vec<Arc<dyn Resident>> {
        let mut residents = self.residents.lock();
        residents.open = false;
        residents.running.values().map(|(_, resident)| Arc::clone(resident)).collect()
    }

    /// A worker starts.
    pub(crate) fn enter(&self, resident: &Arc<dyn Resident>, autostart: bool) -> Result<Entry, Closed> {
        let id = resident.id();
        let mut residents = self.residents.lock();
        if !residents.open {
            return Err(Closed);
        }
        let entry = Entry(residents.next_entry);
        residents.next_entry += 1;
        residents.running.insert(id, (entry, Arc::clone(resident)));
        residents.known.remove(&id);
        if autostart {
            residents.autostart.insert(id, Arc::clone(resident));
        } else {
            residents.autostart.remove(&id);
        }
        Ok(entry)
    }

    /// A worker has stopped. Whether it was the last.
    pub(crate) fn leave(&self, resident: &Arc<dyn Resident>, entry: Entry) -> bool {
        let id = resident.id();
        let (left, empty) = {
            let mut residents = self.residents.lock();
            if residents.running.get(&id).is_none_or(|(running, _)| *running != entry) {
                return false;
            }
            if residents.known.len() >= residents.prune_at {
                // Those without a handle are forgotten now and then, so that leaving costs the same for all.
                residents.known.retain(|_, known| known.strong_count() > 0);
                residents.prune_at = 2 * residents.known.len() + 64;
            }
            residents.known.insert(id, Arc::downgrade(resident));
            (residents.running.remove(&id), residents.running.is_empty())
        };
        drop(left);
        empty
    }

    /// The workers that run.
    pub(super) fn running(&self) -> Vec<Arc<dyn Resident>> {
        self.residents.lock().running.values().map(|(_, resident)| Arc::clone(resident)).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.residents.lock().running.is_empty()
    }

    /// Forgets those that a bounded stop gave up on.
    pub(super) fn give_up(&self) {
        let given_up = {
            let mut residents = self.residents.lock();
            let running = std::mem::take(&mut residents.running);
            residents.known.extend(running.iter().map(|(id, (_, resident))| (*id, Arc::downgrade(resident))));
            running
        };
        drop(given_up);
    }

    pub(crate) fn count_discarded(&self, items: u64) {
        self.discarded.fetch_add(items, Ordering::Relaxed);
    }

    pub(super) fn discarded(&self) -> u64 {
        self.discarded.load(Ordering::Relaxed)
    }

    pub(super) fn infos(&self) -> Vec<WorkerInfo> {
        let residents: BTreeMap<u64, Arc<dyn Resident>> = {
            let residents = self.residents.lock();
            let known = residents.known.iter().filter_map(|(id, known)| Some((*id, known.upgrade()?)));
            known.chain(residents.running.iter().map(|(id, (_, running))| (*id, Arc::clone(running)))).collect()
        };
        residents.values().map(|resident| resident.info()).collect()
    }
}

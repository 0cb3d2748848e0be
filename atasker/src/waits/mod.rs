//! Who waits for whom, and the walk along it: so that what is waited for may use the place of one who waits.
//!
//! Knows keys (one for each body that may wait), wakers, and [`Awaited`]s; not what a job, a pool or a lane is.
//!
//! ```text
//! donor ──waits for──▶ a ──edge──▶ b ──edge──▶ c, which stands in a queue of the donor's pool: the donor runs it
//!           leaves its waker at    a           b           c      and reads the edges there second
//! ```
//!
//! What stands in another queue waits for a place. Where all of those are held by bodies that wait themselves, it waits for
//! what they wait for: so a walk goes on through them, and what it finds there uses the donor's place only where all of that
//! pool's or lane's bodies wait too. Else somebody who runs will give a place back, and nothing is lent that need not be.
//!
//! What waits is here for as long as it waits, and what doesn't is not: a body that runs costs nothing.

#[cfg(all(test, any(atasker_loom, atasker_shuttle)))]
mod model;
mod table;
#[cfg(all(test, not(any(atasker_loom, atasker_shuttle))))]
mod tests;
mod walk;

use std::sync::Arc;

pub(crate) use walk::Walk;

use crate::fork;
use table::Table;

/// Something of ours that is waited for.
pub(crate) trait Awaited: Send + Sync {
    /// The key under which it waits for others, when it does.
    fn key(&self) -> usize;

    /// Keys of others that it ends with, where it is made up of several.
    fn parts(&self) -> Vec<usize> {
        Vec::new()
    }

    /// Uses the place that a donor has, if it waits in a queue for one of those. Called outside every lock.
    fn serve(self: Arc<Self>, donor: Donor) -> Served {
        _ = donor;
        Served::No
    }

    /// Where it waits for a place, while it does.
    fn queued_at(&self) -> Option<Arc<dyn Places>> {
        None
    }
}

/// The places of a pool, or of a lane with limits, for which what is queued there waits.
pub(crate) trait Places: Send + Sync {
    /// Its address: the key under which it is known whom its bodies wait for, and at which donors leave their wakers that
    /// want to hear when all of them wait.
    fn key(&self) -> usize;

    /// Whether all that are in use are held by bodies that wait. Said again by [`stir`] whenever it becomes so.
    fn all_wait(&self) -> bool;

    /// The keys of those that hold them, as far as they have no edges under its own key.
    fn holders(&self) -> Vec<usize> {
        Vec::new()
    }
}

/// Whose place is offered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Donor {
    /// That of this thread, a pool's, which waits and may run a body meanwhile.
    Thread,
    /// The same where it may not: somebody else's executor polls on it.
    Beside,
    /// That of a body that is pending on a lane: the lane's address, and its own mark of the body.
    Pending { lane: usize, slot: usize, epoch: u64 },
}

/// What came of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Served {
    /// It has run on this thread. A wake-up may have been used up by that.
    Here,
    /// It uses the place elsewhere.
    Elsewhere,
    /// It has no use for it.
    No,
    /// It will have: something else uses the place, and not all where that is wait.
    NotYet,
}

/// That one body waits for something: an entry in the table until it is dropped.
#[derive(Debug)]
pub(crate) struct Edge {
    table: &'static Table,
    from: usize,
    number: u64,
}

impl Edge {
    /// Wakes the donors whose walk came through the body, since their way leads on from now. `keeper`: the pool or lane at
    /// which the body lends its own place to what it waits for, so that others there need not look; 0: none.
    pub(crate) fn new(from: usize, keeper: usize, to: Arc<dyn Awaited>) -> Self {
        let table = table();
        Self { table, from, number: table.add(from, keeper, to) }
    }

    pub(crate) fn from(&self) -> usize {
        self.from
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        if is_ours(self.table) {
            self.table.remove(self.from, self.number);
        }
    }
}

/// Whether this process is the one that the table belongs to. In a fork, a thread of the parent may hold its lock for ever.
fn is_ours(table: &'static Table) -> bool {
    std::ptr::eq(table, self::table())
}

/// Whether that body waits for anything.
pub(crate) fn is_waiting(key: usize) -> bool {
    table().has_edges(key)
}

/// What has that key has come into a queue: the donors whose walk came to it look again.
///
/// The race this closes: a donor leaves its waker and looks at the state second; the state was set before this looks for
/// wakers, and the lock of the node puts one of the two before the other (`model::look_and_queue`).
pub(crate) fn stir(key: usize) {
    table().stir(key);
}

/// The table of this process: one for each count of forks, since a lock may have been held by a thread that stayed in the
/// parent. What was waited for there, nobody runs here.
#[cfg(not(any(atasker_loom, atasker_shuttle)))]
fn table() -> &'static Table {
    use std::sync::LazyLock;
    static TABLES: [LazyLock<Table>; 4] = [const { LazyLock::new(Table::new) }; 4];
    &TABLES[(fork::count() as usize).min(TABLES.len() - 1)]
}

/// One for each run of a model.
#[cfg(atasker_shuttle)]
fn table() -> &'static Table {
    use std::ops::Deref;
    shuttle::lazy_static! {
        static ref TABLE: Table = Table::new();
    }
    _ = fork::count;
    TABLE.deref()
}

#[cfg(atasker_loom)]
fn table() -> &'static Table {
    use std::ops::Deref;
    loom::lazy_static! {
        static ref TABLE: Table = Table::new();
    }
    _ = fork::count;
    TABLE.deref()
}

//! All pools by their numbers. A handle knows its pool by number, and not as one of its owners: counted up and down with
//! each task, the owners' count took 10 of 85 ns.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::Pool;
use crate::fork;

/// Lock rule: the very last, held for map operations only. A plain lock: it is no part of any protocol.
static ROLL: Mutex<BTreeMap<PoolNumber, Weak<Pool>>> = Mutex::new(BTreeMap::new());

/// What tells one pool from all others that this process has ever had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PoolNumber(u64);

impl PoolNumber {
    pub(super) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        // Relaxed: only the number matters.
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// The pool, if it is still there.
    pub(crate) fn find(self) -> Option<Arc<Pool>> {
        lock()?.get(&self)?.upgrade()
    }
}

pub(super) fn enter(pool: &Arc<Pool>) {
    if let Some(mut roll) = lock() {
        roll.insert(pool.number, Arc::downgrade(pool));
    }
}

pub(super) fn strike(number: PoolNumber) {
    let struck = lock().and_then(|mut roll| roll.remove(&number));
    drop(struck);
}

/// `None`: a fork happened while another thread held it, and that thread is not here.
fn lock() -> Option<MutexGuard<'static, BTreeMap<PoolNumber, Weak<Pool>>>> {
    if fork::count() == 0 {
        return Some(ROLL.lock().unwrap_or_else(PoisonError::into_inner));
    }
    ROLL.try_lock().ok()
}

//! Cells whose tasks have ended, kept for tasks to come.
//!
//! A cell is made by the thread that starts the task, and let go by the one that ends it. Memory that wanders so is dear:
//! every chunk finds its way back through the other thread's arena. Here cells go back by the batch: each thread keeps
//! some, hands a batch on when it has two, and takes one when it has none. A flood of tasks with dropped handles went
//! from 129 ns a task to 65.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering, fence};
use std::sync::{Arc, Mutex};

use super::cell::Cell;
use crate::wait::IS_MODEL;

/// So many cells go from thread to thread at once.
const BATCH: usize = 64;

/// So many batches are kept for all threads while there is work, 14 MiB of cells: what is beyond is freed.
const BATCHES: usize = 2048;

/// And so many when there is none.
const BATCHES_AT_REST: usize = 64;

thread_local! {
    /// This thread's own: two batches at most.
    static OWN: RefCell<Vec<Arc<Cell>>> = const { RefCell::new(Vec::new()) };
}

/// Full batches. Lock rule: with no other, and nobody waits for it: where it is taken (in a fork, for ever, if the thread
/// that holds it stayed in the parent), cells are made and freed. A plain lock: it is no part of any protocol.
static BATCHES_OF_ALL: Mutex<Vec<Vec<Arc<Cell>>>> = Mutex::new(Vec::new());

/// How many those are, to be looked at without the lock.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// A cell that nobody else has, with nothing in it: one that has served, or a new one.
pub(super) fn take() -> Arc<Cell> {
    let spare = OWN.try_with(|own| {
        let own = &mut *own.borrow_mut();
        if own.is_empty() {
            *own = take_batch()?;
        }
        own.pop()
    });
    // The default is made where it stays.
    spare.ok().flatten().unwrap_or_default()
}

/// Lets go of a cell. If nobody else has it, drops what is left in it and keeps it.
pub(super) fn keep(cell: Arc<Cell>) {
    // Where two let go of it at once, neither is alone, and the later one frees it.
    if IS_MODEL || Arc::strong_count(&cell) > 1 {
        return;
    }
    // What the others did with it before they let go has happened. (There are no weak owners.)
    fence(Ordering::Acquire);
    cell.abandon();
    if !cell.is_spent() {
        return;
    }
    // A thread whose locals are gone keeps nothing.
    _ = OWN.try_with(|own| {
        let own = &mut *own.borrow_mut();
        if own.len() < 2 * BATCH {
            own.push(cell);
        } else if COUNT.load(Ordering::Relaxed) < BATCHES {
            give_batch(own.split_off(BATCH));
            own.push(cell);
        }
    });
}

fn take_batch() -> Option<Vec<Arc<Cell>>> {
    // Relaxed, here and below: it only saves a look.
    if COUNT.load(Ordering::Relaxed) == 0 {
        return None;
    }
    let mut batches = BATCHES_OF_ALL.try_lock().ok()?;
    let batch = batches.pop();
    COUNT.store(batches.len(), Ordering::Relaxed);
    batch
}

fn give_batch(batch: Vec<Arc<Cell>>) {
    if let Ok(mut batches) = BATCHES_OF_ALL.try_lock() {
        batches.push(batch);
        COUNT.store(batches.len(), Ordering::Relaxed);
    }
}

/// Frees what is not worth keeping when there is nothing to do.
pub(crate) fn trim() {
    // Relaxed: it only saves a look.
    if COUNT.load(Ordering::Relaxed) <= BATCHES_AT_REST {
        return;
    }
    let Ok(mut batches) = BATCHES_OF_ALL.try_lock() else { return };
    let kept = BATCHES_AT_REST.min(batches.len());
    let surplus = batches.split_off(kept);
    batches.shrink_to_fit();
    COUNT.store(batches.len(), Ordering::Relaxed);
    drop(batches);
    drop(surplus);
}

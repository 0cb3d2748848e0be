//! A donor that goes to sleep, and what it waits for leads on just then: one of the two sees the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;

use super::{Awaited, Donor, Edge, Served, Walk, stir};
use crate::sync::atomic::AtomicBool;
use crate::sync::{check_model, thread};
use crate::time::Deadline;
use crate::wait::block_until;

/// Something that runs once it is queued, by whoever claims it.
struct Probe {
    key: usize,
    queued: AtomicBool,
    runs: AtomicUsize,
}

impl Probe {
    fn new(key: usize, queued: bool) -> Arc<Self> {
        Arc::new(Self { key, queued: AtomicBool::new(queued), runs: AtomicUsize::new(0) })
    }

    fn claim(&self) -> bool {
        let claimed = self.queued.swap(false, std::sync::atomic::Ordering::SeqCst);
        self.runs.fetch_add(usize::from(claimed), Ordering::SeqCst);
        claimed
    }

    fn has_run(&self) -> bool {
        self.runs.load(Ordering::SeqCst) > 0
    }
}

impl Awaited for Probe {
    fn key(&self) -> usize {
        self.key
    }

    fn serve(self: Arc<Self>, _donor: Donor) -> Served {
        if self.claim() { Served::Here } else { Served::No }
    }
}

/// Waits for `first`, and lends its place until `last` has run.
fn donate(first: Arc<Probe>, last: &Probe) {
    let first: Arc<dyn Awaited> = first;
    let mut walk = Walk::new(1);
    block_until(Deadline::Never, |waker| {
        loop {
            if last.has_run() {
                return Some(());
            }
            if !walk.look(&first, waker, Donor::Thread, &mut || false) {
                return None;
            }
        }
    });
}

/// What the donor waits for begins to wait for something that is queued.
#[test]
fn look_and_add() {
    check_model(|| {
        let (first, last) = (Probe::new(8, false), Probe::new(16, true));
        let adder = thread::spawn({
            let last = Arc::clone(&last);
            move || Edge::new(8, 0, last)
        });
        // Nobody else would run it: without an answer to the edge the model would deadlock here.
        donate(first, &last);
        drop(adder.join().expect("added"));
        assert_eq!(last.runs.load(Ordering::SeqCst), 1);
    });
}

/// What is at the end of the donor's way comes into its queue.
#[test]
fn look_and_queue() {
    check_model(|| {
        let (first, last) = (Probe::new(8, false), Probe::new(16, false));
        let edge = Edge::new(8, 0, Arc::<Probe>::clone(&last));
        let ringer = thread::spawn({
            let last = Arc::clone(&last);
            move || {
                // Not a store, which loom does not order beside the swap that takes it.
                last.queued.swap(true, std::sync::atomic::Ordering::SeqCst);
                stir(16);
            }
        });
        donate(first, &last);
        ringer.join().expect("rung");
        drop(edge);
        assert_eq!(last.runs.load(Ordering::SeqCst), 1);
    });
}

/// Two donors come to the same, by different ways: one runs it.
#[test]
fn two_donors_and_one_claim() {
    check_model(|| {
        let last = Probe::new(24, true);
        let edges = [8, 16].map(|from| Edge::new(from, 0, Arc::<Probe>::clone(&last)));
        let look = |from| {
            let first: Arc<dyn Awaited> = Probe::new(from, false);
            Walk::new(from).look(&first, Waker::noop(), Donor::Thread, &mut || false)
        };
        let other = thread::spawn(move || look(8));
        let ran = look(16);
        assert_ne!(other.join().expect("looked"), ran);
        drop(edges);
        assert_eq!(last.runs.load(Ordering::SeqCst), 1);
    });
}

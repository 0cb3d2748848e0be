//! A donor that goes to sleep, and what it waits for leads on just then: one of the two sees the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;

use super::{Awaited, Donor, Edge, Places, Served, Walk, stir};
use crate::sync::atomic::{AtomicBool, AtomicUsize as Shared, fence};
use crate::sync::{check_model, thread};
use crate::time::Deadline;
use crate::wait::block_until;

/// Something that runs once it is queued, by whoever claims it.
struct Probe {
    key: usize,
    queued: AtomicBool,
    runs: AtomicUsize,
    /// Where it is queued for somebody else.
    places: Option<Arc<Hall>>,
}

impl Probe {
    fn new(key: usize, queued: bool) -> Arc<Self> {
        Arc::new(Self { key, queued: AtomicBool::new(queued), runs: AtomicUsize::new(0), places: None })
    }

    fn queued_at(key: usize, places: &Arc<Hall>) -> Arc<Self> {
        let places = Some(Arc::clone(places));
        Arc::new(Self { key, queued: AtomicBool::new(false), runs: AtomicUsize::new(0), places })
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

    fn queued_at(&self) -> Option<Arc<dyn Places>> {
        Some(Arc::<Hall>::clone(self.places.as_ref()?))
    }
}

/// Places, of which so many are held by bodies that run.
struct Hall {
    key: usize,
    running: Shared,
}

impl Hall {
    fn new(key: usize, running: usize) -> Arc<Self> {
        Arc::new(Self { key, running: Shared::new(running) })
    }

    /// As a pool does.
    fn begin_to_wait(&self) {
        self.running.fetch_sub(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if self.all_wait() {
            stir(self.key);
        }
    }
}

impl Places for Hall {
    fn key(&self) -> usize {
        self.key
    }

    fn all_wait(&self) -> bool {
        self.running.load(Ordering::SeqCst) == 0
    }
}

/// Waits for `first`, and lends its place until `last` has run.
fn donate(first: Arc<Probe>, last: &Probe) {
    donate_from(&Hall::new(1, 0), first, last);
}

fn donate_from(places: &Arc<Hall>, first: Arc<Probe>, last: &Probe) {
    let first: Arc<dyn Awaited> = first;
    let mut walk = Walk::new(places);
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
            Walk::new(&Hall::new(from, 0)).look(&first, Waker::noop(), Donor::Thread, &mut || false)
        };
        let other = thread::spawn(move || look(8));
        let ran = look(16);
        assert_ne!(other.join().expect("looked"), ran);
        drop(edges);
        assert_eq!(last.runs.load(Ordering::SeqCst), 1);
    });
}

/// What the donor waits for stands in another queue. The last body of those places begins to wait for something that is queued
/// at the donor's, and the last of the donor's own does: only then its place is lent to that.
#[test]
fn look_and_fill() {
    check_model(|| {
        let (own, other) = (Hall::new(1, 1), Hall::new(32, 1));
        let (first, last) = (Probe::queued_at(8, &other), Probe::new(16, true));
        let there = thread::spawn({
            let last = Arc::clone(&last);
            move || {
                let edge = Edge::new(32, 32, last);
                other.begin_to_wait();
                edge
            }
        });
        let here = thread::spawn({
            let own = Arc::clone(&own);
            move || own.begin_to_wait()
        });
        donate_from(&own, first, &last);
        assert!(own.all_wait());
        here.join().expect("waits");
        drop(there.join().expect("waits"));
        assert_eq!(last.runs.load(Ordering::SeqCst), 1);
    });
}

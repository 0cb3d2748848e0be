//! What is in the table, and that nothing stays there.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use super::{Awaited, Donor, Edge, Places, Served, Walk, table};
use crate::sync::Mutex;

/// Something that is queued, or not.
struct Probe {
    key: usize,
    serves: Mutex<Vec<Served>>,
}

impl Awaited for Probe {
    fn key(&self) -> usize {
        self.key
    }

    fn serve(self: Arc<Self>, _donor: Donor) -> Served {
        self.serves.lock().pop().unwrap_or(Served::No)
    }
}

/// Keys of its own: the table is that of all tests.
fn probes<const N: usize>(serves: Served) -> [Arc<Probe>; N] {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    let first = NEXT.fetch_add(N, Ordering::Relaxed);
    std::array::from_fn(|n| Arc::new(Probe { key: first + n, serves: Mutex::new(vec![serves]) }))
}

fn edge(from: &Arc<Probe>, keeper: usize, to: &Arc<Probe>) -> Edge {
    Edge::new(from.key, keeper, Arc::<Probe>::clone(to))
}

fn was_offered(probe: &Probe) -> bool {
    probe.serves.lock().is_empty()
}

/// Of a donor at places that are gone.
fn walk_at(places: usize) -> Walk {
    struct Gone(usize);
    impl Places for Gone {
        fn key(&self) -> usize {
            self.0
        }

        fn all_wait(&self) -> bool {
            false
        }
    }
    Walk::new(&Arc::new(Gone(places)))
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn look(walk: &mut Walk, first: &Arc<Probe>, waker: &Waker) -> bool {
    let first: Arc<dyn Awaited> = Arc::<Probe>::clone(first);
    walk.look(&first, waker, Donor::Thread, &mut || false)
}

fn is_known(probe: &Arc<Probe>) -> bool {
    table().knows(probe.key)
}

#[test]
fn a_walk_comes_to_all_that_a_wait_leads_to_once_and_to_nothing_else() {
    let [a, b, c, d, stranger] = probes(Served::No);
    // Two ways to the same, and a way back.
    let _edges = [edge(&a, 0, &b), edge(&a, 0, &c), edge(&b, 0, &d), edge(&c, 0, &d), edge(&d, 0, &a)];
    let _other = edge(&stranger, 0, &a);
    assert!(!look(&mut walk_at(usize::MAX - 1), &a, Waker::noop()));
    assert!([&a, &b, &c, &d].into_iter().all(|probe| was_offered(probe)));
    assert!(!was_offered(&stranger));
}

#[test]
fn a_walk_that_has_run_something_says_so_and_goes_on() {
    let [a, b, c] = probes(Served::Here);
    let _edges = [edge(&a, 0, &b), edge(&b, 0, &c)];
    let mut walk = walk_at(usize::MAX - 1);
    assert!(look(&mut walk, &a, Waker::noop()));
    assert!([&a, &b, &c].into_iter().all(|probe| was_offered(probe)));
    assert!(!look(&mut walk, &a, Waker::noop()));
}

#[test]
fn a_walk_whose_wait_is_over_goes_no_further() {
    let [a, b] = probes(Served::Here);
    let _edge = edge(&a, 0, &b);
    let first: Arc<dyn Awaited> = Arc::<Probe>::clone(&a);
    assert!(walk_at(usize::MAX - 1).look(&first, Waker::noop(), Donor::Thread, &mut || true));
    assert!(!was_offered(&b));
}

#[test]
fn another_donor_of_the_same_pool_looks_after_what_lies_behind_it() {
    let [a, b, c] = probes(Served::No);
    let (here, there) = (usize::MAX - 1, usize::MAX - 2);
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    let mut walk = walk_at(here);
    look(&mut walk, &a, &waker);
    let _kept = edge(&a, here, &b);
    assert_eq!(wakes.0.load(Ordering::SeqCst), 0);
    look(&mut walk, &a, &waker);
    assert!(!was_offered(&b));
    let _free = edge(&a, there, &c);
    assert_eq!(wakes.0.load(Ordering::SeqCst), 1);
    look(&mut walk, &a, &waker);
    assert!(was_offered(&c) && !was_offered(&b));
}

#[test]
fn nothing_is_left() {
    let [a, b, c] = probes(Served::No);
    let edges = [edge(&a, 0, &b), edge(&b, 0, &c)];
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    let mut walk = walk_at(usize::MAX - 1);
    look(&mut walk, &a, &waker);
    assert!([&a, &b, &c].into_iter().all(is_known));
    drop(edges);
    assert!([&a, &b, &c].into_iter().all(is_known), "the walk's waker is still there");
    // What a walk does not come to any more, it leaves.
    look(&mut walk, &a, &waker);
    assert!(is_known(&a) && !is_known(&b) && !is_known(&c));
    drop(walk);
    assert!(!is_known(&a));
    drop(waker);
    assert_eq!(Arc::strong_count(&wakes), 1);
    assert_eq!([a, b, c].map(|probe| Arc::strong_count(&probe)), [1; 3]);
}

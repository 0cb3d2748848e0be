//! The table: a node for each body that waits, or at which a donor has left its waker.

use std::collections::BTreeMap;
use std::collections::hash_map::{Entry, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::task::Waker;

use crossbeam_utils::CachePadded;

use super::Awaited;
use crate::panics::wake_contained;
use crate::sync::{Mutex, MutexGuard};

/// Nodes are spread over so many locks.
const SHARDS: usize = if cfg!(any(atasker_loom, atasker_shuttle)) { 1 } else { 32 };

/// Hashes of keys, which are addresses: spread already but for their lowest bits.
#[derive(Default)]
pub(super) struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_usize(byte.into()));
    }

    fn write_usize(&mut self, key: usize) {
        // By the golden ratio: the high bits, which a map looks at first, then depend on all of the key.
        self.0 = (self.0 ^ key as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

pub(super) type Spreading = BuildHasherDefault<Spread>;

/// What one body waits for, by number, in the order of its coming. Most often it is one thing.
enum Edges {
    One(u64, To),
    /// Invariant: not empty.
    Many(BTreeMap<u64, To>),
}

struct To {
    awaited: Arc<dyn Awaited>,
    /// The pool or lane at which the body that waits is a donor itself.
    keeper: usize,
}

struct Watcher {
    donor: u64,
    /// The pool or lane of its place.
    at: usize,
    waker: Waker,
    /// Whoever left it is a thread or a runtime's task of ours: it may be woken wherever we are.
    ours: bool,
}

impl Edges {
    fn add(&mut self, number: u64, to: To) {
        if let Self::One(..) = self
            && let Self::One(first, other) = std::mem::replace(self, Self::Many(BTreeMap::new()))
            && let Self::Many(all) = self
        {
            all.insert(first, other);
        }
        if let Self::Many(all) = self {
            all.insert(number, to);
        }
    }

    fn behind(&self, number: u64) -> impl Iterator<Item = (u64, &To)> {
        let (one, many) = match self {
            Self::One(first, to) => ((*first > number).then_some((*first, to)), None),
            Self::Many(all) => (None, Some(all.range(number + 1..).map(|(number, to)| (*number, to)))),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }
}

#[derive(Default)]
struct Shard {
    /// Those of one body. Few wait at a time, most often: then what another thread has had last is this line alone, and not
    /// those of a map too (a task that a body starts and awaits took 200 of 1100 ns longer).
    first: Option<(usize, Edges)>,
    /// Those of the others, by the body that waits.
    edges: HashMap<usize, Edges, Spreading>,
    /// Donors whose walk came through a body, by that. Apart, since most often nobody walks. Invariant: none is empty
    /// (`tests::nothing_is_left`).
    watchers: HashMap<usize, Vec<Watcher>, Spreading>,
    /// Of the last edge.
    last: u64,
}

impl Shard {
    fn edges(&self, key: usize) -> Option<&Edges> {
        let first = self.first.as_ref().filter(|(first, _)| *first == key).map(|(_, edges)| edges);
        first.or_else(|| self.edges.get(&key))
    }

    fn edges_mut(&mut self, key: usize) -> Option<&mut Edges> {
        match &mut self.first {
            Some((first, edges)) if *first == key => Some(edges),
            _ => self.edges.get_mut(&key),
        }
    }

    fn add(&mut self, key: usize, number: u64, to: To) {
        if let Some(edges) = self.edges_mut(key) {
            edges.add(number, to);
        } else if self.first.is_none() {
            self.first = Some((key, Edges::One(number, to)));
        } else {
            self.edges.insert(key, Edges::One(number, to));
        }
    }

    fn remove(&mut self, key: usize, number: u64) -> Option<To> {
        match self.edges_mut(key)? {
            Edges::One(only, _) if *only == number => match self.forget(key)? {
                Edges::One(_, to) => Some(to),
                Edges::Many(_) => None,
            },
            Edges::One(..) => None,
            Edges::Many(all) => {
                let removed = all.remove(&number);
                if all.is_empty() {
                    self.forget(key);
                }
                removed
            }
        }
    }

    fn forget(&mut self, key: usize) -> Option<Edges> {
        match self.first.take_if(|(first, _)| *first == key) {
            Some((_, edges)) => Some(edges),
            None => self.edges.remove(&key),
        }
    }

    /// Those of its watchers that are to be woken.
    fn take_watchers(&mut self, key: usize, is_called: impl Fn(&Watcher) -> bool) -> Vec<Watcher> {
        self.change_watchers(key, |watchers| watchers.extract_if(.., |watcher| is_called(watcher)).collect())
    }

    /// Forgets the body where nobody is left there.
    fn change_watchers<R: Default>(&mut self, key: usize, change: impl FnOnce(&mut Vec<Watcher>) -> R) -> R {
        let Entry::Occupied(mut entry) = self.watchers.entry(key) else { return R::default() };
        let changed = change(entry.get_mut());
        if entry.get().is_empty() {
            entry.remove();
        }
        changed
    }
}

/// Lock rule of all shards: one at a time and with no other, for map operations only: no waker is cloned, woken or dropped
/// under it, and nothing that is waited for is.
pub(crate) struct Table {
    shards: [CachePadded<Mutex<Shard>>; SHARDS],
}

impl Table {
    pub(super) fn new() -> Self {
        Self { shards: std::array::from_fn(|_| CachePadded::default()) }
    }

    fn shard(&self, key: usize) -> MutexGuard<'_, Shard> {
        let mut spread = Spread::default();
        spread.write_usize(key);
        self.shards[(spread.finish() >> 32) as usize % SHARDS].lock()
    }

    /// Adds an edge. Its number, unique at that node.
    ///
    /// Donors of the same pool or lane as its keeper are not woken: it looks after the way from here on. Were all of them to
    /// look, each step of a chain that deep would wake all those above it, and each would walk all of it.
    pub(super) fn add(&self, from: usize, keeper: usize, awaited: Arc<dyn Awaited>) -> u64 {
        let mut shard = self.shard(from);
        shard.last += 1;
        let number = shard.last;
        shard.add(from, number, To { awaited, keeper });
        if !shard.watchers.is_empty() {
            let watchers = shard.take_watchers(from, |watcher| watcher.at != keeper);
            drop(shard);
            wake(watchers);
        }
        number
    }

    pub(super) fn remove(&self, from: usize, number: u64) {
        let removed = self.shard(from).remove(from, number);
        drop(removed);
    }

    /// Leaves the waker of a donor at a node.
    pub(super) fn watch(&self, key: usize, donor: u64, at: usize, waker: Waker, ours: bool) {
        let replaced = {
            let mut shard = self.shard(key);
            let watchers = shard.watchers.entry(key).or_default();
            match watchers.iter_mut().find(|watcher| watcher.donor == donor) {
                Some(known) => Some(std::mem::replace(&mut known.waker, waker)),
                None => {
                    watchers.push(Watcher { donor, at, waker, ours });
                    None
                }
            }
        };
        drop(replaced);
    }

    /// Takes a donor's waker back.
    pub(super) fn unwatch(&self, key: usize, donor: u64) {
        let left = self.shard(key).change_watchers(key, |watchers| {
            let position = watchers.iter().position(|watcher| watcher.donor == donor);
            position.map(|position| watchers.swap_remove(position))
        });
        drop(left);
    }

    /// The first edge of a node behind that number that no other donor `at` that pool or lane looks after.
    pub(super) fn edge_behind(&self, key: usize, number: u64, at: usize) -> Option<(u64, Arc<dyn Awaited>)> {
        let shard = self.shard(key);
        let (number, to) = shard.edges(key)?.behind(number).find(|(_, to)| to.keeper != at)?;
        Some((number, Arc::clone(&to.awaited)))
    }

    pub(super) fn has_edges(&self, key: usize) -> bool {
        self.shard(key).edges(key).is_some()
    }

    pub(super) fn stir(&self, key: usize) {
        let watchers = self.shard(key).take_watchers(key, |_| true);
        wake(watchers);
    }

    /// Whether it has a node of that key.
    #[cfg(all(test, not(any(atasker_loom, atasker_shuttle))))]
    pub(super) fn knows(&self, key: usize) -> bool {
        let shard = self.shard(key);
        shard.edges(key).is_some() || shard.watchers.contains_key(&key)
    }
}

fn wake(watchers: Vec<Watcher>) {
    for Watcher { waker, ours, .. } in watchers {
        if ours {
            waker.wake();
        } else {
            wake_contained(waker);
        }
    }
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").finish_non_exhaustive()
    }
}

//! The table: a node for each body that waits, or at which a donor has left its waker.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::task::Waker;

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

/// What is known of one body.
#[derive(Default)]
struct Node {
    /// What it waits for: most often one thing, which then needs no allocation. Its number is below all of those in `more`.
    first: Option<(u64, To)>,
    /// The others, by number, in the order of their coming.
    more: BTreeMap<u64, To>,
    /// Donors whose walk came through here.
    watchers: Vec<Watcher>,
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
}

impl Node {
    fn has_edges(&self) -> bool {
        self.first.is_some() || !self.more.is_empty()
    }

    fn add(&mut self, number: u64, to: To) {
        if self.has_edges() {
            self.more.insert(number, to);
        } else {
            self.first = Some((number, to));
        }
    }

    fn remove(&mut self, number: u64) -> Option<To> {
        match self.first.take_if(|(first, _)| *first == number) {
            Some((_, to)) => Some(to),
            None => self.more.remove(&number),
        }
    }

    fn behind(&self, number: u64) -> impl Iterator<Item = (u64, &To)> {
        let first = self.first.iter().map(|(first, to)| (*first, to)).filter(move |(first, _)| *first > number);
        first.chain(self.more.range(number + 1..).map(|(number, to)| (*number, to)))
    }
}

#[derive(Default)]
struct Shard {
    /// Invariant: no node is empty (`tests::nothing_is_left`).
    nodes: HashMap<usize, Node, Spreading>,
    /// Of the last edge.
    last: u64,
}

/// Lock rule of all shards: one at a time and with no other, for map operations only: no waker is cloned, woken or dropped
/// under it, and nothing that is waited for is.
pub(crate) struct Table {
    shards: [Mutex<Shard>; SHARDS],
}

impl Table {
    pub(super) fn new() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()) }
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
        let (number, watchers) = {
            let mut shard = self.shard(from);
            shard.last += 1;
            let number = shard.last;
            let node = shard.nodes.entry(from).or_default();
            node.add(number, To { awaited, keeper });
            let called = node.watchers.extract_if(.., |watcher| watcher.at != keeper).collect();
            (number, called)
        };
        wake(watchers);
        number
    }

    pub(super) fn remove(&self, from: usize, number: u64) {
        let removed = self.change(from, |node| node.remove(number));
        drop(removed);
    }

    /// Leaves the waker of a donor at a node.
    pub(super) fn watch(&self, key: usize, donor: u64, at: usize, waker: Waker) {
        let replaced = {
            let mut shard = self.shard(key);
            let watchers = &mut shard.nodes.entry(key).or_default().watchers;
            match watchers.iter_mut().find(|watcher| watcher.donor == donor) {
                Some(known) => Some(std::mem::replace(&mut known.waker, waker)),
                None => {
                    watchers.push(Watcher { donor, at, waker });
                    None
                }
            }
        };
        drop(replaced);
    }

    /// Takes a donor's waker back.
    pub(super) fn unwatch(&self, key: usize, donor: u64) {
        let left = self.change(key, |node| {
            let position = node.watchers.iter().position(|watcher| watcher.donor == donor);
            position.map(|position| node.watchers.swap_remove(position))
        });
        drop(left);
    }

    /// The first edge of a node behind that number that no other donor `at` that pool or lane looks after.
    pub(super) fn edge_behind(&self, key: usize, number: u64, at: usize) -> Option<(u64, Arc<dyn Awaited>)> {
        let shard = self.shard(key);
        let (number, to) = shard.nodes.get(&key)?.behind(number).find(|(_, to)| to.keeper != at)?;
        Some((number, Arc::clone(&to.awaited)))
    }

    pub(super) fn has_edges(&self, key: usize) -> bool {
        self.shard(key).nodes.get(&key).is_some_and(Node::has_edges)
    }

    pub(super) fn stir(&self, key: usize) {
        let watchers = self.change(key, |node| Some(std::mem::take(&mut node.watchers)));
        wake(watchers.unwrap_or_default());
    }

    /// Changes a node, where there is one, and forgets it where nothing is left of it.
    fn change<R>(&self, key: usize, change: impl FnOnce(&mut Node) -> Option<R>) -> Option<R> {
        let mut shard = self.shard(key);
        let node = shard.nodes.get_mut(&key)?;
        let changed = change(node);
        if !node.has_edges() && node.watchers.is_empty() {
            shard.nodes.remove(&key);
        }
        changed
    }

    /// Whether it has a node of that key.
    #[cfg(all(test, not(any(atasker_loom, atasker_shuttle))))]
    pub(super) fn knows(&self, key: usize) -> bool {
        self.shard(key).nodes.contains_key(&key)
    }
}

fn wake(watchers: Vec<Watcher>) {
    watchers.into_iter().for_each(|watcher| wake_contained(watcher.waker));
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").finish_non_exhaustive()
    }
}

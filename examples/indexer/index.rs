//! What is known so far.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use blake3::Hash;

use crate::latency::Latencies;

/// What is known so far. Counters are relaxed: they are only shown.
#[derive(Default)]
pub(crate) struct Index {
    pub(crate) found: Count,
    pub(crate) done: Count,
    /// How often a file waited for room in the writer's queue.
    pub(crate) waits: AtomicU64,
    digests: Mutex<Digests>,
    latencies: Mutex<Latencies>,
}

/// Files and their bytes.
#[derive(Default)]
pub(crate) struct Count {
    files: AtomicU64,
    bytes: AtomicU64,
}

#[derive(Default)]
struct Digests {
    /// How many files have these contents.
    copies: HashMap<Hash, u32>,
    latest: Option<Hash>,
    longest: Option<Longest>,
}

/// The file that took longest to hash.
#[derive(Clone)]
pub(crate) struct Longest {
    pub(crate) path: PathBuf,
    pub(crate) took: Duration,
}

impl Count {
    pub(crate) fn add(&self, bytes: u64) {
        self.files.fetch_add(1, Relaxed);
        self.bytes.fetch_add(bytes, Relaxed);
    }

    pub(crate) fn get(&self) -> (u64, u64) {
        (self.files.load(Relaxed), self.bytes.load(Relaxed))
    }
}

impl Index {
    /// A file is hashed.
    pub(crate) fn enter(&self, hash: Hash, path: PathBuf, bytes: u64, took: Duration) {
        self.done.add(bytes);
        let mut digests = self.digests();
        *digests.copies.entry(hash).or_default() += 1;
        digests.latest = Some(hash);
        if digests.longest.as_ref().is_none_or(|longest| took > longest.took) {
            digests.longest = Some(Longest { path, took });
        }
    }

    /// How many files have these contents.
    pub(crate) fn copies(&self, hash: &Hash) -> u32 {
        self.digests().copies.get(hash).copied().unwrap_or(0)
    }

    /// The digest that came in last.
    pub(crate) fn latest(&self) -> Option<Hash> {
        self.digests().latest
    }

    pub(crate) fn longest(&self) -> Option<Longest> {
        self.digests().longest.clone()
    }

    /// Files whose contents another file had before.
    pub(crate) fn duplicates(&self) -> u64 {
        self.done.get().0 - self.digests().copies.len() as u64
    }

    pub(crate) fn latencies(&self) -> MutexGuard<'_, Latencies> {
        self.latencies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn digests(&self) -> MutexGuard<'_, Digests> {
        self.digests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

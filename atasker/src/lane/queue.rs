//! The bodies of one priority that wait, in the order of their coming.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::Body;
use crate::priority::Priority;
use crate::slow::{SlowStart, Thresholds, Told, Waits};

/// Fewer dead entries than this are never worth a sweep.
const SWEEP_FROM: usize = 64;

/// Dead ones (cancelled, or taken elsewhere) stay until they come up or a sweep takes them.
#[derive(Default)]
pub(super) struct Queue {
    waiting: VecDeque<Waiting>,
    /// So many have died since the last sweep; some of them have come up since.
    died: usize,
    /// Who has been told of as waiting too long.
    told: Told,
}

struct Waiting {
    body: Arc<dyn Body>,
    /// When it came, where somebody wants to hear of those that wait too long.
    since: Option<Instant>,
}

impl Queue {
    pub(super) fn push(&mut self, body: Arc<dyn Body>, since: Option<Instant>) {
        self.waiting.push_back(Waiting { body, since });
    }

    pub(super) fn pop(&mut self) -> Option<Arc<dyn Body>> {
        let first = self.waiting.pop_front()?;
        self.told.popped();
        Some(first.body)
    }

    /// The first one, if it is dead.
    pub(super) fn pop_dead(&mut self) -> Option<Arc<dyn Body>> {
        let is_dead = self.waiting.front().is_some_and(|first| !first.body.is_live());
        if is_dead { self.pop() } else { None }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn live(&self) -> impl Iterator<Item = &Arc<dyn Body>> {
        self.waiting.iter().map(|waiting| &waiting.body).filter(|body| body.is_live())
    }

    /// One has died where it stands. What a sweep takes out is to be dropped outside the lock.
    pub(super) fn died(&mut self) -> Vec<Arc<dyn Body>> {
        self.died += 1;
        // When half of them are dead, a sweep costs a constant for each; and it bounds what a full lane keeps.
        if self.died < SWEEP_FROM || self.died <= self.waiting.len() / 2 {
            return Vec::new();
        }
        self.remove(|body| !body.is_live())
    }

    /// Takes out what `removed` says.
    pub(super) fn remove(&mut self, removed: impl Fn(&dyn Body) -> bool) -> Vec<Arc<dyn Body>> {
        let old = std::mem::take(self);
        let mut out = Vec::new();
        for (position, waiting) in old.waiting.into_iter().enumerate() {
            if removed(&*waiting.body) {
                out.push(waiting.body);
            } else {
                self.told.stays(&old.told, position);
                self.waiting.push_back(waiting);
            }
        }
        out
    }

    /// Reports who has newly waited past a threshold, and gives the moment of the next look.
    pub(super) fn slow(
        &mut self,
        priority: Priority,
        now: Instant,
        thresholds: Thresholds,
        report: &mut Vec<SlowStart>,
    ) -> Option<Instant> {
        let waits = |position: usize| {
            let Waiting { body, since } = self.waiting.get(position)?;
            Some(Waits { since: *since, name: body.is_live().then(|| body.name()) })
        };
        self.told.look(priority, now, thresholds, waits, report)
    }
}

//! What is planned by the hundred thousand, by moment: those of one moment are handed over together, as they lie.
//!
//! A [`Bell`](super::Bell) is touched when it is rung, and its key is kept for it. Here the thread of the clock takes out a
//! crowd in one piece and touches none of it, so that each tick is in the cache of one thread only: the one that it comes on.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::moment::Moment;
use super::{Clock, Opening};
use crate::sync::atomic::{AtomicU32, Ordering};

/// One of a crowd, which comes on a thread that the clock's listener has for it.
pub(crate) trait Tick: Send + Sync {
    /// Where it lies among those of its moment. The clock's, which reads and writes it under its lock only.
    fn place(&self) -> &AtomicU32;

    /// What reports call it.
    fn name(&self) -> &'static str;

    /// Its moment has come. It may plan itself anew with a clock that is still open as it was.
    fn come(self: Arc<Self>, clock: &Arc<Clock>, opening: Opening) -> Came;

    /// Its moment will not come any more. `true`: so this is its end, and there is something of the user's to drop.
    fn forget(&self) -> bool;

    /// Drops it. Called after all that were forgotten with it.
    fn drop_body(&self);

    /// Whether what runs of it has been asked to end.
    fn is_asked_to_end(&self) -> bool;
}

/// What the coming of a tick came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Came {
    /// Its body has run.
    pub(crate) ran: bool,
    /// And has panicked.
    pub(crate) panicked: bool,
    /// There is none to follow.
    pub(crate) end: Option<End>,
    /// What the clock showed at the end, if it was looked at.
    pub(crate) now: Option<Moment>,
}

/// Why a tick has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It was the last.
    Over,
    /// The clock takes no more.
    Stopped,
}

/// When a tick is to come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    pub(crate) due: Moment,
    pub(crate) on_wall: bool,
    /// In nanoseconds. It comes by so much later, at most, together with others.
    pub(crate) tolerance: u32,
}

/// Ticks by moment.
#[derive(Default)]
pub(super) struct Ticks {
    moments: BTreeMap<Moment, Crowd>,
}

/// The ticks of one moment, in no order.
enum Crowd {
    One(Arc<dyn Tick>),
    Many(Vec<Arc<dyn Tick>>),
}

impl Crowd {
    fn as_slice(&self) -> &[Arc<dyn Tick>] {
        match self {
            Self::One(tick) => std::slice::from_ref(tick),
            Self::Many(ticks) => ticks,
        }
    }

    fn into_vec(self) -> Vec<Arc<dyn Tick>> {
        match self {
            Self::One(tick) => vec![tick],
            Self::Many(ticks) => ticks,
        }
    }
}

impl Ticks {
    pub(super) fn is_empty(&self) -> bool {
        self.moments.is_empty()
    }

    pub(super) fn insert(&mut self, at: Moment, tick: Arc<dyn Tick>) {
        // Relaxed, here and below: the clock's lock orders them.
        let put = |place| tick.place().store(number(place), Ordering::Relaxed);
        match self.moments.get_mut(&at) {
            None => {
                put(0);
                self.moments.insert(at, Crowd::One(tick));
            }
            Some(Crowd::Many(ticks)) => {
                put(ticks.len());
                ticks.push(tick);
            }
            Some(crowd) => {
                put(1);
                let Crowd::One(first) = std::mem::replace(crowd, Crowd::Many(Vec::new())) else {
                    unreachable!("seen above")
                };
                *crowd = Crowd::Many(vec![first, tick]);
            }
        }
    }

    /// Takes a tick back. `false`: it is not there any more.
    pub(super) fn remove(&mut self, at: Moment, tick: &Arc<dyn Tick>) -> bool {
        let Some(crowd) = self.moments.get_mut(&at) else { return false };
        let place = tick.place().load(Ordering::Relaxed) as usize;
        // One that has been taken out, or was never in, has any place.
        if crowd.as_slice().get(place).is_none_or(|there| !Arc::ptr_eq(there, tick)) {
            return false;
        }
        match crowd {
            Crowd::Many(ticks) if ticks.len() > 1 => {
                ticks.swap_remove(place);
                if let Some(moved) = ticks.get(place) {
                    moved.place().store(number(place), Ordering::Relaxed);
                }
                if ticks.len() < ticks.capacity() / 4 {
                    ticks.shrink_to(2 * ticks.len());
                }
            }
            _ => _ = self.moments.remove(&at),
        }
        true
    }

    /// Takes out all that are due.
    pub(super) fn take_due(&mut self, now: Moment, due: &mut Vec<Arc<dyn Tick>>) {
        while let Some(first) = self.moments.first_entry().filter(|first| first.key().is_due(now)) {
            match first.remove() {
                Crowd::Many(ticks) if due.is_empty() => *due = ticks,
                crowd => due.append(&mut crowd.into_vec()),
            }
        }
    }

    pub(super) fn take_all(&mut self) -> Vec<Arc<dyn Tick>> {
        std::mem::take(&mut self.moments).into_values().flat_map(Crowd::into_vec).collect()
    }

    /// The earliest moment, and how many there are at it.
    pub(super) fn next(&self) -> (Moment, usize) {
        let first = self.moments.first_key_value();
        first.map_or((Moment::NEVER, 0), |(at, crowd)| (*at, crowd.as_slice().len()))
    }
}

fn number(place: usize) -> u32 {
    u32::try_from(place).expect("so many ticks have no room in memory")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    #[derive(Default)]
    struct Silent(AtomicU32);

    impl Tick for Silent {
        fn place(&self) -> &AtomicU32 {
            &self.0
        }

        fn name(&self) -> &'static str {
            "silent"
        }

        fn come(self: Arc<Self>, _clock: &Arc<Clock>, _opening: Opening) -> Came {
            Came::default()
        }

        fn forget(&self) -> bool {
            false
        }

        fn drop_body(&self) {}

        fn is_asked_to_end(&self) -> bool {
            false
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Insert { at: u8 },
        Remove { nth: usize },
        Take { at: u8 },
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            3 => (0..8_u8).prop_map(|at| Step::Insert { at }),
            2 => any::<usize>().prop_map(|nth| Step::Remove { nth }),
            1 => (0..8_u8).prop_map(|at| Step::Take { at }),
        ];
        prop::collection::vec(step, 0..200)
    }

    fn moment(at: u8) -> Moment {
        Moment::from_bits(0).later(Duration::from_secs(at.into()))
    }

    fn same(one: &Arc<dyn Tick>, other: &Arc<dyn Tick>) -> bool {
        Arc::ptr_eq(one, other)
    }

    proptest! {
        #[test]
        fn it_holds_what_a_list_would(steps in steps()) {
            let mut ticks = Ticks::default();
            let mut list: Vec<(Moment, Arc<dyn Tick>)> = Vec::new();
            let mut all = Vec::new();
            for step in steps {
                match step {
                    Step::Insert { at } => {
                        let tick: Arc<dyn Tick> = Arc::new(Silent::default());
                        ticks.insert(moment(at), Arc::clone(&tick));
                        all.push((moment(at), Arc::clone(&tick)));
                        list.push((moment(at), tick));
                    }
                    Step::Remove { nth } => {
                        let Some((at, tick)) = all.get(nth % all.len().max(1)) else { continue };
                        let there = list.iter().position(|(_, other)| same(other, tick));
                        prop_assert_eq!(ticks.remove(*at, tick), there.is_some());
                        there.map(|position| list.remove(position));
                    }
                    Step::Take { at } => {
                        let mut due = Vec::new();
                        ticks.take_due(moment(at), &mut due);
                        let before = list.len();
                        list.retain(|(planned, _)| *planned > moment(at));
                        prop_assert_eq!(due.len(), before - list.len());
                        prop_assert!(due.iter().all(|tick| !list.iter().any(|(_, other)| same(other, tick))));
                    }
                }
                let next = list.iter().map(|(at, _)| *at).min().unwrap_or(Moment::NEVER);
                prop_assert_eq!(ticks.next(), (next, list.iter().filter(|(at, _)| *at == next).count()));
            }
            prop_assert_eq!(ticks.take_all().len(), list.len());
        }
    }

    #[test]
    fn what_is_taken_back_leaves_no_trace() {
        let mut ticks = Ticks::default();
        let all: Vec<Arc<dyn Tick>> = (0..10_000).map(|_| Arc::new(Silent::default()) as Arc<dyn Tick>).collect();
        all.iter().for_each(|tick| ticks.insert(Moment::NEVER, Arc::clone(tick)));
        assert!(all[1..].iter().all(|tick| ticks.remove(Moment::NEVER, tick)));
        let Some(Crowd::Many(left)) = ticks.moments.get(&Moment::NEVER) else { panic!("there were many") };
        assert!(left.capacity() < 10, "{}", left.capacity());
        assert!(ticks.remove(Moment::NEVER, &all[0]) && ticks.is_empty());
    }
}

//! The deadlines in order of time, with the bells of one moment together.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroU64;
use std::sync::Arc;

use super::moment::Moment;
use super::{Bell, Key};

/// Bells by moment.
///
/// Where deadlines have a tolerance, thousands of bells share few moments: with each among a hundred thousand of its own,
/// a tick touched memory that no cache had at each step down the tree.
#[derive(Default)]
pub(super) struct Queue {
    moments: BTreeMap<Moment, Bells>,
    /// So many keys were given out.
    given: u64,
}

/// What is to be rung at one moment.
enum Bells {
    One(NonZeroU64, Arc<dyn Bell>),
    /// In a box, so that a moment with one bell takes no more room for it.
    Many(Box<Crowd>),
}

/// Bells of one moment, in the order of insertion.
#[derive(Default)]
struct Crowd {
    /// By serial. `None`: taken back.
    bells: VecDeque<(NonZeroU64, Option<Arc<dyn Bell>>)>,
    /// How many were taken back. Less than half of them: else they are swept out.
    taken_back: usize,
}

/// So many bells of one moment take longer to ring than a thread takes to wake up.
pub(super) const CROWD: usize = 16;

/// Keys of the wall clock's queue are counted from here.
const ON_WALL: u64 = 1 << 63;

impl Key {
    /// Whether it is one of the wall clock's queue.
    pub(super) fn is_on_wall(self) -> bool {
        self.serial.get() >= ON_WALL
    }
}

impl Queue {
    /// One whose moments are the wall clock's.
    pub(super) fn on_wall() -> Self {
        Self { given: ON_WALL, ..Self::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.moments.is_empty()
    }

    pub(super) fn insert(&mut self, at: Moment, bell: Arc<dyn Bell>) -> Key {
        self.given += 1;
        let serial = NonZeroU64::new(self.given).expect("one more than something");
        match self.moments.get_mut(&at) {
            None => {
                self.moments.insert(at, Bells::One(serial, bell));
            }
            Some(Bells::Many(crowd)) => crowd.bells.push_back((serial, Some(bell))),
            Some(bells) => {
                let crowd = Bells::Many(Box::default());
                let Bells::One(first, other) = std::mem::replace(bells, crowd) else { unreachable!("seen above") };
                let Bells::Many(crowd) = bells else { unreachable!("put there above") };
                crowd.bells.extend([(first, Some(other)), (serial, Some(bell))]);
            }
        }
        Key { at, serial }
    }

    /// Takes a bell back. `None`: it is not there any more.
    pub(super) fn remove(&mut self, key: Key) -> Option<Arc<dyn Bell>> {
        let bell = match self.moments.get_mut(&key.at)? {
            Bells::Many(crowd) => {
                let bell = crowd.take_back(key.serial)?;
                if !crowd.bells.is_empty() {
                    return Some(bell);
                }
                bell
            }
            Bells::One(serial, bell) if *serial == key.serial => Arc::clone(bell),
            Bells::One(..) => return None,
        };
        self.moments.remove(&key.at);
        Some(bell)
    }

    /// Takes the next bell that is due, in the order of their moments.
    pub(super) fn pop_due(&mut self, now: Moment) -> Option<(Key, Arc<dyn Bell>)> {
        loop {
            let mut first = self.moments.first_entry().filter(|first| first.key().is_due(now))?;
            let at = *first.key();
            let Bells::Many(crowd) = first.get_mut() else {
                let Bells::One(serial, bell) = first.remove() else { unreachable!("seen above") };
                return Some((Key { at, serial }, bell));
            };
            let Some((serial, bell)) = crowd.bells.pop_front() else {
                first.remove();
                continue;
            };
            match bell {
                Some(bell) => return Some((Key { at, serial }, bell)),
                None => crowd.taken_back -= 1,
            }
        }
    }

    /// Takes all bells out, in the order of their moments.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = (Key, Arc<dyn Bell>)> + use<> {
        let bells = std::mem::take(&mut self.moments).into_iter().flat_map(|(at, bells)| {
            let bells = match bells {
                Bells::One(serial, bell) => VecDeque::from([(serial, Some(bell))]),
                Bells::Many(crowd) => crowd.bells,
            };
            bells.into_iter().map(move |(serial, bell)| (Key { at, serial }, bell))
        });
        bells.filter_map(|(key, bell)| Some((key, bell?)))
    }

    /// The earliest moment, and whether there is a crowd at it.
    pub(super) fn next(&self) -> (Moment, bool) {
        let crowded = |bells: &Bells| matches!(bells, Bells::Many(crowd) if crowd.bells.len() >= CROWD);
        self.moments.first_key_value().map_or((Moment::NEVER, false), |(at, bells)| (*at, crowded(bells)))
    }

    /// All bells, in the order of their moments.
    pub(super) fn into_bells(mut self) -> impl Iterator<Item = Arc<dyn Bell>> {
        self.take_all().map(|(_, bell)| bell)
    }
}

impl Crowd {
    /// Serials rise along the queue, so one is found by halving.
    fn take_back(&mut self, serial: NonZeroU64) -> Option<Arc<dyn Bell>> {
        let position = self.bells.binary_search_by_key(&serial, |(serial, _)| *serial).ok()?;
        let bell = self.bells[position].1.take()?;
        self.taken_back += 1;
        if 2 * self.taken_back >= self.bells.len() {
            self.bells.retain(|(_, bell)| bell.is_some());
            self.bells.shrink_to(2 * self.bells.len());
            self.taken_back = 0;
        }
        Some(bell)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;
    use crate::time::Deadline;

    struct Silent;

    impl Bell for Silent {
        fn ring(self: Arc<Self>, _key: Key) {}

        fn dropped(self: Arc<Self>) -> bool {
            false
        }

        fn drop_body(self: Arc<Self>) {}
    }

    #[derive(Clone, Debug)]
    enum Step {
        Insert { at: u64 },
        Remove { nth: usize },
        Pop { at: u64 },
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0_u64..6).prop_map(|at| Step::Insert { at }),
            3 => (0_usize..100).prop_map(|nth| Step::Remove { nth }),
            2 => (0_u64..6).prop_map(|at| Step::Pop { at }),
        ]
    }

    proptest! {
        /// The same as a plain sorted list of keys, whatever is done to it.
        #[test]
        fn it_is_a_sorted_list(steps in proptest::collection::vec(step(), 0..200)) {
            let origin = Instant::now();
            let moment = |at: u64| Moment::of(Deadline::after(origin, Duration::from_secs(at)), origin);
            let (mut queue, mut list, mut all) = (Queue::default(), Vec::new(), Vec::new());
            for step in steps {
                match step {
                    Step::Insert { at } => {
                        // The last of the moments never comes.
                        let at = if at == 5 { Moment::NEVER } else { moment(at) };
                        let key = queue.insert(at, Arc::new(Silent));
                        list.push(key);
                        all.push(key);
                        list.sort_unstable();
                    }
                    Step::Remove { nth } => {
                        let Some(&key) = all.get(nth % all.len().max(1)) else { continue };
                        let there = list.iter().position(|other| *other == key);
                        prop_assert_eq!(queue.remove(key).is_some(), there.is_some());
                        there.map(|position| list.remove(position));
                    }
                    Step::Pop { at } => {
                        let due = list.first().copied().filter(|key| key.at.is_due(moment(at)));
                        prop_assert_eq!(queue.pop_due(moment(at)).map(|(key, _)| key), due);
                        due.map(|_| list.remove(0));
                    }
                }
                // It may lie before, at a moment whose bells were taken back but for the last.
                prop_assert!(queue.next().0 <= list.first().map_or(Moment::NEVER, |key| key.at));
            }
            prop_assert_eq!(queue.into_bells().count(), list.len());
        }
    }

    #[test]
    fn what_is_taken_back_leaves_no_trace() {
        let mut queue = Queue::default();
        let kept = queue.insert(Moment::NEVER, Arc::new(Silent));
        for _ in 0..10_000 {
            let key = queue.insert(Moment::NEVER, Arc::new(Silent));
            assert!(queue.remove(key).is_some());
        }
        let Some(Bells::Many(crowd)) = queue.moments.get(&Moment::NEVER) else { panic!("there were two") };
        assert!(crowd.bells.capacity() < 100, "{}", crowd.bells.capacity());
        assert!(queue.remove(kept).is_some());
        assert!(queue.moments.is_empty());
    }
}

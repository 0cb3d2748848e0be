//! A small ring of entries that one thread fills and empties, and that another may empty too.
//!
//! ```text
//!        head                tail
//!   ······│ e │ e │ e │ e │ e │······      the owner fills at the tail; owner and thief claim at the head,
//! ```                                      and the owner takes back from the tail what it has put there last
//!
//! Who moves the head on by a compare-and-swap owns the entries it has passed. A thief says where it began to read
//! before it claims, and until it has read the owner does not fill those slots again (`model::owner_and_thief`).
//! Whoever gives up on the owner closes the ring: nothing is claimed in it any more but by the thief, and what the owner
//! still fills in it takes back (`model::close_and_push`).
//!
//! The layout of head and tail is that of Go's and tokio's run queues, with one thief instead of many: all steal under
//! the pool's lock.

use std::mem::MaybeUninit;
use std::sync::Arc;

use super::Entry;
use crate::sync::UnsafeCell;
use crate::sync::atomic::{AtomicUsize, Ordering, fence};

/// Entries a ring holds; a power of two. Twice what a thread takes at once, so that what it spawns has room too.
#[cfg(not(any(atasker_loom, atasker_shuttle)))]
pub(super) const SLOTS: usize = 64;
#[cfg(any(atasker_loom, atasker_shuttle))]
pub(super) const SLOTS: usize = 2;

/// In the head: nothing is claimed any more.
const CLOSED: usize = 1 << (usize::BITS - 1);

/// No thief reads.
const NOBODY: usize = usize::MAX;

struct Ring {
    /// The next entry to be claimed.
    head: AtomicUsize,
    /// The next slot to be filled. Written by the owner only.
    tail: AtomicUsize,
    /// How many were taken back from the tail, to run. Written by the owner only.
    newest: AtomicUsize,
    /// The first slot that a thief is about to read.
    reading: AtomicUsize,
    /// Invariant: those from head to tail hold an entry, and so do those that a thief has claimed and not read yet.
    slots: [UnsafeCell<MaybeUninit<Entry>>; SLOTS],
}

// SAFETY: `Entry` is `Send`, and a slot is touched by one thread at a time: the owner before the tail passes it, and
// whoever has moved the head past it after that.
#[allow(unsafe_code)]
unsafe impl Sync for Ring {}

/// The end of the thread that fills it. Not `Sync`: there is one owner.
pub(in crate::pool) struct Owner {
    ring: Arc<Ring>,
    _one_thread: std::marker::PhantomData<std::cell::Cell<()>>,
}

/// The end of whoever empties it besides. Not to be cloned: there is one thief at a time.
pub(in crate::pool) struct Thief(Arc<Ring>);

/// An empty ring.
pub(in crate::pool) fn ring() -> (Owner, Thief) {
    let ring = Arc::new(Ring {
        head: AtomicUsize::new(0),
        tail: AtomicUsize::new(0),
        newest: AtomicUsize::new(0),
        reading: AtomicUsize::new(NOBODY),
        slots: std::array::from_fn(|_| UnsafeCell::new(MaybeUninit::uninit())),
    });
    (Owner { ring: Arc::clone(&ring), _one_thread: std::marker::PhantomData }, Thief(ring))
}

impl Ring {
    /// Reads the entry out of a slot.
    ///
    /// # Safety
    ///
    /// The caller has claimed that position, and reads it once.
    #[allow(unsafe_code)]
    unsafe fn read(&self, position: usize) -> Entry {
        // SAFETY: the caller's promise; a position that was to be claimed has been filled.
        self.slots[position % SLOTS].with(|slot| unsafe { (*slot).assume_init_read() })
    }

    fn len(&self) -> usize {
        // Relaxed: a sample, exact for whoever keeps owner and thief from moving.
        let head = self.head.load(Ordering::Relaxed) & !CLOSED;
        self.tail.load(Ordering::Relaxed).saturating_sub(head)
    }
}

impl Owner {
    pub(in crate::pool) fn is_empty(&self) -> bool {
        self.ring.len() == 0
    }

    /// Fills the next slot; gives the entry back where the ring is full.
    #[inline(always)]
    pub(in crate::pool) fn push(&self, entry: Entry) -> Result<(), Entry> {
        let ring = &*self.ring;
        // Relaxed: its own.
        let tail = ring.tail.load(Ordering::Relaxed);
        // Acquire pairs with the thief's claim: who sees the head it has moved also sees where it reads; and with its
        // end: who sees that it reads no more may write where it has read.
        let head = ring.head.load(Ordering::Acquire) & !CLOSED;
        let held_from = head.min(ring.reading.load(Ordering::Acquire));
        if tail - held_from >= SLOTS {
            return Err(entry);
        }
        // SAFETY: from `held_from` to the tail there are fewer than all slots, so this one was claimed and read.
        #[allow(unsafe_code)]
        ring.slots[tail % SLOTS].with_mut(|slot| unsafe { (*slot).write(entry) });
        // Release: who sees the tail sees the entry.
        ring.tail.store(tail + 1, Ordering::Release);
        Ok(())
    }

    /// Claims the oldest entry. `None`: it is empty, or closed.
    pub(in crate::pool) fn pop(&self) -> Option<Entry> {
        let ring = &*self.ring;
        let tail = ring.tail.load(Ordering::Relaxed);
        let mut head = ring.head.load(Ordering::Relaxed);
        while head & CLOSED == 0 && head != tail {
            // Relaxed: what it claims it has written itself.
            match ring.head.compare_exchange_weak(head, head + 1, Ordering::Relaxed, Ordering::Relaxed) {
                // SAFETY: claimed by the exchange.
                #[allow(unsafe_code)]
                Ok(_) => return Some(unsafe { ring.read(head) }),
                Err(moved) => head = moved,
            }
        }
        None
    }

    /// The next entry to run: the oldest; where more than half of the slots are filled, the newest.
    ///
    /// So a tree of bodies that spawn bodies is walked level by level as long as a level is small, and then in depth, and
    /// the ring need not hand on what it has no room for: a tree of depth 17 ran at 54 ns a node before.
    #[inline]
    pub(in crate::pool) fn next(&self) -> Option<Entry> {
        if self.ring.len() > SLOTS / 2 { self.pop_newest() } else { self.pop() }
    }

    /// Takes the newest entry back. `None`: it is empty, or closed.
    fn pop_newest(&self) -> Option<Entry> {
        let ring = &*self.ring;
        let last = ring.tail.load(Ordering::Relaxed).checked_sub(1)?;
        // The race this closes: the thief claims the same one just now. This gives the slot up first and looks at the head
        // second; the thief looks at the head first, then whether the tail is beyond it, and claims last. Between the
        // first and the second there is a fence on each side: the thief finds nothing, or this one sees its head, and
        // where that is the last entry's, the exchange decides (`model::owner_and_thief`). In the same way, whoever closes
        // the ring and is not seen here finds this one counted; where it is seen, one more may have been.
        let newest = ring.newest.load(Ordering::Relaxed);
        ring.newest.store(newest + 1, Ordering::Relaxed);
        // Release: as where a slot was filled, for those before this one.
        ring.tail.store(last, Ordering::Release);
        fence(Ordering::SeqCst);
        let head = ring.head.load(Ordering::Relaxed);
        if head < last {
            // SAFETY: nobody claims behind the tail, and this one is before it no more.
            #[allow(unsafe_code)]
            return Some(unsafe { ring.read(last) });
        }
        let exchange = || ring.head.compare_exchange(last, last + 1, Ordering::Relaxed, Ordering::Relaxed);
        let claimed = head == last && exchange().is_ok();
        ring.newest.store(newest, Ordering::Relaxed);
        // Release: as for the one who filled it.
        ring.tail.store(last + 1, Ordering::Release);
        // SAFETY: claimed by the exchange. (A closed head is larger than any tail.)
        #[allow(unsafe_code)]
        claimed.then(|| unsafe { ring.read(last) })
    }

    /// How many entries were claimed at the head so far.
    pub(in crate::pool) fn claimed(&self) -> usize {
        self.ring.head.load(Ordering::Relaxed) & !CLOSED
    }

    /// How many entries were filled in so far, less those that were taken back.
    pub(in crate::pool) fn filled(&self) -> usize {
        self.ring.tail.load(Ordering::Relaxed)
    }

    /// Takes back what it has filled into a ring that was closed. To be called after the thief has emptied it, which
    /// the pool's lock tells.
    pub(in crate::pool) fn take_back(&self) -> Option<Entry> {
        let ring = &*self.ring;
        let head = ring.head.load(Ordering::Acquire);
        if head & CLOSED == 0 || head & !CLOSED == ring.tail.load(Ordering::Relaxed) {
            return None;
        }
        ring.head.store(head + 1, Ordering::Relaxed);
        // SAFETY: nobody else claims in a closed ring once the thief has emptied it.
        #[allow(unsafe_code)]
        Some(unsafe { ring.read(head & !CLOSED) })
    }
}

impl Thief {
    pub(in crate::pool) fn len(&self) -> usize {
        self.0.len()
    }

    /// How many entries were taken so far, at whichever end and by whom ever.
    pub(in crate::pool) fn taken(&self) -> usize {
        (self.0.head.load(Ordering::Acquire) & !CLOSED) + self.0.newest.load(Ordering::Relaxed)
    }

    /// Claims the oldest entry.
    pub(in crate::pool) fn steal(&mut self) -> Option<Entry> {
        let ring = &*self.0;
        let mut head = ring.head.load(Ordering::Relaxed);
        let claimed = loop {
            // `Owner::pop_newest` tells the race.
            fence(Ordering::SeqCst);
            // Acquire: who sees the tail sees the entries before it. It may be an older one than the head: then nothing
            // that this thread could read is left.
            if ring.tail.load(Ordering::Acquire) <= head & !CLOSED {
                break None;
            }
            // Release, as below: this says too that what was claimed the last time has been read.
            ring.reading.store(head & !CLOSED, Ordering::Release);
            // Release: the owner who sees the new head sees what this thief is about to read.
            match ring.head.compare_exchange(head, head + 1, Ordering::Release, Ordering::Relaxed) {
                // SAFETY: claimed by the exchange.
                #[allow(unsafe_code)]
                Ok(_) => break Some(unsafe { ring.read(head & !CLOSED) }),
                Err(moved) => head = moved,
            }
        };
        // Release: the owner who sees this may write where this thief has read.
        ring.reading.store(NOBODY, Ordering::Release);
        claimed
    }

    /// Closes the ring: from now on the owner claims nothing. How many entries were taken before, or are just being.
    pub(in crate::pool) fn close(&mut self) -> usize {
        self.0.head.fetch_or(CLOSED, Ordering::SeqCst);
        // `Owner::pop_newest` tells the race.
        fence(Ordering::SeqCst);
        self.taken()
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        let head = self.head.load(Ordering::Relaxed) & !CLOSED;
        for position in head..self.tail.load(Ordering::Relaxed) {
            // SAFETY: neither owner nor thief is left, and nobody has claimed these.
            #[allow(unsafe_code)]
            drop(unsafe { self.read(position) });
        }
    }
}

#[cfg(all(test, any(atasker_loom, atasker_shuttle)))]
mod model {
    use std::sync::Arc;

    use super::super::{Closure, Entry, OwnName};
    use super::ring;
    use crate::sync::atomic::{AtomicUsize, Ordering};
    use crate::sync::{Mutex, check_model, thread};

    fn entry(called: &Arc<AtomicUsize>, number: usize) -> Entry {
        fn closure<F: FnOnce() + Send + 'static>(body: F) -> Entry {
            Entry::Closure(Closure::new::<OwnName<F>, F>(body))
        }
        let called = Arc::clone(called);
        closure(move || _ = called.fetch_add(1 << (8 * number), Ordering::SeqCst))
    }

    fn call(entry: Entry) {
        let Entry::Closure(closure) = entry else { unreachable!("only closures are pushed here") };
        closure.call();
    }

    /// An owner fills and empties its ring, going round, while a thief steals: every entry is called once.
    #[test]
    fn owner_and_thief() {
        check_model(|| {
            let called = Arc::new(AtomicUsize::new(0));
            let (owner, mut thief) = ring();
            let thread = thread::spawn(move || {
                for _ in 0..2 {
                    thief.steal().into_iter().for_each(call);
                }
                thief
            });
            for number in 0..4 {
                if let Err(entry) = owner.push(entry(&called, number)) {
                    owner.next().into_iter().for_each(call);
                    call(entry);
                }
            }
            owner.pop_newest().into_iter().for_each(call);
            let _thief = thread.join().expect("stolen");
            while let Some(entry) = owner.next() {
                call(entry);
            }
            assert_eq!(called.load(Ordering::SeqCst), 0x01_01_01_01);
        });
    }

    /// A ring is closed and emptied under a lock while its owner pushes; the owner then looks whether it was closed,
    /// and takes back what the thief did not find.
    #[test]
    fn close_and_push() {
        check_model(|| {
            let called = Arc::new(AtomicUsize::new(0));
            let closed = Arc::new((AtomicUsize::new(0), Mutex::new(())));
            let (owner, mut thief) = ring();
            let closing = Arc::clone(&closed);
            let thread = thread::spawn(move || {
                let _lock = closing.1.lock();
                closing.0.store(1, Ordering::SeqCst);
                crate::sync::atomic::fence(Ordering::SeqCst);
                thief.close();
                while let Some(entry) = thief.steal() {
                    call(entry);
                }
            });
            for number in 0..2 {
                assert!(owner.push(entry(&called, number)).is_ok());
                crate::sync::atomic::fence(Ordering::SeqCst);
                if closed.0.load(Ordering::SeqCst) == 1 {
                    let _lock = closed.1.lock();
                    while let Some(entry) = owner.take_back() {
                        call(entry);
                    }
                } else {
                    owner.pop().into_iter().for_each(call);
                }
            }
            thread.join().expect("closed");
            assert_eq!(called.load(Ordering::SeqCst), 0x01_01);
        });
    }

    /// A ring is closed and emptied while its owner takes the newest back: each entry is called once, and what the owner
    /// has taken was counted when it was closed.
    #[test]
    fn close_and_take_newest() {
        check_model(|| {
            let called = Arc::new(AtomicUsize::new(0));
            let (owner, mut thief) = ring();
            for number in 0..2 {
                assert!(owner.push(entry(&called, number)).is_ok());
            }
            let thread = thread::spawn(move || {
                let taken = thief.close();
                while let Some(entry) = thief.steal() {
                    call(entry);
                }
                taken
            });
            let newest = owner.pop_newest();
            let has_run = newest.is_some();
            newest.into_iter().for_each(call);
            let taken = thread.join().expect("closed");
            while let Some(entry) = owner.take_back() {
                call(entry);
            }
            assert!(taken >= usize::from(has_run), "a body that runs is counted");
            assert_eq!(called.load(Ordering::SeqCst), 0x01_01);
        });
    }
}

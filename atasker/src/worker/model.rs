//! The protocols of a worker: ring and run on the bell, put, rest, wait for room and stop on the mailbox.

use std::sync::Arc;

use super::bell::{Bell, Life, Rung};
use super::mailbox::{AnyMailbox, Intake, Mailbox, Pushed};
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::{Mutex, check_model, thread};
use crate::time::Deadline;

/// A worker reduced to its bell: a condition that ringers set, and what its runs have seen of it.
struct Reduced {
    bell: Bell,
    life: Life,
    /// Set before a ring, taken in a run: the plan and the mailbox in one.
    wanted: Mutex<usize>,
    /// What runs have taken.
    served: AtomicUsize,
    /// Somebody is in a run.
    running: AtomicBool,
}

impl Reduced {
    fn idle() -> Arc<Self> {
        let bell = Bell::new();
        let life = bell.open();
        assert!(bell.settle());
        Arc::new(Self {
            bell,
            life,
            wanted: Mutex::new(0),
            served: AtomicUsize::new(0),
            running: AtomicBool::new(false),
        })
    }

    /// Sets the condition and rings; the one who is to enqueue it runs it too, as a pool thread would later.
    fn ring_and_run(&self) {
        *self.wanted.lock() += 1;
        if self.bell.ring() == Rung::Enqueue && self.bell.claim(self.life) {
            self.slice();
        }
    }

    fn slice(&self) {
        loop {
            assert!(!self.running.swap(true, Ordering::SeqCst), "two runs at once");
            let taken = std::mem::take(&mut *self.wanted.lock());
            self.served.fetch_add(taken, Ordering::SeqCst);
            self.running.store(false, Ordering::SeqCst);
            if self.bell.settle() {
                return;
            }
        }
    }
}

/// Every ring is followed by a look, and no two runs overlap.
#[test]
fn ring_and_run() {
    check_model(|| {
        let worker = Reduced::idle();
        let ringers: Vec<_> = (0..2)
            .map(|_| {
                let worker = Arc::clone(&worker);
                thread::spawn(move || worker.ring_and_run())
            })
            .collect();
        worker.ring_and_run();
        ringers.into_iter().for_each(|ringer| ringer.join().expect("rang"));
        assert_eq!(worker.served.load(Ordering::SeqCst), 3, "a ring was lost");
    });
}

/// A stopper that seizes an idle or queued worker excludes its run, and a ring at the same time.
#[test]
fn seize_and_run() {
    check_model(|| {
        let worker = Reduced::idle();
        let ringer = thread::spawn({
            let worker = Arc::clone(&worker);
            move || worker.ring_and_run()
        });
        let seized = loop {
            if worker.bell.remind() {
                break false;
            }
            if worker.bell.seize().is_some() {
                break true;
            }
        };
        if seized {
            assert!(!worker.running.swap(true, Ordering::SeqCst), "seized while it ran");
            worker.running.store(false, Ordering::SeqCst);
            worker.bell.close();
        }
        ringer.join().expect("rang");
        assert!(seized || !worker.bell.is_running(), "reminded, it was looked at once more");
    });
}

/// A queue worker reduced to its mailbox and its bell.
struct Queued {
    mailbox: Arc<Mailbox<usize>>,
    bell: Bell,
    life: Life,
    served: AtomicUsize,
}

impl Queued {
    fn open(capacity: Option<usize>) -> Arc<Self> {
        let (mailbox, bell) = (Mailbox::new(), Bell::new());
        mailbox.open(capacity, Intake::Everybody);
        let life = bell.open();
        assert!(bell.settle());
        Arc::new(Self { mailbox, bell, life, served: AtomicUsize::new(0) })
    }

    /// Puts an item, and rings where nobody would look; the one who is to enqueue the worker runs it too.
    fn put(&self, item: usize) {
        let pushed = self.mailbox.push(item, false).expect("it is open, and without bound");
        if pushed == Pushed::First && self.bell.ring() == Rung::Enqueue && self.bell.claim(self.life) {
            self.slice();
        }
    }

    fn slice(&self) {
        loop {
            while self.mailbox.pop().is_some() {
                self.served.fetch_add(1, Ordering::SeqCst);
            }
            if self.mailbox.rest() == 0 && self.bell.settle() {
                return;
            }
        }
    }
}

/// Only the first item of those that gather rings, and none is left behind by a worker that goes to rest.
#[test]
fn put_and_rest() {
    check_model(|| {
        let worker = Queued::open(None);
        let putters: Vec<_> = (0..2)
            .map(|item| {
                let worker = Arc::clone(&worker);
                thread::spawn(move || worker.put(item))
            })
            .collect();
        worker.put(2);
        putters.into_iter().for_each(|putter| putter.join().expect("put"));
        assert_eq!(worker.served.load(Ordering::SeqCst), 3, "an item was left behind");
    });
}

/// Who sleeps until there is room is woken for it.
#[test]
fn room_and_sleep() {
    check_model(|| exchange(1, 3));
}

/// Items stay in order and within the bound, those among them that the runner has taken and not begun.
#[test]
fn bound_and_order() {
    check_model(|| exchange(2, 4));
}

fn exchange(capacity: usize, items: usize) {
    let mailbox = Mailbox::new();
    mailbox.open(Some(capacity), Intake::Everybody);
    let putter = thread::spawn({
        let mailbox = Arc::clone(&mailbox);
        move || (0..items).for_each(|item| sleep_and_push(&mailbox, item))
    });
    let mut expected = 0;
    while expected < items {
        assert!(mailbox.len() <= capacity, "more than its bound");
        match mailbox.pop() {
            Some(item) => {
                assert_eq!(item, expected);
                expected += 1;
            }
            None => thread::yield_now(),
        }
    }
    putter.join().expect("put");
}

fn sleep_and_push(mailbox: &Mailbox<usize>, item: usize) {
    mailbox.begin_wait();
    mailbox.room.block_until(Deadline::Never, || mailbox.push(item, false).ok());
    mailbox.end_wait();
}

/// Items put while the mailbox closes are run, discarded and counted, or come back; none is lost, none comes twice.
#[test]
fn put_and_stop() {
    check_model(|| {
        let mailbox = Mailbox::new();
        mailbox.open(Some(2), Intake::Everybody);
        let putter = thread::spawn({
            let mailbox = Arc::clone(&mailbox);
            move || (0..2).filter(|&item| mailbox.push(item, false).is_ok()).count()
        });
        let runner = thread::spawn({
            let mailbox = Arc::clone(&mailbox);
            move || (0..2).filter(|_| mailbox.pop().is_some()).count()
        });
        mailbox.narrow(Intake::Nobody);
        let discarded = mailbox.take_all().map_or(0, |(items, drop)| {
            drop();
            items as usize
        });
        assert_eq!(mailbox.len(), 0, "an item is left that nobody counts");
        assert_eq!(putter.join().expect("put"), discarded + runner.join().expect("ran"), "an item was lost");
        assert!(mailbox.push(9, false).is_err());
    });
}

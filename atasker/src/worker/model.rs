//! The protocols of a worker: ring and run on the bell, put and stop on the mailbox.

use std::sync::Arc;

use super::bell::{Bell, Life, Rung};
use super::mailbox::{AnyMailbox, Mailbox};
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::{Mutex, check_model, thread};

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

/// Items put while the mailbox closes are drained or come back; none is lost.
#[test]
fn put_and_stop() {
    check_model(|| {
        let mailbox = Mailbox::new();
        mailbox.open(Some(1));
        let putters: Vec<_> = (0..2)
            .map(|item| {
                let mailbox = Arc::clone(&mailbox);
                thread::spawn(move || mailbox.push(item).is_ok())
            })
            .collect();
        let early = mailbox.pop();
        mailbox.shut();
        let drained = usize::from(early.is_some()) + std::iter::from_fn(|| mailbox.pop()).count();
        let put = putters.into_iter().filter_map(|putter| putter.join().ok()).filter(|put| *put).count();
        assert_eq!(put, drained);
        assert!(mailbox.push(9).is_err());
    });
}

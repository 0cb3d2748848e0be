//! Holding every thread of a pool still, so that what is submitted meanwhile stays queued.

use std::sync::{Condvar, Mutex};

use crate::peer::Pool;

/// A gate at which the pool's threads stand until it is opened.
pub(crate) struct Gate {
    state: Mutex<State>,
    /// Rung when a thread comes to stand at the gate, and when it opens.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    standing: usize,
    open: bool,
}

impl Gate {
    /// Closes a gate in front of `threads` threads of `pool`; returns once they all stand at it.
    pub(crate) fn close<P: Pool>(pool: &'static P, threads: usize) -> &'static Self {
        let gate: &Self = Box::leak(Box::new(Self { state: Mutex::default(), changed: Condvar::new() }));
        for standing in 1..=threads {
            pool.low(|| gate.stand());
            // One after the other: a pool that wakes the same thread for two tasks in a row (`switchyard` does) would
            // leave the second to a thread that then stands here for good.
            let mut state = gate.state.lock().expect("no thread panics here");
            while state.standing < standing {
                state = gate.changed.wait(state).expect("no thread panics here");
            }
        }
        gate
    }

    /// Lets them go.
    pub(crate) fn open(&self) {
        self.state.lock().expect("no thread panics here").open = true;
        self.changed.notify_all();
    }

    fn stand(&self) {
        let mut state = self.state.lock().expect("no thread panics here");
        state.standing += 1;
        self.changed.notify_all();
        while !state.open {
            state = self.changed.wait(state).expect("no thread panics here");
        }
    }
}

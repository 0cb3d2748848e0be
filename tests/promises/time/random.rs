//! An interval worker against a model of it, whatever is done to it and to the clocks.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use atasker::{WorkerContext, background_worker};
use proptest::prelude::*;

use crate::support::clocked_pool;

const SECOND: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug)]
enum Step {
    Advance(u32),
    /// Moves the clock while nobody gets to run.
    Jump(u32),
    /// Sets the wall clock, which an interval does not notice.
    SetWall(i64),
    Trigger,
    Pause,
    Resume,
    SetInterval(u32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1_u32..40).prop_map(Step::Advance),
        3 => (1_u32..40).prop_map(Step::Jump),
        1 => (-100_000_i64..100_000).prop_map(Step::SetWall),
        3 => Just(Step::Trigger),
        2 => Just(Step::Pause),
        2 => Just(Step::Resume),
        1 => (1_u32..15).prop_map(Step::SetInterval),
    ]
}

/// When a run was due, and what was missed in all before it.
type Run = (Instant, u64);

/// What the worker is to do, by the words of the documentation.
struct Model {
    now: Instant,
    every: Duration,
    next: Instant,
    paused: bool,
    triggered: bool,
    missed: u64,
    /// There was a pause since the last tick: what passes till the next is excused.
    excused: bool,
    runs: Vec<Run>,
}

impl Model {
    /// Runs what is due at the current moment.
    fn run(&mut self) {
        if self.paused {
            return;
        }
        let ticked = self.next <= self.now;
        if !ticked && !self.triggered {
            return;
        }
        let due = if ticked { self.next } else { self.now };
        self.runs.push((due, self.missed));
        self.triggered = false;
        let excused = std::mem::take(&mut self.excused);
        if ticked {
            self.next += self.every;
            while self.next <= self.now {
                self.missed += u64::from(!excused);
                self.next += self.every;
            }
        }
    }

    fn advance(&mut self, by: Duration) {
        let target = self.now + by;
        while !self.paused && self.next <= target {
            self.now = self.now.max(self.next);
            self.run();
        }
        self.now = target;
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Advance(secs) => self.advance(SECOND * secs),
            Step::Jump(secs) => self.now += SECOND * secs,
            Step::SetWall(_) => {}
            Step::Trigger => self.triggered = true,
            Step::Pause => {
                self.excused |= !self.paused;
                self.paused = true;
            }
            Step::Resume if self.paused => {
                self.paused = false;
                self.excused = false;
                // A tick that comes just now has not passed.
                while self.next < self.now {
                    self.next += self.every;
                }
            }
            Step::Resume => {}
            Step::SetInterval(secs) => {
                self.every = SECOND * secs;
                self.next = self.now + self.every;
            }
        }
        self.run();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn an_interval_worker_does_what_its_model_does(steps in proptest::collection::vec(step(), 1..40)) {
        let (s, clock) = clocked_pool(1);
        let (tell, told) = mpsc::channel();
        let mut missed = 0;
        let body = move |cx: &WorkerContext| {
            missed += cx.missed();
            tell.send((cx.due(), missed)).unwrap();
        };
        let worker = background_worker(body).interval(SECOND * 10).supervisor(&s).start().unwrap();
        clock.run_until_idle();
        let mut model = Model {
            now: clock.now(),
            every: SECOND * 10,
            next: clock.now(),
            paused: false,
            triggered: false,
            missed: 0,
            excused: false,
            runs: Vec::new(),
        };
        model.run();
        for step in steps {
            match step {
                Step::Advance(secs) => clock.advance(SECOND * secs),
                Step::Jump(secs) => clock.jump(SECOND * secs),
                Step::SetWall(secs) if secs < 0 => clock.set_wall(clock.wall() - SECOND * u32::try_from(-secs).unwrap()),
                Step::SetWall(secs) => clock.set_wall(clock.wall() + SECOND * u32::try_from(secs).unwrap()),
                Step::Trigger => assert!(worker.trigger()),
                Step::Pause => worker.pause(),
                Step::Resume => worker.resume(),
                Step::SetInterval(secs) => worker.set_interval(SECOND * secs).unwrap(),
            }
            clock.run_until_idle();
            model.take(step);
            let runs: Vec<Run> = told.try_iter().collect();
            prop_assert_eq!(&runs, &model.runs, "after {:?}", step);
            model.runs.clear();
            prop_assert_eq!(clock.now(), model.now);
        }
        prop_assert_eq!(worker.info().panics, 0);
    }
}

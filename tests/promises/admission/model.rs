//! The pool, and a lane, against a model of admission: after each random step, exactly the model's tasks must have started.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use atasker::{
    CancelOutcome, Config, Lane, LaneConfig, PerPriority, Priority, Task, background_future, background_task, wait_all,
};
use proptest::prelude::*;
use proptest::test_runner::Config as Runs;
use tokio::sync::Notify;

use crate::support::{Gate, Tested, pool, supervisor};

/// Shorter than the gates': a failing case is to be shrunk, and each attempt waits this long.
const PATIENCE: Duration = Duration::from_secs(10);

/// The limits of a pool.
#[derive(Clone, Copy, Debug)]
struct Limits {
    pool_size: usize,
    reserve_normal: usize,
    reserve_high: usize,
    critical_max: usize,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Submit(Priority),
    /// Ends the running task that the number falls on.
    Finish(usize),
    /// Cancels the queued task that the number falls on.
    Cancel(usize),
    Resize(Limits),
}

/// Admission as the contract tells it.
struct Model {
    limits: Limits,
    queues: PerPriority<VecDeque<usize>>,
    running: BTreeMap<usize, Priority>,
    started: BTreeSet<usize>,
}

impl Model {
    fn new(limits: Limits) -> Self {
        Self { limits, queues: PerPriority::default(), running: BTreeMap::new(), started: BTreeSet::new() }
    }

    fn ceiling(&self, priority: Priority) -> usize {
        let Limits { pool_size, reserve_normal, reserve_high, .. } = self.limits;
        match priority {
            _ if pool_size == 0 => usize::MAX,
            Priority::Low => pool_size,
            Priority::Normal => pool_size + reserve_normal,
            Priority::High | Priority::Critical => pool_size + reserve_normal + reserve_high,
        }
    }

    fn critical(&self) -> usize {
        self.running.values().filter(|&&priority| priority == Priority::Critical).count()
    }

    /// Places in use: `Critical` tasks take none, as long as they are no more than the limit.
    fn used(&self) -> usize {
        self.running.len() - self.critical().min(self.limits.critical_max)
    }

    /// Starts whatever may start: always the first of the highest priority that has any.
    fn admit(&mut self) {
        while let Some(&priority) = Priority::ALL.iter().rev().find(|&&priority| !self.queues[priority].is_empty()) {
            let beside = priority == Priority::Critical && self.critical() < self.limits.critical_max;
            if !beside && self.used() >= self.ceiling(priority) {
                // Ceilings rise with priority: what is below does not fit either.
                return;
            }
            let task = self.queues[priority].pop_front().unwrap();
            self.running.insert(task, priority);
            self.started.insert(task);
        }
    }

    fn active(&self) -> PerPriority<usize> {
        let mut active = PerPriority::default();
        self.running.values().for_each(|&priority| active[priority] += 1);
        active
    }

    fn queued(&self) -> PerPriority<usize> {
        let mut queued = PerPriority::default();
        Priority::ALL.into_iter().for_each(|priority| queued[priority] = self.queues[priority].len());
        queued
    }
}

/// The pool or lane under test.
struct Real {
    s: Tested,
    /// `None`: it is the pool.
    lane: Option<Lane>,
    tasks: Vec<Task<()>>,
    ends: Vec<End>,
    started: Arc<Mutex<BTreeSet<usize>>>,
}

/// What makes a body end.
enum End {
    Blocking(Gate),
    Async(Arc<Notify>),
}

impl End {
    fn tell(&self) {
        match self {
            Self::Blocking(gate) => gate.open(),
            Self::Async(end) => end.notify_one(),
        }
    }
}

impl Drop for Real {
    /// A failing case lets its bodies end too, and does not wait for ever for what never starts.
    fn drop(&mut self) {
        self.ends.iter().for_each(End::tell);
        self.s.stop_timeout(PATIENCE);
    }
}

impl Real {
    fn pool(limits: Limits) -> Self {
        Self::new(supervisor(config(Config::new(), limits)), None)
    }

    fn lane(limits: Limits) -> Self {
        let s = pool(1);
        let lane = s.lane("model", lane_config(LaneConfig::new().threads(2), limits)).unwrap();
        Self::new(s, Some(lane))
    }

    fn new(s: Tested, lane: Option<Lane>) -> Self {
        Self { s, lane, tasks: Vec::new(), ends: Vec::new(), started: Arc::default() }
    }

    fn submit(&mut self, priority: Priority) {
        let (task, started) = (self.tasks.len(), Arc::clone(&self.started));
        let start = move || assert!(started.lock().unwrap().insert(task), "once");
        let (end, task) = if let Some(lane) = &self.lane {
            let end = Arc::new(Notify::new());
            let ended = Arc::clone(&end);
            let body = async move {
                start();
                ended.notified().await;
            };
            let task = background_future(body).priority(priority).supervisor(&self.s).lane(lane.name().to_owned());
            (End::Async(end), task.start())
        } else {
            let gate = Gate::new();
            let ended = gate.clone();
            let body = move || {
                start();
                ended.wait();
            };
            (End::Blocking(gate), background_task(body).priority(priority).supervisor(&self.s).start())
        };
        self.ends.push(end);
        self.tasks.push(task);
    }

    fn resize(&self, limits: Limits) {
        match &self.lane {
            Some(lane) => lane.set_config(lane_config(lane.config(), limits)).unwrap(),
            None => self.s.set_config(config(self.s.config(), limits)).unwrap(),
        }
    }

    /// What it says of itself: active and queued.
    fn counts(&self) -> (PerPriority<usize>, PerPriority<usize>) {
        match self.lane.as_ref().map(Lane::info) {
            Some(info) => (info.active, info.queued),
            None => {
                let info = self.s.info();
                (info.active, info.queued)
            }
        }
    }

    /// Waits until it is as the model says: neither less nor more has started, by its own word and by the bodies'.
    fn agrees_with(&self, model: &Model) -> Result<(), TestCaseError> {
        let begun = Instant::now();
        loop {
            let (active, queued) = self.counts();
            let started = self.started.lock().unwrap().clone();
            if (active, queued, &started) == (model.active(), model.queued(), &model.started) {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                let extra: Vec<_> = started.difference(&model.started).collect();
                let idle: Vec<_> = model.started.difference(&started).collect();
                return Err(TestCaseError::fail(format!(
                    "started in spite of the model: {extra:?}, not started: {idle:?}; active {active:?} for {:?}, queued {queued:?} for {:?}",
                    model.active(),
                    model.queued(),
                )));
            }
            std::thread::yield_now();
        }
    }
}

fn config(config: Config, limits: Limits) -> Config {
    let Limits { pool_size, reserve_normal, reserve_high, critical_max } = limits;
    config.pool_size(pool_size).reserve_normal(reserve_normal).reserve_high(reserve_high).critical_max(critical_max)
}

fn lane_config(config: LaneConfig, limits: Limits) -> LaneConfig {
    let Limits { pool_size, reserve_normal, reserve_high, critical_max } = limits;
    config.pool_size(pool_size).reserve_normal(reserve_normal).reserve_high(reserve_high).critical_max(critical_max)
}

fn limits() -> impl Strategy<Value = Limits> {
    let pool_size = prop_oneof![20 => 1_usize..5, 1 => Just(0)];
    (pool_size, 0_usize..3, 0_usize..3, 0_usize..3).prop_map(
        |(pool_size, reserve_normal, reserve_high, critical_max)| Limits {
            pool_size,
            reserve_normal,
            reserve_high,
            critical_max,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => proptest::sample::select(Priority::ALL.to_vec()).prop_map(Step::Submit),
        7 => any::<usize>().prop_map(Step::Finish),
        1 => any::<usize>().prop_map(Step::Cancel),
        2 => limits().prop_map(Step::Resize),
    ]
}

fn apply(step: Step, model: &mut Model, real: &mut Real) -> Result<(), TestCaseError> {
    match step {
        Step::Submit(priority) => {
            model.queues[priority].push_back(real.tasks.len());
            real.submit(priority);
        }
        Step::Finish(number) => {
            let Some(&task) = model.running.keys().nth(number % model.running.len().max(1)) else { return Ok(()) };
            model.running.remove(&task);
            real.ends[task].tell();
        }
        Step::Cancel(number) => {
            let queued: Vec<_> =
                Priority::ALL.iter().flat_map(|&p| model.queues[p].iter().map(move |&t| (p, t))).collect();
            let Some(&(priority, task)) = queued.get(number % queued.len().max(1)) else { return Ok(()) };
            model.queues[priority].retain(|&queued| queued != task);
            prop_assert_eq!(real.tasks[task].cancel(), CancelOutcome::Dequeued);
        }
        Step::Resize(limits) => {
            model.limits = limits;
            real.resize(limits);
        }
    }
    model.admit();
    real.agrees_with(model)
}

/// The two take the same steps, and all that was not cancelled comes to its end.
fn agree(mut model: Model, mut real: Real, steps: Vec<Step>) -> Result<(), TestCaseError> {
    for step in steps {
        apply(step, &mut model, &mut real)?;
    }
    real.ends.iter().for_each(End::tell);
    let cancelled = real.tasks.iter().filter(|task| task.status() == atasker::TaskStatus::Cancelled).count();
    let results = wait_all(real.tasks.drain(..));
    prop_assert_eq!(results.iter().filter(|result| result.is_err()).count(), cancelled);
    Ok(())
}

proptest! {
    #![proptest_config(Runs { cases: 300, max_shrink_time: 30_000, failure_persistence: None, ..Runs::default() })]

    #[test]
    fn ceilings_order_and_work_conservation_are_exact_under_random_load(
        limits in limits(),
        steps in proptest::collection::vec(step(), 1..120),
    ) {
        agree(Model::new(limits), Real::pool(limits), steps)?;
    }

    #[test]
    fn a_lanes_ceilings_order_and_work_conservation_are_exact_under_random_load(
        limits in limits(),
        steps in proptest::collection::vec(step(), 1..120),
    ) {
        agree(Model::new(limits), Real::lane(limits), steps)?;
    }
}

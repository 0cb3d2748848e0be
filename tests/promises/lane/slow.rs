//! What waits too long at a lane's gate is told of, as what waits for the pool.

use std::sync::mpsc;
use std::time::Duration;

use atasker::{LaneConfig, Priority, SlowStart, Slowness, TaskStatus, background_future, background_worker};

use super::held;
use crate::support::{PATIENCE, pool};

#[test]
fn a_slow_start_on_a_lane_is_told_while_it_still_waits_workers_too() {
    let s = pool(1);
    let (tell, told) = mpsc::channel();
    s.on_slow_start(move |start: &SlowStart| _ = tell.send(start.clone()));
    s.set_config(s.config().warn_after(Duration::from_millis(20)).error_after(Duration::from_millis(60))).unwrap();
    s.lane("io", LaneConfig::new().threads(1).pool_size(1)).unwrap();
    let (end, first) = held(&s, Some("io"), Priority::Normal);
    let task = background_future(async {}).name("report").priority(Priority::Low).supervisor(&s).lane("io").start();
    let worker = background_worker(|| async {}).event().name("worker").supervisor(&s).lane("io").start().unwrap();
    assert!(worker.trigger());
    let cancelled = background_future(async {}).name("cancelled").supervisor(&s).lane("io").start();
    cancelled.cancel();
    let mut starts: Vec<_> = (0..4).map(|_| told.recv_timeout(PATIENCE).unwrap()).collect();
    assert_eq!(task.status(), TaskStatus::Queued);
    starts.sort_by_key(|start| (start.name.clone(), start.slowness == Slowness::Error));
    let seen: Vec<_> = starts.iter().map(|start| (start.name.as_str(), start.priority, start.slowness)).collect();
    assert_eq!(
        seen,
        [
            ("report", Priority::Low, Slowness::Warning),
            ("report", Priority::Low, Slowness::Error),
            ("worker", Priority::Normal, Slowness::Warning),
            ("worker", Priority::Normal, Slowness::Error),
        ]
    );
    assert!(starts.iter().all(|start| start.waited >= Duration::from_millis(20)));
    end.send(()).unwrap();
    first.wait().unwrap();
    task.wait().unwrap();
    worker.stop();
    assert!(told.try_recv().is_err(), "each was told of once");
}

#[test]
fn thresholds_set_later_hold_for_what_comes_then_on_every_lane() {
    let s = pool(1);
    let (tell, told) = mpsc::channel();
    s.on_slow_start(move |start: &SlowStart| _ = tell.send(start.name.clone()));
    s.lane("io", LaneConfig::new().threads(1).pool_size(1)).unwrap();
    let (end, first) = held(&s, Some("io"), Priority::Normal);
    let before = background_future(async {}).name("before").supervisor(&s).lane("io").start();
    s.set_config(s.config().warn_after(Duration::from_millis(10))).unwrap();
    let after = background_future(async {}).name("after").supervisor(&s).lane("io").start();
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "after");
    end.send(()).unwrap();
    for task in [before, after] {
        task.wait().unwrap();
    }
    first.wait().unwrap();
    assert!(told.try_recv().is_err());
}

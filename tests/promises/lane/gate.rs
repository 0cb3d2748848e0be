//! Admission of async bodies: the pool's rule, counted in bodies in flight.

use std::sync::{Arc, Mutex};

use atasker::{LaneConfig, Priority, TaskStatus, background_future};
use tokio::sync::oneshot;

use super::held;
use crate::support::{eventually, pool};

fn limited() -> LaneConfig {
    LaneConfig::new().threads(1).pool_size(1).reserve_normal(1).reserve_high(1).critical_max(1)
}

#[test]
fn a_lane_admits_in_strict_order_within_its_ceilings() {
    let s = pool(1);
    let lane = s.lane("io", LaneConfig::new().threads(2).pool_size(1)).unwrap();
    let (end, first) = held(&s, Some("io"), Priority::High);
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for priority in [Priority::Low, Priority::Normal, Priority::High] {
        for number in 0..20 {
            let order = Arc::clone(&order);
            let body = async move {
                tokio::task::yield_now().await;
                order.lock().unwrap().push((priority, number));
            };
            tasks.push(background_future(body).priority(priority).supervisor(&s).lane("io").start());
        }
    }
    assert_eq!((lane.info().queued.total(), lane.info().active.total()), (60, 1));
    assert_eq!(s.info().queued.low, 20, "the supervisor tells of all");
    end.send(()).unwrap();
    assert!(first.wait().unwrap());
    tasks.into_iter().for_each(|task| task.wait().unwrap());
    let high_first = [Priority::High, Priority::Normal, Priority::Low];
    let expected: Vec<_> = high_first.into_iter().flat_map(|priority| (0..20).map(move |n| (priority, n))).collect();
    assert_eq!(*order.lock().unwrap(), expected);
}

#[test]
fn reserves_keep_places_for_those_above_and_critical_starts_beside_them() {
    let s = pool(1);
    s.lane("io", limited()).unwrap();
    let running =
        [Priority::Low, Priority::Normal, Priority::High, Priority::Critical].map(|p| held(&s, Some("io"), p));
    let waiting = Priority::ALL.map(|p| background_future(async {}).priority(p).supervisor(&s).lane("io").start());
    for task in &waiting {
        assert_eq!(task.status(), TaskStatus::Queued);
    }
    let [low, normal, high, critical] = running;
    // A place of High's is of no use to Low and Normal.
    let end = |(end, task): (oneshot::Sender<()>, atasker::Task<bool>)| {
        end.send(()).unwrap();
        assert!(task.wait().unwrap());
    };
    end(high);
    let [w_low, w_normal, w_high, w_critical] = waiting;
    w_critical.wait().unwrap();
    w_high.wait().unwrap();
    assert_eq!((w_low.status(), w_normal.status()), (TaskStatus::Queued, TaskStatus::Queued));
    end(normal);
    w_normal.wait().unwrap();
    assert_eq!(w_low.status(), TaskStatus::Queued);
    end(low);
    w_low.wait().unwrap();
    end(critical);
}

#[test]
fn a_larger_lane_admits_at_once_and_a_smaller_one_revokes_nothing() {
    let s = pool(1);
    let lane = s.lane("io", LaneConfig::new().threads(1).pool_size(1)).unwrap();
    let (first_end, first) = held(&s, Some("io"), Priority::Normal);
    let second = background_future(std::future::pending::<()>()).supervisor(&s).lane("io").start();
    assert_eq!(second.status(), TaskStatus::Queued);
    lane.set_config(lane.config().pool_size(2)).unwrap();
    eventually("the second one is admitted", || second.status() == TaskStatus::Running);
    lane.set_config(lane.config().pool_size(1)).unwrap();
    let third = background_future(async {}).supervisor(&s).lane("io").start();
    first_end.send(()).unwrap();
    first.wait().unwrap();
    assert_eq!((second.status(), third.status()), (TaskStatus::Running, TaskStatus::Queued));
    second.cancel();
    third.wait().unwrap();
}

#[test]
fn tasks_cancelled_behind_a_full_lane_do_not_pile_up_and_never_run() {
    let s = pool(1);
    let lane = s.lane("io", LaneConfig::new().threads(1).pool_size(1)).unwrap();
    let (end, first) = held(&s, Some("io"), Priority::Normal);
    let kept = background_future(async { "runs" }).supervisor(&s).lane("io").start();
    for _ in 0..10_000 {
        let task = background_future(async { panic!("it was cancelled") as () }).supervisor(&s).lane("io").start();
        assert_eq!(task.cancel(), atasker::CancelOutcome::Dequeued);
    }
    assert_eq!(lane.info().queued.normal, 1);
    end.send(()).unwrap();
    first.wait().unwrap();
    assert_eq!(kept.wait().unwrap(), "runs");
    assert_eq!(lane.info().totals.cancelled, 10_000);
}

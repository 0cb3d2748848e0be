//! Named lanes: made, found, stopped and started alone.

use std::time::Duration;

use atasker::{Error, LaneConfig, Priority, TaskError, TaskStatus, background_future};

use super::{fly, held};
use crate::support::{eventually, in_time, pool};

#[test]
fn an_unknown_lane_is_refused_and_the_known_ones_are_named() {
    let s = pool(1);
    s.lane("io", LaneConfig::new()).unwrap();
    s.lane("net", LaneConfig::new()).unwrap();
    let error = s.find_lane("disk").unwrap_err();
    assert!(matches!(&error, Error::UnknownLane { name, known } if name == "disk" && known == &["io", "net"]));
    assert_eq!(error.to_string(), "there is no lane `disk`: it is one of io, net, or make it first");
    let task = background_future(async {}).supervisor(&s).lane("disk").start();
    assert!(matches!(task.wait(), Err(TaskError::Rejected)));
    assert_eq!(s.info().totals.rejected, 1);
}

#[test]
fn a_lane_is_made_once_and_nonsense_is_refused() {
    let s = pool(1);
    let lane = s.lane("io", LaneConfig::new().threads(1)).unwrap();
    assert_eq!(s.lane("io", LaneConfig::new().threads(1)).unwrap().name(), lane.name());
    for (name, config, field) in [
        ("io", LaneConfig::new().threads(3), "lane"),
        ("", LaneConfig::new(), "lane"),
        ("async", LaneConfig::new(), "lane"),
        ("other", LaneConfig::new().threads(0), "threads"),
        ("other", LaneConfig::new().pool_size(2_000_000), "pool_size"),
    ] {
        let Err(Error::Config(error)) = s.lane(name, config) else { panic!("{name} is refused") };
        assert_eq!(error.field(), field);
    }
    let Err(Error::Config(error)) = s.set_config(s.config().async_threads(0)) else { panic!("refused") };
    assert_eq!(error.field(), "async_threads");
}

#[test]
fn a_lane_is_stopped_and_opened_alone() {
    let s = pool(1);
    let lane = s.lane("io", LaneConfig::new().threads(1)).unwrap();
    let delayed = background_future(async {}).delay(Duration::from_secs(3600)).supervisor(&s).lane("io").start();
    assert_eq!(lane.start(async { 1 }).wait().unwrap(), 1);
    let report = lane.stop();
    assert_eq!((report.complete, report.ran, report.cancelled), (true, 1, 1));
    assert_eq!(delayed.status(), TaskStatus::Cancelled);
    eventually("its threads are gone", || !s.threads().iter().any(|name| name.contains("-io")));
    assert_eq!(lane.start(async {}).status(), TaskStatus::Rejected);
    assert_eq!(fly(&s, async { 2 }).wait().unwrap(), 2, "the main lane goes on");
    lane.open().unwrap();
    assert_eq!(lane.start(async { 3 }).wait().unwrap(), 3);
    let (_end, task) = held(&s, Some("io"), Priority::Normal);
    let report = lane.stop_timeout(Duration::from_millis(1));
    assert_eq!(report.abandoned[0].name, "held");
    assert!(matches!(task.wait(), Err(TaskError::Cancelled)));
    s.stop();
    assert!(matches!(lane.open(), Err(Error::Stopped)));
    s.start().unwrap();
    assert_eq!(lane.start(async { 4 }).wait().unwrap(), 4, "a start of the supervisor opens its lanes");
}

#[test]
fn stop_async_of_a_lane_ends_with_it() {
    let s = pool(1);
    let lane = s.lane("io", LaneConfig::new().threads(1)).unwrap();
    assert_eq!(lane.start(async { 1 }).wait().unwrap(), 1);
    assert_eq!(futures_executor::block_on(lane.stop_async()).ran, 1);
    assert!(!lane.info().is_open);
}

#[test]
fn block_on_runs_what_borrows_and_cannot_be_sent() {
    let s = pool(1);
    let lane = s.lane("io", LaneConfig::new().threads(1)).unwrap();
    let text = std::rc::Rc::new(String::from("here"));
    let seen = lane.block_on(async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        text.as_str()
    });
    assert_eq!(seen.unwrap(), "here");
    let inner = lane.clone();
    let nested = lane.block_on(async move { inner.block_on(async {}) }).unwrap();
    assert!(matches!(nested, Err(Error::WouldBlock)));
    lane.stop();
    assert!(matches!(lane.block_on(async {}), Err(Error::Stopped)));
}

#[test]
fn a_stop_waits_for_block_on_and_stop_now_ends_it() {
    let s = pool(1);
    let lane = s.lane("io", LaneConfig::new().threads(1)).unwrap();
    let blocked = std::thread::spawn({
        let lane = lane.clone();
        move || lane.block_on(std::future::pending::<()>())
    });
    eventually("it is in flight", || lane.info().active.total() == 1);
    assert!(s.stop_now().complete);
    let ended = in_time(move || blocked.join().unwrap());
    assert!(matches!(ended, Err(Error::Task(TaskError::Cancelled))));
}

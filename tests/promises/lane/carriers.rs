//! Bodies share the runtime's tasks, and none holds up another by that.

use std::sync::{Arc, Barrier};
use std::time::Duration;

use atasker::{LaneConfig, Priority, WorkerContext, background_future, background_worker};
use tokio::sync::oneshot;

use super::fly;
use crate::support::{Latch, in_time, pool};

fn one_thread() -> LaneConfig {
    LaneConfig::new().threads(1)
}

#[test]
fn a_body_that_blocks_in_place_holds_up_nobody() {
    let s = pool(1);
    let lane = s.lane("io", one_thread()).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    // Both wait before the first begins: whoever takes that must leave the second to another.
    let (go, gone) = oneshot::channel::<()>();
    let outer = lane.start(async move {
        gone.await.unwrap();
        tokio::task::block_in_place(|| told.recv().unwrap())
    });
    let second = lane.start(async move { tell.send(7).unwrap() });
    go.send(()).unwrap();
    assert_eq!(in_time(move || outer.wait()).unwrap(), 7);
    second.wait().unwrap();
    // And where the one that blocks has not been woken for it, but goes from body to body.
    let (tell, told) = std::sync::mpsc::channel();
    let nested = lane.clone();
    let outer = lane.start(async move {
        let first = nested.start(async move { tokio::task::block_in_place(|| told.recv().unwrap()) });
        let second = nested.start(async move { tell.send(8).unwrap() });
        second.await.unwrap();
        first.await.unwrap()
    });
    assert_eq!(in_time(move || outer.wait()).unwrap(), 8);
}

#[test]
fn bodies_that_are_started_inside_one_run_on_all_threads() {
    let s = pool(1);
    let lane = s.lane("io", LaneConfig::new().threads(2)).unwrap();
    let nested = lane.clone();
    let outer = lane.start(async move {
        let meeting = Arc::new(Barrier::new(2));
        let pair: Vec<_> = (0..2)
            .map(|_| {
                let meeting = Arc::clone(&meeting);
                nested.start(async move { _ = meeting.wait() })
            })
            .collect();
        for task in pair {
            task.await.unwrap();
        }
    });
    in_time(move || outer.wait()).unwrap();
}

#[test]
fn workers_that_are_due_together_run_on_all_threads() {
    const RUNS: u64 = 20;
    let s = pool(1);
    s.lane("io", LaneConfig::new().threads(2)).unwrap();
    let (meeting, done) = (Arc::new(Barrier::new(2)), Latch::new(2));
    let workers = [(); 2].map(|()| {
        let (meeting, done) = (Arc::clone(&meeting), done.clone());
        let body = move |cx: &WorkerContext| {
            let run = cx.run();
            if run <= RUNS {
                meeting.wait();
            }
            if run == RUNS {
                done.count_down();
            }
            async {}
        };
        background_worker(body).interval(Duration::from_millis(1)).supervisor(&s).lane("io").start().unwrap()
    });
    in_time(move || done.wait());
    workers.iter().for_each(|worker| worker.stop());
}

#[test]
fn a_flood_of_short_bodies_does_not_hold_up_timers() {
    let s = pool(1);
    let lane = s.lane("io", one_thread()).unwrap();
    let endless = background_worker(|| async {}).supervisor(&s).lane("io").start().unwrap();
    let slept = lane.start(async {
        tokio::time::sleep(Duration::from_millis(2)).await;
        tokio::task::yield_now().await;
    });
    in_time(move || slept.wait()).unwrap();
    assert!(endless.is_running());
    endless.stop();
}

#[test]
fn what_waits_longer_than_others_run_is_taken_by_priority() {
    let s = pool(1);
    s.lane("io", one_thread()).unwrap();
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let noted = Arc::clone(&order);
    let inner = (*s).clone();
    // All are put in before any can begin: the only thread is busy with the one that does it.
    let outer = background_future(async move {
        let tasks = [Priority::Low, Priority::Normal, Priority::High].map(|priority| {
            let noted = Arc::clone(&noted);
            let body = async move { noted.lock().unwrap().push(priority) };
            background_future(body).priority(priority).supervisor(&inner).lane("io").start()
        });
        for task in tasks {
            task.await.unwrap();
        }
    });
    in_time({
        let outer = outer.supervisor(&s).lane("io").start();
        move || outer.wait()
    })
    .unwrap();
    assert_eq!(*order.lock().unwrap(), [Priority::High, Priority::Normal, Priority::Low]);
    fly(&s, async {}).wait().unwrap();
}

#[test]
fn bodies_by_the_thousand_start_inside_one_and_end() {
    let s = pool(1);
    let inner = (*s).clone();
    let outer = fly(&s, async move {
        let mut sum = 0;
        for _ in 0..20 {
            let tasks: Vec<_> = (0..1_000).map(|n| fly(&inner, async move { n })).collect();
            for task in tasks {
                sum += task.await.unwrap();
            }
        }
        sum
    });
    assert_eq!(in_time(move || outer.wait()).unwrap(), 20 * 499_500);
    assert_eq!(s.info().totals.completed, 20_001);
}

//! What happens when the system gives no thread: stacks of this size don't fit into any address space.

use std::sync::mpsc;

use atasker::{Config, Error, Priority, SupervisorState, TaskError, TaskStatus};
use atasker::{background_task, background_worker, wait_completed};

use crate::support::{PATIENCE, eventually, pool, supervisor};

const ABSURD: usize = 1 << 46;

fn refusing() -> Config {
    Config::new().pool_size(4).reserve_normal(0).reserve_high(0).stack_size(ABSURD)
}

#[test]
fn no_thread_at_all_rejects_and_does_not_panic() {
    let s = supervisor(refusing());
    for priority in Priority::ALL {
        let task = background_task(|| 1).priority(priority).supervisor(&s).start();
        assert_eq!(task.status(), TaskStatus::Rejected);
        assert!(matches!(task.wait(), Err(TaskError::Rejected)));
    }
    let body = background_task(|| 42).supervisor(&s).try_start().unwrap_err().into_inner();
    assert_eq!(body(), 42);
    background_task(|| ()).supervisor(&s).detach();
    let info = s.info();
    assert_eq!((info.totals.submitted, info.totals.rejected, info.queued.total(), info.threads), (6, 6, 0, 0));
}

#[test]
fn a_delayed_task_without_a_thread_says_rejected_when_due() {
    let s = supervisor(refusing());
    let task = background_task(|| ()).delay(std::time::Duration::from_millis(1)).supervisor(&s).start();
    assert!(matches!(task.wait_timeout(PATIENCE), Err(atasker::WaitError::Failed(TaskError::Rejected))));
    eventually("it is counted", || s.info().totals.rejected == 1);
    assert_eq!(s.info().totals.submitted, 1);
}

#[test]
fn the_existing_threads_go_on_and_nothing_is_lost() {
    let s = pool(4);
    let (gate, blocker) = s.occupy(1, Priority::Normal);
    s.set_config(s.config().stack_size(ABSURD)).unwrap();
    let tasks: Vec<_> =
        (0..500).map(|n| background_task(move || n).priority(Priority::ALL[n % 4]).supervisor(&s).start()).collect();
    assert_eq!(s.info().queued.total(), 500);
    gate.open();
    wait_completed(blocker).unwrap();
    assert_eq!(wait_completed(tasks).unwrap(), (0..500).collect::<Vec<_>>());
    assert_eq!(s.info().totals.rejected, 0);
}

#[test]
fn a_critical_task_takes_the_next_free_thread() {
    let s = pool(1);
    let (gate, blocker) = s.occupy(1, Priority::Normal);
    s.set_config(s.config().stack_size(ABSURD)).unwrap();
    let (tell, told) = mpsc::channel();
    for priority in [Priority::High, Priority::Critical] {
        let tell = tell.clone();
        background_task(move || tell.send(priority).unwrap()).priority(priority).supervisor(&s).detach();
    }
    gate.open();
    wait_completed(blocker).unwrap();
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), Priority::Critical);
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), Priority::High);
}

#[test]
fn start_with_min_threads_says_that_there_is_no_thread() {
    let s = supervisor(refusing().min_threads(1));
    assert!(matches!(s.start(), Err(Error::Thread(_))));
    assert_eq!(s.info().state, SupervisorState::Created);
    assert!(matches!(background_task(|| ()).supervisor(&s).start().wait(), Err(TaskError::Rejected)));
    let worker = background_worker(|| ()).event().supervisor(&s).start();
    assert!(matches!(worker, Err(Error::Thread(_))));
    // A better configuration makes it work, on first use as ever.
    s.set_config(s.config().stack_size(1 << 20)).unwrap();
    assert_eq!(background_task(|| 42).supervisor(&s).start().wait().unwrap(), 42);
}

#[test]
fn a_refused_restart_leaves_it_stopped() {
    let s = pool(2);
    background_task(|| ()).supervisor(&s).start().wait().unwrap();
    s.stop();
    s.set_config(s.config().min_threads(1).stack_size(ABSURD)).unwrap();
    assert!(matches!(s.start(), Err(Error::Thread(_))));
    assert_eq!(s.info().state, SupervisorState::Stopped);
    s.set_config(s.config().stack_size(1 << 20)).unwrap();
    s.start().unwrap();
    background_task(|| ()).supervisor(&s).start().wait().unwrap();
}

#[test]
fn a_worker_without_a_thread_runs_when_there_is_one() {
    let s = supervisor(refusing());
    let (tell, told) = mpsc::channel();
    let worker = background_worker(move |n: u64| tell.send(n).unwrap()).queue().supervisor(&s).start().unwrap();
    (0..10).for_each(|n| worker.put(n).unwrap());
    s.set_config(s.config().stack_size(1 << 20)).unwrap();
    (0..10).for_each(|n| assert_eq!(told.recv_timeout(PATIENCE).unwrap(), n));
}

#[test]
fn a_stop_with_a_stranded_worker_waits_for_its_items_or_is_hurried() {
    let s = supervisor(refusing());
    let worker = background_worker(|_: u64| ()).queue().supervisor(&s).start().unwrap();
    worker.put(1).unwrap();
    let report = s.stop_now();
    assert_eq!((report.complete, report.discarded), (true, 1));
    assert_eq!(worker.put(2), Err(atasker::PutError::NotRunning(2)));

    s.start().unwrap();
    let worker = background_worker(|_: u64| ()).queue().supervisor(&s).start().unwrap();
    worker.put(1).unwrap();
    // Nothing runs that could be abandoned; the item is discarded and counted.
    let report = s.stop_timeout(std::time::Duration::from_millis(10));
    assert_eq!((report.abandoned.len(), report.discarded), (0, 1));
    assert!(!worker.is_running());
}

#[test]
fn a_nested_wait_without_a_thread_runs_the_task_itself() {
    let s = pool(2);
    let (gate, blocker) = s.occupy(1, Priority::Normal);
    s.set_config(s.config().stack_size(ABSURD).max_nesting(1)).unwrap();
    gate.open();
    wait_completed(blocker).unwrap();
    fn depth(s: std::sync::Weak<crate::support::Tested>, left: u32) -> u32 {
        let Some(strong) = s.upgrade() else { return 0 };
        if left == 0 {
            return 0;
        }
        let task = background_task(move || depth(s, left - 1)).supervisor(&strong).start();
        1 + task.wait().unwrap()
    }
    let s = std::sync::Arc::new(s);
    let weak = std::sync::Arc::downgrade(&s);
    assert_eq!(background_task(move || depth(weak, 20)).supervisor(&s).start().wait().unwrap(), 20);
}

//! A waker is user code too, and is called on the pool's threads.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use atasker::{CancelOutcome, Task, TaskStatus, background_task};

use super::is_well;
use crate::support::{Gate, OnDrop, eventually, in_time, pool, start};

struct PanicsWhenWoken;

impl Wake for PanicsWhenWoken {
    fn wake(self: Arc<Self>) {
        panic!("woken");
    }
}

/// Its waker does nothing but is dropped where it is woken.
struct PanicsWhenDropped(#[expect(dead_code, reason = "it is there for its Drop")] OnDrop<fn()>);

impl Wake for PanicsWhenDropped {
    fn wake(self: Arc<Self>) {}
}

fn poll<T>(task: &mut Task<T>, waker: Waker) {
    assert!(pin!(task).poll(&mut Context::from_waker(&waker)).is_pending());
}

/// Made one at a time: a second panic while a failed test unwinds would abort all tests.
const WAKERS: [fn() -> Waker; 2] =
    [|| Arc::new(PanicsWhenWoken).into(), || Arc::new(PanicsWhenDropped(OnDrop::new(|| panic!("dropped")))).into()];

#[test]
fn a_waker_that_panics_at_the_end_of_a_task_costs_no_thread() {
    in_time(|| {
        let s = pool(1);
        for waker in WAKERS {
            let gate = Gate::new();
            let opened = gate.clone();
            let mut task = start(&s, move || opened.wait());
            poll(&mut task, waker());
            gate.open();
            eventually("it has ended", || task.is_finished());
            task.wait().unwrap();
            is_well(&s, 1);
        }
        assert_eq!(s.stop().ran, 4);
    });
}

/// The clock wakes a waiter too: that of a task that is due.
#[test]
fn a_waker_that_panics_when_a_task_is_due_leaves_the_clock_alive() {
    in_time(|| {
        let s = pool(1);
        for waker in WAKERS {
            let mut task = background_task(|| ()).delay(Duration::from_millis(20)).supervisor(&s).start();
            poll(&mut task, waker());
            eventually("it has ended", || task.is_finished());
            let next = background_task(|| 5).delay(Duration::from_millis(1)).supervisor(&s).start();
            assert_eq!(next.wait().unwrap(), 5);
        }
    });
}

#[test]
fn a_waker_that_panics_at_a_cancellation_is_contained() {
    in_time(|| {
        let s = pool(1);
        for waker in WAKERS {
            let mut task = background_task(|| ()).delay(Duration::MAX).supervisor(&s).start();
            poll(&mut task, waker());
            assert_eq!(task.cancel(), CancelOutcome::Dequeued);
        }
        let mut stopped = Vec::new();
        for waker in WAKERS {
            let mut task = background_task(|| ()).delay(Duration::MAX).supervisor(&s).start();
            poll(&mut task, waker());
            stopped.push(task);
        }
        assert!(s.stop().complete);
        assert!(stopped.iter().all(|task| task.status() == TaskStatus::Cancelled));
    });
}

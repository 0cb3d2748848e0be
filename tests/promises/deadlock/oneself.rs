//! A task that would wait for itself is told so.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use atasker::{Task, TaskError, WaitError, wait_all};

use crate::support::{in_time, pool, start};

/// Runs `f` with the handle of the very task it runs in.
fn with_itself<R: Send + 'static>(f: impl FnOnce(Task<()>) -> R + Send + 'static) -> R {
    in_time(|| {
        let s = pool(1);
        let (give, given) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        give.send(start(&s, move || tell.send(f(given.recv().unwrap())).unwrap())).unwrap();
        let result = told.recv().unwrap();
        assert_eq!(s.stop().ran, 1);
        result
    })
}

#[test]
fn waiting_for_oneself_is_a_deadlock() {
    assert!(matches!(with_itself(|own| own.wait()), Err(TaskError::Deadlock)));
    let timeout = Duration::from_secs(3_600);
    let error = with_itself(move |own| own.wait_timeout(timeout).unwrap_err());
    assert!(matches!(error, WaitError::Failed(TaskError::Deadlock)));
    let results = with_itself(|own| wait_all([own]));
    assert!(matches!(results[..], [Err(TaskError::Deadlock)]));
}

#[test]
fn looking_at_oneself_is_no_wait() {
    let error = with_itself(|own| own.try_result().unwrap_err());
    assert!(matches!(error, WaitError::NotReady(_)));
}

/// At each depth, the innermost body waits for the outermost.
#[test]
fn waiting_for_a_task_below_on_the_stack_is_a_deadlock() {
    fn nest(s: atasker::Supervisor, depth: u32, outermost: Task<()>) -> Result<(), TaskError> {
        if depth == 0 {
            return outermost.wait();
        }
        let inner = s.clone();
        start(&s, move || nest(inner, depth - 1, outermost)).wait()?
    }
    for depth in [1, 2, 30] {
        in_time(move || {
            let s = pool(1);
            let (give, given) = mpsc::channel();
            let (tell, told) = mpsc::channel();
            let inner = s.clone();
            give.send(start(&s, move || tell.send(nest(inner, depth, given.recv().unwrap())).unwrap())).unwrap();
            assert!(matches!(told.recv().unwrap(), Err(TaskError::Deadlock)));
            // None of them was hurt by it.
            let report = s.stop();
            assert_eq!((report.complete, report.ran), (true, u64::from(depth) + 1));
            assert_eq!(s.info().totals.panicked, 0);
        });
    }
}

#[test]
fn waiting_for_a_task_in_the_middle_of_the_stack_is_a_deadlock() {
    in_time(|| {
        let s = pool(1);
        let middle: Arc<Mutex<Option<Task<()>>>> = Arc::default();
        let (tell, told) = mpsc::channel();
        let (inner, slot) = (s.clone(), Arc::clone(&middle));
        start(&s, move || {
            let (innermost, own) = (inner.clone(), Arc::clone(&slot));
            let task = start(&inner, move || {
                let top = start(&innermost, move || own.lock().unwrap().take().unwrap().wait());
                tell.send(top.wait().unwrap()).unwrap();
            });
            // It is queued until somebody waits for it: this place is the only one.
            *slot.lock().unwrap() = Some(task);
        })
        .wait()
        .unwrap();
        assert!(matches!(told.recv().unwrap(), Err(TaskError::Deadlock)));
        assert_eq!(s.stop().ran, 3);
    });
}

#[test]
fn waiting_for_another_task_of_the_same_fn_is_none() {
    fn twice(s: atasker::Supervisor, again: bool) -> u32 {
        if !again {
            return 1;
        }
        let inner = s.clone();
        start(&s, move || twice(inner, false)).wait().unwrap() + 1
    }
    in_time(|| {
        let s = pool(1);
        let inner = s.clone();
        assert_eq!(start(&s, move || twice(inner, true)).wait().unwrap(), 2);
    });
}

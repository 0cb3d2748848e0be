//! Many tasks run together.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use atasker::{Error, Priority, TaskCollection, TaskError};

use crate::lane::fly;
use crate::support::{in_time, next, pool, start};

#[test]
fn results_come_by_priority_then_by_order_of_adding() {
    let s = pool(2);
    let results = TaskCollection::new()
        .add(Priority::Low, "l1", || "l1")
        .add(Priority::Critical, "c1", || "c1")
        .add(Priority::Normal, "n1", || "n1")
        .add(Priority::Low, "l2", || "l2")
        .add(Priority::High, "h1", || "h1")
        .add(Priority::Normal, "n2", || "n2")
        .add(Priority::Critical, "c2", || "c2")
        .supervisor(&s)
        .execute();
    assert_eq!(results.unwrap(), ["c1", "c2", "h1", "n1", "n2", "l1", "l2"]);
}

#[test]
fn they_run_in_parallel() {
    in_time(|| {
        let s = pool(3);
        let all_there = Arc::new(Barrier::new(3));
        let mut collection = TaskCollection::new().supervisor(&s);
        for number in 0..3 {
            let all_there = Arc::clone(&all_there);
            let body = move || {
                all_there.wait();
                number
            };
            collection = collection.add(Priority::Normal, format!("task {number}"), body);
        }
        assert_eq!(collection.execute().unwrap(), [0, 1, 2]);
    });
}

#[test]
fn an_error_keeps_every_success_and_every_failure_by_name() {
    let s = pool(2);
    let error = TaskCollection::new()
        .add(Priority::Low, "fine", || 1)
        .add(Priority::Normal, "bad", || panic!("no paper"))
        .add(Priority::High, "good", || 2)
        .add(Priority::High, "worse", || panic!("no ink"))
        .supervisor(&s)
        .execute()
        .unwrap_err();
    assert_eq!(error.successes, [("good".to_owned(), 2), ("fine".to_owned(), 1)]);
    assert_eq!(error.failures.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["worse", "bad"]);
    assert_eq!((error.success("good"), error.success("bad")), (Some(&2), None));
    assert!(matches!(error.failure("bad"), Some(TaskError::Panicked(panic)) if panic.message() == "no paper"));
    assert!(error.failure("fine").is_none());
    let text = error.to_string();
    assert!(text.starts_with("2 of 4") && text.contains("worse") && text.contains("no ink"), "{text}");
    let error = Error::from(error);
    assert_eq!(error.to_string(), text, "no message is lost by `?`");
    assert!(matches!(error, Error::Collection { failures, of: 4 } if failures.len() == 2));
}

#[test]
fn inside_an_async_body_none_is_started_and_its_async_form_waits() {
    let s = pool(1);
    let (inner, ran) = ((*s).clone(), Arc::new(AtomicUsize::new(0)));
    let runs = Arc::clone(&ran);
    let collection = move |runs: &Arc<AtomicUsize>| {
        [Priority::Low, Priority::High].into_iter().fold(TaskCollection::new().supervisor(&inner), |all, priority| {
            let runs = Arc::clone(runs);
            let body = move || {
                runs.fetch_add(1, Ordering::SeqCst);
                priority
            };
            all.add(priority, priority.to_string(), body)
        })
    };
    let task = fly(&s, async move {
        let refused = collection(&runs).execute().unwrap_err();
        assert!(refused.successes.is_empty());
        assert!(refused.failures.iter().all(|(_, error)| matches!(error, TaskError::WouldBlock)));
        assert_eq!(refused.failures.len(), 2);
        collection(&runs).execute_async().await.unwrap()
    });
    assert_eq!(in_time(move || task.wait()).unwrap(), [Priority::High, Priority::Low]);
    assert!(s.stop().complete);
    assert_eq!(ran.load(Ordering::SeqCst), 2, "those that were refused never run");
}

#[test]
fn an_async_execution_starts_at_once_and_keeps_every_failure() {
    let s = pool(1);
    let (tell, told) = std::sync::mpsc::channel();
    let executed = TaskCollection::new()
        .add(Priority::Low, "fine", move || tell.send(()).is_ok())
        .add(Priority::Low, "bad", || panic!("no paper"))
        .supervisor(&s)
        .execute_async();
    next(&told);
    let error = futures_executor::block_on(executed).unwrap_err();
    assert_eq!(error.success("fine"), Some(&true));
    assert!(matches!(error.failure("bad"), Some(TaskError::Panicked(panic)) if panic.message() == "no paper"));
}

#[test]
fn an_empty_collection_gives_nothing() {
    let s = pool(1);
    let empty = TaskCollection::<u8>::new().supervisor(&s);
    assert!(empty.is_empty());
    assert_eq!(empty.execute().unwrap(), []);
}

#[test]
fn on_a_stopped_supervisor_each_is_rejected() {
    let s = pool(1);
    s.stop();
    let collection = TaskCollection::new().add(Priority::Low, "a", || ()).add(Priority::Low, "b", || ());
    assert_eq!(collection.len(), 2);
    let error = collection.supervisor(&s).execute().unwrap_err();
    assert!(error.successes.is_empty());
    assert!(error.failures.iter().all(|(_, error)| matches!(error, TaskError::Rejected)));
}

#[test]
fn a_body_may_execute_one_on_a_full_pool() {
    in_time(|| {
        let s = pool(1);
        let inner = s.clone();
        let task = start(&s, move || {
            let numbers = (0..50).fold(TaskCollection::new(), |collection, number| {
                collection.add(Priority::ALL[number % 4], number.to_string(), move || number)
            });
            numbers.supervisor(&inner).execute().unwrap().into_iter().sum::<usize>()
        });
        assert_eq!(task.wait().unwrap(), 49 * 50 / 2);
    });
}

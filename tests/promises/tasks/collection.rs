//! Many tasks run together.

use std::sync::{Arc, Barrier};

use atasker::{Error, Priority, TaskCollection, TaskError};

use crate::support::{in_time, pool, start};

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
    assert!(matches!(Error::from(error), Error::Collection { failed: 2, of: 4 }));
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

//! Tasks declared by the attribute, on a supervisor of the test's own.

use std::cell::RefCell;
use std::sync::mpsc;
use std::time::Duration;

use atasker::{Priority, Supervisor, TaskOptions, TaskStatus, background_task};

use crate::support::{PATIENCE, Tested, pool};

thread_local! {
    static CHOSEN: RefCell<Option<Supervisor>> = const { RefCell::new(None) };
}

fn choose(s: &Tested) {
    CHOSEN.set(Some(Supervisor::clone(s)));
}

fn chosen() -> Supervisor {
    CHOSEN.with_borrow(|chosen| chosen.clone().unwrap())
}

#[background_task(priority = Low, supervisor = chosen())]
fn add(a: i32, b: i32) -> i32 {
    a + b
}

#[background_task(supervisor = chosen())]
fn thread_name() -> String {
    std::thread::current().name().unwrap().to_owned()
}

#[background_task(supervisor = chosen(), delay = 1h)]
fn much_later() {}

#[background_task(supervisor = chosen())]
fn send(to: mpsc::Sender<i32>, number: i32) {
    to.send(number).unwrap();
}

#[test]
fn a_declared_task_runs_as_declared() {
    let s = pool(1);
    choose(&s);
    let task = add(2, 3);
    assert_eq!((task.name(), task.priority()), ("add", Priority::Low));
    assert_eq!(task.wait().unwrap(), 5);
    assert_eq!(much_later().status(), TaskStatus::Delayed);
    assert_eq!(s.info().totals.submitted, 2);
}

#[test]
fn a_call_may_run_here_and_now() {
    let s = pool(1);
    choose(&s);
    assert_eq!(add::call(2, 3), 5);
    assert_eq!(s.info().totals.submitted, 0);
}

#[test]
fn options_of_a_call_go_before_the_declaration() {
    let s = pool(1);
    choose(&s);
    let other = pool(1);
    let task = add::with(Priority::High)(1, 2);
    assert_eq!((task.name(), task.priority()), ("add", Priority::High));
    assert_eq!(task.wait().unwrap(), 3);
    assert_eq!(add::with(Duration::from_secs(3600))(1, 2).status(), TaskStatus::Delayed);
    assert_eq!(much_later::with(Duration::ZERO)().wait().unwrap(), ());

    let options = TaskOptions::new().name("sum").priority(Priority::Critical).supervisor(&other);
    let task = add::with(options)(3, 4);
    assert_eq!((task.name(), task.priority()), ("sum", Priority::Critical));
    assert_eq!(task.wait().unwrap(), 7);
    let place = thread_name::with(&*other)().wait().unwrap();
    assert!(place.starts_with(other.name()), "{place}");
    assert_eq!((s.info().totals.submitted, other.info().totals.submitted), (3, 2));
}

#[test]
fn the_supervisor_is_looked_up_at_each_call() {
    for _ in 0..2 {
        let s = pool(1);
        choose(&s);
        let place = thread_name().wait().unwrap();
        assert!(place.starts_with(&format!("{}-", s.name())), "{place}");
    }
}

#[test]
fn a_detached_call_has_no_handle() {
    let s = pool(1);
    choose(&s);
    let (tell, told) = mpsc::channel();
    let () = send::detach(tell, 5);
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), 5);
}

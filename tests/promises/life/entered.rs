//! A supervisor that is entered, and a worker that is put on one: code written for the global one, tested on another.

use std::sync::mpsc;
use std::time::Duration;

use atasker::{
    Config, Supervisor, TaskOptions, TestClock, WorkerContext, background_future, background_task, background_worker,
    task_supervisor,
};

use crate::support::{in_time, next, pool};

/// Whose body it runs in, as far as the thread's name tells.
fn here() -> String {
    std::thread::current().name().unwrap_or_default().to_owned()
}

#[background_task]
fn sync_name() -> String {
    here()
}

#[background_task]
async fn async_name() -> String {
    here()
}

#[background_task]
fn nested_names() -> [String; 2] {
    [sync_name().wait().unwrap(), background_task(here).start().wait().unwrap()]
}

#[background_task]
async fn nested_async_names() -> [String; 2] {
    [sync_name().await.unwrap(), background_future(async { here() }).start().await.unwrap()]
}

fn threads_of(s: &Supervisor) -> String {
    format!("{}-", s.name())
}

#[test]
fn what_names_no_supervisor_means_the_one_that_is_entered() {
    in_time(|| {
        let s = pool(2);
        let own = threads_of(&s);
        {
            let _guard = s.enter();
            assert!(sync_name().wait().unwrap().starts_with(&own));
            assert!(async_name().wait().unwrap().starts_with(&own));
            assert!(sync_name::with(Duration::ZERO)().wait().unwrap().starts_with(&own));
            assert!(background_task(here).start().wait().unwrap().starts_with(&own));
            assert!(background_future(async { here() }).start().wait().unwrap().starts_with(&own));
            sync_name::detach();
            // And so do its bodies.
            let names = [nested_names().wait().unwrap(), nested_async_names().wait().unwrap()].concat();
            assert!(names.iter().all(|name| name.starts_with(&own)), "{names:?}");
        }
        assert!(!sync_name().wait().unwrap().starts_with(&own));
        assert_ne!(task_supervisor().name(), s.name());
    });
}

#[test]
fn the_last_that_was_entered_counts_and_guards_go_in_any_order() {
    in_time(|| {
        let (one, other) = (pool(1), pool(1));
        let (first, second) = (one.enter(), other.enter());
        assert!(sync_name().wait().unwrap().starts_with(&threads_of(&other)));
        // A body of the one means its own, whoever was entered last on the thread that started it.
        let body = background_task(|| sync_name().wait().unwrap()).supervisor(&one).start();
        assert!(body.wait().unwrap().starts_with(&threads_of(&one)));
        drop(first);
        assert!(sync_name().wait().unwrap().starts_with(&threads_of(&other)));
        // Its bodies mean the global one again.
        let body = background_task(|| sync_name().wait().unwrap()).supervisor(&one).start();
        assert!(body.wait().unwrap().starts_with("atasker-"));
        drop(second);
        assert!(sync_name().wait().unwrap().starts_with("atasker-"));
    });
}

#[test]
fn another_thread_has_not_entered_it() {
    in_time(|| {
        let s = pool(1);
        let _guard = s.enter();
        let elsewhere = std::thread::spawn(|| sync_name().wait().unwrap()).join().unwrap();
        assert!(elsewhere.starts_with("atasker-"), "{elsewhere}");
    });
}

#[background_task(supervisor = &CHOSEN)]
fn chosen_name() -> String {
    here()
}

static CHOSEN: std::sync::LazyLock<Supervisor> =
    std::sync::LazyLock::new(|| Supervisor::new("chosen", Config::new()).unwrap());

#[test]
fn who_names_a_supervisor_means_that() {
    in_time(|| {
        let s = pool(1);
        let _guard = s.enter();
        assert!(chosen_name().wait().unwrap().starts_with("chosen-"));
        let options = TaskOptions::new().supervisor(&s);
        assert!(chosen_name::with(options)().wait().unwrap().starts_with(&threads_of(&s)));
    });
}

#[background_worker(interval = 3600)]
fn hourly(tell: &mpsc::Sender<String>, cx: &WorkerContext) {
    tell.send(format!("{} {}", here(), cx.run())).unwrap();
}

/// A worker of an attribute on a supervisor and a clock of the test's own.
#[test]
fn a_worker_of_an_attribute_runs_on_a_clock_of_ones_own() {
    in_time(|| {
        let s = pool(1);
        let clock = TestClock::of(&s).unwrap();
        let (tell, told) = mpsc::channel();
        hourly.on(&s).start(tell.clone()).unwrap();
        assert!(hourly.is_running());
        clock.advance(Duration::from_secs(2 * 3600));
        let runs: Vec<String> = told.try_iter().collect();
        assert_eq!(runs.len(), 3);
        assert!(runs.iter().all(|run| run.starts_with(&threads_of(&s))), "{runs:?}");
        hourly.on(&s).restart(tell.clone()).unwrap();
        clock.run_until_idle();
        assert!(next(&told).ends_with(" 1"));
        hourly.stop();
        // An instance of it, where it is entered.
        let _guard = s.enter();
        let other = hourly.instance("other");
        other.start(tell).unwrap();
        clock.run_until_idle();
        assert!(next(&told).starts_with(&threads_of(&s)));
        assert_eq!(s.info().workers.iter().map(|worker| worker.name.as_str()).collect::<Vec<_>>(), ["hourly", "other"]);
        other.stop();
    });
}

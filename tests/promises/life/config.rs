//! What a configuration may say, and what is refused.

use std::time::Duration;

use atasker::{Config, Error, Priority, Supervisor, background_task, wait_completed};

use crate::support::{pool, supervisor};

/// The field and value that the error names, after a look at what it says.
fn refused(error: Error) -> (String, String) {
    let text = error.to_string();
    let Error::Config(error) = error else { panic!("not a configuration's error: {text}") };
    assert!(text.contains(error.field()) && text.contains(error.value()), "{text}");
    (error.field().to_owned(), error.value().to_owned())
}

fn illegal() -> Vec<(Config, &'static str, &'static str)> {
    let base = || Config::new().pool_size(4).reserve_normal(2).reserve_high(2);
    let (zero, second, two) = (Duration::ZERO, Duration::from_secs(1), Duration::from_secs(2));
    vec![
        (base().pool_size(1_000_001), "pool_size", "1000001"),
        (base().pool_size(usize::MAX), "pool_size", MAX),
        (base().reserve_normal(usize::MAX), "reserve_normal", MAX),
        (base().reserve_high(usize::MAX), "reserve_high", MAX),
        (base().critical_max(usize::MAX), "critical_max", MAX),
        (base().pool_size(999_999), "pool_size", "999999"),
        (base().min_threads(9), "min_threads", "9"),
        (base().min_threads(usize::MAX), "min_threads", MAX),
        (base().thread_name(""), "thread_name", "\"\""),
        (base().thread_name("a\0b"), "thread_name", "a\\0b"),
        (base().stack_size(0), "stack_size", "0"),
        (base().stack_size(65_535), "stack_size", "65535"),
        (base().warn_after(zero), "warn_after", "0"),
        (base().error_after(zero), "error_after", "0"),
        (base().warn_after(two).error_after(second), "error_after", "1s"),
        // The order of the setters makes no difference.
        (base().error_after(second).warn_after(two), "error_after", "1s"),
        (Config::new().min_threads(9).pool_size(4).reserve_high(2).reserve_normal(2), "min_threads", "9"),
        (base().max_nesting(0), "max_nesting", "0"),
        (base().max_nesting(1_000_000), "max_nesting", "1000000"),
    ]
}

const MAX: &str = "18446744073709551615";

#[cfg(target_pointer_width = "64")]
#[test]
fn nonsense_is_refused_at_build_and_at_every_change_naming_field_and_value() {
    let s = pool(3);
    let good = s.config();
    for running in [false, true] {
        for (config, field, value) in illegal() {
            let (named, shown) = refused(Supervisor::new("bad", config.clone()).unwrap_err());
            assert_eq!(named, field);
            assert!(shown.contains(value), "{field}: {shown} for {value}");
            assert_eq!(refused(s.set_config(config).unwrap_err()), (named, shown));
            assert_eq!(s.config(), good, "the old configuration stays");
        }
        if !running {
            background_task(|| ()).supervisor(&s).start().wait().unwrap();
        }
    }
    // A later good one works.
    s.set_config(good.pool_size(5)).unwrap();
    let (gate, tasks) = s.occupy(5, Priority::Low);
    gate.open();
    wait_completed(tasks).unwrap();
}

#[test]
fn a_name_that_no_thread_can_have_is_refused() {
    for name in ["", "a\0b"] {
        assert_eq!(refused(Supervisor::new(name, Config::new()).unwrap_err()).0, "name");
    }
}

#[test]
fn the_extremes_are_allowed() {
    for config in [
        Config::new().pool_size(0).reserve_normal(0).reserve_high(0).min_threads(100),
        Config::new().pool_size(1_000_000).reserve_normal(0).reserve_high(0),
        Config::new().keep_alive(Duration::ZERO),
        Config::new().keep_alive(Duration::MAX),
        Config::new().warn_after(Duration::MAX).error_after(Duration::MAX),
        Config::new().warn_after(None).critical_max(0),
    ] {
        let s = supervisor(config);
        background_task(|| ()).supervisor(&s).start().wait().unwrap();
    }
}

#[test]
fn getters_give_what_was_set() {
    let second = Duration::from_secs(1);
    let config = Config::new().pool_size(1).reserve_normal(2).reserve_high(3).critical_max(4).min_threads(5);
    let config = config.keep_alive(second).thread_name("t").stack_size(1 << 20).task_times(true);
    let config = config.warn_after(second).error_after(second * 2).max_nesting(6);
    assert_eq!((config.get_pool_size(), config.get_reserve_normal(), config.get_reserve_high()), (1, 2, 3));
    assert_eq!((config.get_critical_max(), config.get_min_threads(), config.get_max_nesting()), (4, 5, 6));
    assert_eq!((config.get_keep_alive(), config.get_thread_name()), (second, Some("t")));
    assert_eq!((config.get_stack_size(), config.get_task_times()), (Some(1 << 20), true));
    assert_eq!((config.get_warn_after(), config.get_error_after()), (Some(second), Some(second * 2)));
}

#[test]
fn one_field_changes_and_the_others_stay() {
    let s = supervisor(Config::new().pool_size(2).reserve_normal(3).thread_name("painter"));
    s.set_config(s.config().pool_size(30)).unwrap();
    assert_eq!(s.config(), Config::new().pool_size(30).reserve_normal(3).thread_name("painter"));
}

#[test]
fn shrinking_revokes_nothing_and_admits_nothing_until_active_is_below() {
    let s = pool(3);
    let (gate, running) = s.occupy(3, Priority::Normal);
    let (tell, told) = std::sync::mpsc::channel();
    let waiting = background_task(move || tell.send(()).unwrap()).supervisor(&s).start();
    s.set_config(s.config().pool_size(1)).unwrap();
    let info = s.info();
    assert_eq!((info.active.total(), info.queued.total()), (3, 1));
    assert!(running.iter().all(|task| task.status() == atasker::TaskStatus::Running));
    assert!(told.try_recv().is_err());
    gate.open();
    wait_completed(running).unwrap();
    waiting.wait().unwrap();
}

/// What it says it is configured with is what it goes by, whoever was last.
#[test]
fn configurations_from_many_threads_leave_one_that_holds() {
    for _ in 0..200 {
        let s = pool(1);
        let begin = std::sync::Barrier::new(4);
        std::thread::scope(|scope| {
            for size in 1..=4 {
                let (s, begin) = (&s, &begin);
                scope.spawn(move || {
                    begin.wait();
                    s.set_config(s.config().pool_size(size)).unwrap();
                });
            }
        });
        let size = s.config().get_pool_size();
        let (gate, running) = s.occupy(size, Priority::Low);
        let one_more = background_task(|| ()).priority(Priority::Low).supervisor(&s).start();
        assert_eq!(s.info().queued.total(), 1, "{size} places are said to be all");
        gate.open();
        wait_completed(running.into_iter().chain([one_more])).unwrap();
    }
}

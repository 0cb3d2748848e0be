//! Every key of a task, in every form it takes.

#![deny(warnings)]

use std::time::Duration;

use atasker::{Priority, Supervisor, background_task, task_supervisor};

const SOON: Duration = Duration::from_millis(1);
const URGENT: Priority = Priority::High;

fn pool() -> &'static Supervisor {
    task_supervisor()
}

fn choose(high: bool) -> Priority {
    if high { Priority::High } else { Priority::Low }
}

#[background_task()]
fn no_keys() {}

#[background_task(priority = Low,)]
fn low() {}

#[background_task(priority = Normal)]
fn normal() {}

#[background_task(priority = High)]
fn high() {}

#[background_task(priority = Critical)]
fn critical() {}

#[background_task(priority = Priority::Low)]
fn by_path() {}

#[background_task(priority = URGENT)]
fn by_constant() {}

#[background_task(priority = choose(true))]
fn by_call() {}

#[background_task(name = "another name", delay = SOON, supervisor = task_supervisor())]
fn several() -> u8 {
    7
}

#[background_task(supervisor = pool().clone())]
fn by_value() {}

#[background_task(supervisor = *pool())]
fn by_place() {}

#[background_task(delay = 0)]
fn at_once() {}

#[background_task(delay = 0.001)]
fn after_a_fraction() {}

#[background_task(delay = "1ms 500us")]
fn after_a_text() {}

#[background_task(delay = Duration::from_millis(1) * 2)]
fn after_an_expression() {}

#[background_task(delay = 1_000µs)]
fn after_microseconds() {}

#[background_task(companion = true)]
fn with_companion() {}

#[background_task(companion = false)]
fn without_companion(mut x: u8, (a, _): (u8, u8), _: u8) -> u8 {
    x += a;
    x
}

/// The name is free for a type of the user's.
#[expect(non_camel_case_types)]
struct without_companion {}

fn main() -> atasker::Result<()> {
    let handles = [
        no_keys(),
        low(),
        normal(),
        high(),
        critical(),
        by_path(),
        by_constant(),
        by_call(),
        by_value(),
    ];
    for handle in handles {
        handle.wait()?;
    }
    for handle in [
        by_place(),
        at_once(),
        after_a_fraction(),
        after_a_text(),
        after_an_expression(),
    ] {
        handle.wait()?;
    }
    after_microseconds().wait()?;
    with_companion::with(Priority::High)().wait()?;
    with_companion::detach();
    with_companion::call();
    let _ = without_companion {};
    assert_eq!(several().wait()?, 7);
    assert_eq!(several::with(URGENT)().wait()?, 7);
    assert_eq!(without_companion(1, (2, 3), 4).wait()?, 3);
    Ok(())
}

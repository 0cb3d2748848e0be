//! A supervisor of one's own, beside the global one: its pool, its workers, and what its stop reports.
//!
//! ```text
//! cargo run --example own_supervisor
//! ```

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use atasker::{Config, Supervisor, TaskStatus, background_task, background_worker, is_cancelled};

/// A task says in its attribute, or at the call, whose pool it runs on.
#[background_task]
fn thumbnail(picture: u32) -> u32 {
    thread::sleep(Duration::from_millis(5));
    picture
}

fn main() -> atasker::Result<()> {
    let s = Supervisor::new("pictures", Config::new().pool_size(2).reserve_normal(0).reserve_high(0))?;
    let cleaner = background_worker(|| println!("cleaning up"))
        .interval(Duration::from_millis(20))
        .name("cleaner")
        .supervisor(&s)
        .start()?;

    // A stop takes nothing more in, runs what is queued, ends the workers, and tells what it came to.
    for picture in 0..10 {
        thumbnail::with(&s)(picture);
    }
    let later = background_task(|| println!("never printed")).delay(Duration::from_secs(60)).supervisor(&s).start();
    let report = s.stop();
    println!("stop: {report}");
    assert!(report.complete && !cleaner.is_running());
    assert_eq!((report.ran, report.cancelled), (10, 1));
    assert_eq!(later.status(), TaskStatus::Cancelled);
    assert_eq!(thumbnail::with(&s)(11).status(), TaskStatus::Rejected);

    // It can be started anew. A bounded stop asks what still runs to end; this body looks.
    s.start()?;
    let (started, when_started) = mpsc::channel();
    let polite = background_task(move || {
        _ = started.send(());
        while !is_cancelled() {
            thread::sleep(Duration::from_millis(1));
        }
        "ended when asked"
    });
    let polite = polite.supervisor(&s).start();
    _ = when_started.recv();
    println!("stop_now: {}", s.stop_now());
    println!("the task {}", polite.wait()?);

    // One that does not look is left alone, and the report names it.
    s.start()?;
    let (started, when_started) = mpsc::channel();
    let stubborn = background_task(move || {
        _ = started.send(());
        thread::sleep(Duration::from_millis(500));
    });
    let stubborn = stubborn.name("stubborn").supervisor(&s).start();
    _ = when_started.recv();
    let report = s.stop_timeout(Duration::from_millis(50));
    println!("stop_timeout: {report}");
    assert!(!report.complete);
    assert_eq!(report.abandoned[0].name, "stubborn");
    stubborn.wait()?;
    Ok(())
}

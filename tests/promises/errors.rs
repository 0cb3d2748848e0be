//! What errors say: what happened and what to do, once.

use std::time::Duration;

use atasker::{
    Config, Error, Priority, PutError, Rejected, Supervisor, TaskCollection, TaskError, WaitError, background_future,
    background_task, background_worker,
};

use crate::support::{in_time, pool, supervisor};

/// Shown by `main` as it shows itself, and in a chain nothing stands twice.
fn is_told_once(error: impl std::error::Error) {
    let text = error.to_string();
    assert_eq!(format!("{error:?}"), text);
    let mut source = error.source();
    while let Some(below) = source {
        assert!(!text.contains(&below.to_string()), "{text}: {below}");
        source = below.source();
    }
}

fn stopped() -> Supervisor {
    let s = Supervisor::new("stopped", Config::new()).unwrap();
    s.stop();
    s
}

#[test]
fn every_error_is_shown_by_its_text_and_converts() {
    in_time(|| {
        let s = pool(1);
        let panicked = || background_task(|| -> u8 { panic!("out of paper") }).supervisor(&s).start();
        is_told_once(panicked().wait().unwrap_err());
        let error: Error = panicked().wait().unwrap_err().into();
        assert!(error.to_string().contains("out of paper"));
        is_told_once(error);
        let cancelled = background_task(|| ()).delay(Duration::MAX).supervisor(&s).start();
        let WaitError::NotReady(cancelled) = cancelled.try_result().unwrap_err() else { unreachable!() };
        cancelled.cancel();
        is_told_once(cancelled.wait().unwrap_err());
        let late: WaitError<()> =
            background_task(|| ()).delay(Duration::MAX).supervisor(&s).start().try_result().unwrap_err();
        is_told_once(late);
        let queue = background_worker(|_: Vec<u8>| {}).queue_bounded(1).supervisor(&s).start().unwrap();
        queue.stop();
        let error: PutError<Vec<u8>> = queue.put(vec![1]).unwrap_err();
        is_told_once(error.clone());
        assert!(matches!(Error::from(error), Error::NotRunning));
        let Err(config) = Supervisor::new("vast", Config::new().pool_size(usize::MAX)) else { unreachable!() };
        is_told_once(config);
        let failed = TaskCollection::new().add(Priority::High, "failing", || -> u8 { panic!("out of ink") });
        let failed = failed.supervisor(&s).execute().unwrap_err();
        is_told_once(Error::from(failed));
        is_told_once(Error::Thread(std::sync::Arc::new(std::io::Error::other("no more"))));
        is_told_once(Error::Signal(std::sync::Arc::new(std::io::Error::other("no more"))));
    });
}

/// The body has no `Debug`, and need not.
#[test]
fn a_rejection_knows_its_reason() {
    struct Silent;
    let s = stopped();
    let rejected: Rejected<_> = background_task(|| Silent).supervisor(&s).try_start().map(drop).unwrap_err();
    assert!(matches!(rejected.reason(), Error::Stopped));
    assert!(rejected.to_string().contains("start()"), "{rejected}");
    is_told_once(rejected);
    let delayed = background_task(|| Silent).delay(Duration::from_secs(1)).supervisor(&s).try_start().map(drop);
    assert!(matches!(delayed.unwrap_err().reason(), Error::Stopped));
    let running = supervisor(Config::new());
    let laneless = background_future(async { Silent }).lane("nowhere").supervisor(&running).try_start().map(drop);
    let laneless = laneless.unwrap_err();
    assert!(matches!(laneless.reason(), Error::UnknownLane { name, .. } if name == "nowhere"));
    assert!(laneless.to_string().contains("nowhere"));
    assert!(matches!(Error::from(laneless), Error::UnknownLane { .. }));
}

#[test]
fn what_would_block_names_the_async_form() {
    in_time(|| {
        let s = pool(1);
        let inner = Supervisor::clone(&s);
        let waits =
            background_future(
                async move { background_task(|| ()).supervisor(&inner).delay(Duration::MAX).start().wait() },
            );
        let Err(TaskError::WouldBlock) = waits.supervisor(&s).start().wait().unwrap() else { panic!("it would block") };
        assert!(TaskError::WouldBlock.to_string().contains("wait_completed_async"));
        assert!(Error::WouldBlock.to_string().contains("put_async"));
    });
}

//! The lane's protocols: a future is asked to end while it goes to sleep; a place that is given back goes to the next.

use std::sync::Arc;

use super::Leash;
use crate::sync::{check_model, thread};
use crate::time::Deadline;
use crate::wait;

/// A future that is asked to end looks once more, however its sleep and the asking interleave.
#[test]
fn pull_and_poll() {
    check_model(|| {
        let leash = Arc::new(Leash::default());
        let puller = thread::spawn({
            let leash = Arc::clone(&leash);
            move || leash.pull()
        });
        // Without a wake-up the model would deadlock here.
        wait::block_until(Deadline::Never, |waker| {
            loop {
                if leash.is_pulled() {
                    return Some(());
                }
                if leash.stay(waker) {
                    return None;
                }
            }
        });
        puller.join().expect("pulled");
    });
}

/// With shuttle: a lane has too many steps for loom.
#[cfg(atasker_shuttle)]
mod gate {
    use std::sync::{Arc, Weak};

    use tokio::runtime::{Builder, Handle};

    use crate::config::LaneConfig;
    use crate::lane::{Body, End, Lane, Source, Ticket, Watcher};
    use crate::priority::Priority;
    use crate::sync::atomic::{AtomicUsize, Ordering};
    use crate::sync::{check_model, thread};
    use crate::time::Deadline;
    use crate::wait::WaitList;

    /// Whom the lane tells that it is quiet.
    #[derive(Default)]
    struct Listener {
        quiet: WaitList,
    }

    impl Watcher for Listener {
        fn quiet(&self) {
            self.quiet.wake_all();
        }
    }

    /// A body that counts how many of it are in flight.
    struct Probe {
        flying: Arc<AtomicUsize>,
        done: Arc<AtomicUsize>,
    }

    impl Body for Probe {
        fn name(&self) -> String {
            "probe".to_owned()
        }

        fn is_live(&self) -> bool {
            true
        }

        fn begin(self: Arc<Self>, mut ticket: Ticket, _on: &Handle) {
            thread::spawn(move || {
                assert_eq!(self.flying.fetch_add(1, Ordering::SeqCst), 0, "one place, one body");
                self.flying.fetch_sub(1, Ordering::SeqCst);
                self.done.fetch_add(1, Ordering::SeqCst);
                ticket.ended(End::Completed);
            });
        }

        fn refuse(self: Arc<Self>) -> bool {
            true
        }

        fn drop_body(self: Arc<Self>) {}

        fn is_task(&self) -> bool {
            true
        }

        fn ask_to_end(self: Arc<Self>) {}
    }

    /// Bodies that are handed in from two threads pass one place on, and a stop ends when the last has given it back.
    #[test]
    fn submit_and_finish() {
        // Its runtime runs nothing here: the bodies are threads of the model.
        let runtime = Builder::new_current_thread().build().expect("a runtime can be had");
        let on = runtime.handle().clone();
        check_model(move || {
            let listener = Arc::new(Listener::default());
            let watcher: Weak<dyn Watcher> = Arc::<Listener>::downgrade(&listener) as Weak<dyn Watcher>;
            let config = LaneConfig::new().pool_size(1).critical_max(0);
            let lane = Lane::new("model", "model".to_owned(), 0, config, watcher);
            assert!(lane.lend(on.clone()));
            lane.open();
            let (flying, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let submit = {
                let (lane, flying, done) = (Arc::clone(&lane), Arc::clone(&flying), Arc::clone(&done));
                move |priority| {
                    let body = Arc::new(Probe { flying: Arc::clone(&flying), done: Arc::clone(&done) });
                    lane.submit(priority, body, Source::Caller).expect("it is open");
                }
            };
            let other = thread::spawn({
                let submit = submit.clone();
                move || [Priority::Low, Priority::High].into_iter().for_each(submit)
            });
            submit(Priority::Normal);
            other.join().expect("submitted");
            lane.drain();
            listener.quiet.block_until(Deadline::Never, || lane.is_quiet().then_some(()));
            assert_eq!((done.load(Ordering::SeqCst), lane.sample().counts.completed), (3, 3));
        });
    }
}

//! Counts are exact for whoever has waited.

use atasker::{Priority, background_worker};

use super::fly;
use crate::support::{next, pool};

#[test]
fn who_has_waited_for_an_async_task_finds_it_counted_and_in_flight_no_more() {
    let s = pool(1);
    for number in 1..=2_000 {
        fly(&s, async {}).wait().unwrap();
        let info = s.info();
        assert_eq!((info.totals.completed, info.active[Priority::Normal]), (number, 0));
    }
}

#[test]
fn who_has_seen_an_async_worker_stop_finds_its_runs_counted() {
    let s = pool(1);
    let (tell, told) = std::sync::mpsc::channel();
    let mut slices = 0;
    for _ in 0..500 {
        let tell = tell.clone();
        let body = move || {
            let tell = tell.clone();
            async move { tell.send(()).unwrap() }
        };
        let worker = background_worker(body).event().supervisor(&s).start().unwrap();
        assert!(worker.trigger());
        next(&told);
        worker.stop();
        let info = s.info();
        assert_eq!(info.active.total(), 0);
        assert!(info.totals.worker_slices > slices, "the slice of this life is counted");
        slices = info.totals.worker_slices;
    }
    assert!(s.stop().complete);
    assert_eq!(s.info().totals.worker_slices, slices, "none is counted behind a worker's end");
}

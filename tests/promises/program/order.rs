//! What happens in which order at a signal: the announcement, the body's return, the stop.

use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Duration;

use atasker::{SupervisorState, TaskError, background_task, background_worker, is_cancelled, task_supervisor};

use super::{DONE, exit, program, signal, when_stopping, work};
use crate::support::{Gate, OnDrop, PATIENCE, child_ends_with, eventually, in_limited_child, next};

#[background_worker(queue)]
fn count(add: usize) {
    DONE.fetch_add(add, Ordering::SeqCst);
}

#[test]
fn nothing_is_refused_between_the_signal_and_the_return_of_the_body() {
    let stderr = program! { nothing_is_refused_between_the_signal_and_the_return_of_the_body ends with 0;
        #[atasker::main(pool_size = 1)]
        fn main() -> Result<(), Box<dyn std::error::Error>> {
            let s = task_supervisor();
            let (gate, running) = (Gate::new(), Gate::new());
            let (at_work, is_open) = (gate.clone(), running.clone());
            background_task(move || { is_open.open(); at_work.wait(); }).detach();
            running.wait();
            assert!(!s.is_stopping());
            signal(libc::SIGTERM);
            // It returns at the announcement: what runs still runs.
            s.block();
            assert!(s.is_stopping());
            assert_eq!(s.info().state, SupervisorState::Running);
            count.start()?;
            (0..50).try_for_each(|_| count.put(1))?;
            let last = work(gate.clone());
            when_stopping(move || gate.open());
            drop(last);
            Ok(())
        }
    };
    assert!(stderr.contains("51 done"), "{stderr}");
}

#[test]
fn a_body_may_stop_it_at_a_signal_and_go_on() {
    let stderr = program! { a_body_may_stop_it_at_a_signal_and_go_on ends with 5;
        #[atasker::main(pool_size = 1)]
        fn main() -> ExitCode {
            let gate = Gate::new();
            drop(work(gate.clone()));
            signal(libc::SIGTERM);
            task_supervisor().block();
            gate.open();
            assert!(task_supervisor().stop().complete);
            eprintln!("{} at its end", DONE.load(Ordering::SeqCst));
            ExitCode::from(5)
        }
    };
    assert!(stderr.contains("1 at its end"), "{stderr}");
}

#[test]
fn a_worker_sees_the_announcement() {
    let stderr = program! { a_worker_sees_the_announcement ends with 0;
        #[atasker::main]
        fn main() -> atasker::Result<()> {
            let (tell, told) = mpsc::channel();
            let long = move |cx: &atasker::WorkerContext| {
                tell.send(()).unwrap();
                eventually("it is announced", || cx.is_stopping());
                assert_eq!(cx.supervisor().info().state, SupervisorState::Running);
                tell.send(()).unwrap();
                cx.request_stop();
            };
            let worker = atasker::background_worker(long).name("long").start()?;
            next(&told);
            signal(libc::SIGINT);
            next(&told);
            eventually("it has ended", || !worker.is_running());
            assert_eq!(worker.info().panics, 0);
            eprintln!("seen");
            Ok(())
        }
    };
    assert!(stderr.contains("seen"), "{stderr}");
}

#[test]
fn a_signal_while_the_body_waits_for_a_stop_of_its_own_bounds_that() {
    let stderr = program! { a_signal_while_the_body_waits_for_a_stop_of_its_own_bounds_that ends with 1;
        #[atasker::main(grace = 1ms)]
        fn main() {
            drop(work(Gate::new()));
            eventually("it runs", || task_supervisor().info().active.low == 1);
            when_stopping(|| signal(libc::SIGTERM));
            assert!(!task_supervisor().stop().complete);
            eprintln!("returned");
        }
    };
    assert!(stderr.contains("returned") && stderr.contains("work still running"), "{stderr}");
}

#[test]
fn on_signal_cancel_ends_waits_and_discards() {
    let stderr = program! { on_signal_cancel_ends_waits_and_discards ends with 4;
        #[atasker::main(pool_size = 1, reserve_normal = 0, reserve_high = 0, on_signal = cancel)]
        fn main() -> ExitCode {
            let runs = Gate::new();
            let running = runs.clone();
            let heeds = background_task(move || {
                running.open();
                eventually("it is asked to end", is_cancelled);
            });
            let heeds = heeds.start();
            runs.wait();
            let queued = work(Gate::new());
            signal(libc::SIGINT);
            assert!(matches!(queued.wait(), Err(TaskError::Cancelled)));
            heeds.wait().unwrap();
            assert!(task_supervisor().is_stopping());
            ExitCode::from(4)
        }
    };
    assert!(stderr.contains("0 done"), "{stderr}");
}

#[test]
fn on_signal_cancel_is_bounded_by_the_grace() {
    let stderr = program! { on_signal_cancel_is_bounded_by_the_grace ends with 1;
        #[atasker::main(grace = 1ms, on_signal = cancel)]
        fn main() {
            drop(work(Gate::new()));
            eventually("it runs", || task_supervisor().info().active.low == 1);
            signal(libc::SIGTERM);
        }
    };
    assert!(stderr.contains("work still running"), "{stderr}");
}

#[test]
fn a_second_signal_ends_a_body_that_serves_on() {
    program! { a_second_signal_ends_a_body_that_serves_on ends with 128 + libc::SIGTERM;
        #[atasker::main]
        fn main() {
            signal(libc::SIGINT);
            task_supervisor().block();
            signal(libc::SIGTERM);
            std::thread::park_timeout(PATIENCE);
        }
    };
}

#[test]
fn a_signal_before_the_body_is_heard() {
    let stderr = program! { a_signal_before_the_body_is_heard ends with 0;
        #[atasker::main(thread_name = { crate::signals::interrupt_the_next_start(); "program" })]
        fn main() {
            task_supervisor().block();
            let _said = OnDrop::new(|| eprintln!("the body has run"));
        }
    };
    assert!(stderr.contains("the body has run"), "{stderr}");
}

#[test]
fn a_body_that_restarts_it_after_a_signal_still_ends() {
    let stderr = program! { a_body_that_restarts_it_after_a_signal_still_ends ends with 0;
        #[atasker::main]
        fn main() -> atasker::Result<()> {
            signal(libc::SIGTERM);
            task_supervisor().block();
            assert!(task_supervisor().stop().complete);
            task_supervisor().start()?;
            assert!(!task_supervisor().is_stopping());
            background_task(|| _ = DONE.fetch_add(1, Ordering::SeqCst)).detach();
            Ok(())
        }
    };
    assert!(stderr.contains("1 done"), "{stderr}");
}

#[test]
fn what_a_body_leaves_delayed_does_not_keep_the_program() {
    program! { what_a_body_leaves_delayed_does_not_keep_the_program ends with 0;
        #[atasker::main]
        fn main() {
            background_task(|| ()).delay(Duration::from_secs(3600)).detach();
            signal(libc::SIGTERM);
        }
    };
}

//! Programs made by `#[atasker::main]`, each in a child process: what they exit with, and what has been done by then.

#![cfg(unix)]

mod asynchronous;
mod order;

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use atasker::{SupervisorState, background_task, background_worker, task_supervisor};

use crate::support::{Gate, OnDrop, PATIENCE, child_ends_with, eventually, in_limited_child};

static DONE: AtomicUsize = AtomicUsize::new(0);

#[background_task(priority = Low)]
fn work(gate: Gate) {
    gate.wait();
    DONE.fetch_add(1, Ordering::SeqCst);
}

/// Asks this process to end, as the system would.
fn signal(number: i32) {
    // SAFETY: both take and give numbers only.
    unsafe { libc::kill(libc::getpid(), number) };
}

fn is_stopping() -> bool {
    task_supervisor().info().state == SupervisorState::Stopping
}

/// Calls `then` on a thread of its own once the supervisor is stopping.
fn when_stopping(then: impl FnOnce() + Send + 'static) {
    std::thread::spawn(|| {
        eventually("it is stopping", is_stopping);
        then();
    });
}

/// Ends this process as the system would after that `main`.
fn exit(code: ExitCode) -> ! {
    let code = (0..=u8::MAX).find(|number| ExitCode::from(*number) == code).expect("a code is a byte");
    std::process::exit(code.into())
}

/// Runs a `main` in a child process, and gives what that wrote to stderr.
macro_rules! program {
    ($test:ident ends with $code:expr; $(#[$attr:meta])* fn main $($function:tt)*) => {
        program!($test, $code, ($(#[$attr])* fn main $($function)*))
    };
    ($test:ident ends with $code:expr; $(#[$attr:meta])* async fn main $($function:tt)*) => {
        program!($test, $code, ($(#[$attr])* async fn main $($function)*))
    };
    ($test:ident, $code:expr, ($($main:tt)*)) => {{
        $($main)*

        if in_limited_child() {
            let code = main();
            eprintln!("{} done", DONE.load(Ordering::SeqCst));
            exit(code);
        }
        let module = module_path!().split_once("::").expect("a test is in a module of its binary").1;
        let output = child_ends_with(&format!("{module}::{}", stringify!($test)), $code);
        String::from_utf8_lossy(&output.stderr).into_owned()
    }};
}

pub(crate) use program;

#[test]
fn a_signal_after_the_body_drains_and_exits_with_0() {
    let stderr = program! { a_signal_after_the_body_drains_and_exits_with_0 ends with 0;
        #[atasker::main(pool_size = 2, reserve_normal = 0, reserve_high = 0)]
        fn main() {
            let gate = Gate::new();
            (0..50).for_each(|_| drop(work(gate.clone())));
            when_stopping(move || gate.open());
            // The body may still run when it comes, or have returned.
            std::thread::spawn(|| signal(libc::SIGTERM));
        }
    };
    assert!(stderr.contains("50 done"), "{stderr}");
}

#[test]
fn a_second_signal_ends_the_program_at_once() {
    program! { a_second_signal_ends_the_program_at_once ends with 128 + libc::SIGINT;
        #[atasker::main]
        fn main() {
            drop(work(Gate::new()));
            when_stopping(|| signal(libc::SIGINT));
            signal(libc::SIGTERM);
        }
    };
}

#[test]
fn an_err_of_the_body_is_shown_and_stops_without_a_signal() {
    let stderr = program! { an_err_of_the_body_is_shown_and_stops_without_a_signal ends with 1;
        #[atasker::main(pool_size = 1)]
        fn main() -> Result<(), std::num::ParseIntError> {
            let gate = Gate::new();
            (0..9).for_each(|_| drop(work(gate.clone())));
            when_stopping(move || gate.open());
            let _: u8 = "twelve".parse()?;
            unreachable!()
        }
    };
    assert!(stderr.contains("Error: ParseIntError") && stderr.contains("9 done"), "{stderr}");
}

#[test]
fn a_failing_exit_code_is_given_on() {
    program! { a_failing_exit_code_is_given_on ends with 7;
        #[atasker::main]
        fn main() -> ExitCode {
            ExitCode::from(7)
        }
    };
}

#[test]
fn a_panic_of_the_body_stops_and_goes_on() {
    let stderr = program! { a_panic_of_the_body_stops_and_goes_on ends with 101;
        #[atasker::main]
        fn main() {
            let gate = Gate::new();
            drop(work(gate.clone()));
            when_stopping(move || gate.open());
            let _said = OnDrop::new(|| eprintln!("unwound"));
            panic!("out of paper");
        }
    };
    assert!(stderr.contains("out of paper") && stderr.contains("unwound"), "{stderr}");
}

#[test]
fn a_body_that_stops_it_ends_the_program() {
    let stderr = program! { a_body_that_stops_it_ends_the_program ends with 0;
        #[atasker::main]
        fn main() -> atasker::Result<()> {
            let gate = Gate::new();
            let task = work(gate.clone());
            gate.open();
            task.wait()?;
            assert!(task_supervisor().stop().complete);
            Ok(())
        }
    };
    assert!(stderr.contains("1 done"), "{stderr}");
}

#[test]
fn a_worker_that_stops_it_ends_the_program() {
    #[background_worker(interval = 1ms)]
    fn thrice(cx: &atasker::WorkerContext) {
        if DONE.fetch_add(1, Ordering::SeqCst) == 2 {
            cx.supervisor().stop();
        }
    }

    let stderr = program! { a_worker_that_stops_it_ends_the_program ends with 0;
        #[atasker::main]
        fn main() -> atasker::Result<()> {
            thrice.start()
        }
    };
    assert!(stderr.contains("3 done"), "{stderr}");
}

#[test]
fn a_stop_that_runs_out_of_time_exits_with_1_and_names_what_runs() {
    let stderr = program! { a_stop_that_runs_out_of_time_exits_with_1_and_names_what_runs ends with 1;
        #[atasker::main(grace = 1ms)]
        fn main() {
            drop(work(Gate::new()));
            eventually("it runs", || task_supervisor().info().active.low == 1);
            signal(libc::SIGTERM);
        }
    };
    assert!(stderr.contains("atasker: the stop ran out of time") && stderr.contains("work still running"), "{stderr}");
}

#[test]
fn a_refused_configuration_is_told_and_the_body_does_not_run() {
    let stderr = program! { a_refused_configuration_is_told_and_the_body_does_not_run ends with 1;
        #[atasker::main(warn_after = Duration::ZERO)]
        fn main() {
            panic!("the body has run");
        }
    };
    assert!(stderr.contains("atasker: warn_after = 0 makes no sense"), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[test]
fn a_body_that_blocks_returns_at_a_signal() {
    let stderr = program! { a_body_that_blocks_returns_at_a_signal ends with 0;
        #[atasker::main]
        fn main() {
            let gate = Gate::new();
            drop(work(gate.clone()));
            when_stopping(move || gate.open());
            signal(libc::SIGINT);
            task_supervisor().block();
            eprintln!("cleaned up");
        }
    };
    assert!(stderr.contains("cleaned up") && stderr.contains("1 done"), "{stderr}");
}

#[test]
fn a_body_that_never_returns_does_not_keep_the_program() {
    let stderr = program! { a_body_that_never_returns_does_not_keep_the_program ends with 1;
        #[atasker::main(grace = 1ms)]
        fn main() {
            signal(libc::SIGTERM);
            std::thread::park_timeout(PATIENCE * 2);
        }
    };
    assert!(stderr.contains("main still runs"), "{stderr}");
}

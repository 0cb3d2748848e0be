//! Programs whose `main` is async.

use std::io::{Read, Write};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Duration;

use atasker::{Config, Supervisor, background_future, background_task, task_supervisor};

use super::{DONE, exit, program, signal, when_stopping, work};
use crate::support::{Gate, OnDrop, PATIENCE, child_ends_with, eventually, in_limited_child, next};

/// What async code of the body's own needs: a timer, and a task of the runtime.
async fn sleeps_and_spawns() -> u8 {
    tokio::time::sleep(Duration::from_millis(1)).await;
    let spawned = tokio::spawn(async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        tokio::task::yield_now().await;
        7
    });
    spawned.await.unwrap()
}

#[test]
fn it_awaits_and_spawns_and_a_signal_ends_the_program() {
    let stderr = program! { it_awaits_and_spawns_and_a_signal_ends_the_program ends with 0;
        #[atasker::main(pool_size = 1)]
        async fn main() -> Result<(), Box<dyn std::error::Error>> {
            let gate = Gate::new();
            let task = work(gate.clone());
            assert_eq!(sleeps_and_spawns().await, 7);
            gate.open();
            task.await?;
            signal(libc::SIGTERM);
            task_supervisor().stop_requested().await;
            // Announced: it is still served.
            work(gate.clone()).await?;
            drop(work(gate));
            Ok(())
        }
    };
    assert!(stderr.contains("3 done"), "{stderr}");
}

#[test]
fn it_returns_and_the_program_lives_on_until_a_signal() {
    let stderr = program! { it_returns_and_the_program_lives_on_until_a_signal ends with 0;
        #[atasker::main]
        async fn main() {
            let (runs, running) = mpsc::channel();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(1)).await;
                runs.send(()).unwrap();
            });
            std::thread::spawn(move || {
                next(&running);
                let task = background_future(async { sleeps_and_spawns().await });
                assert_eq!(task.start().wait().unwrap(), 7);
                eprintln!("served");
                signal(libc::SIGTERM);
            });
        }
    };
    assert!(stderr.contains("served"), "{stderr}");
}

#[test]
fn it_may_stop_it_wait_and_go_on() {
    let stderr = program! { it_may_stop_it_wait_and_go_on ends with 3;
        #[atasker::main]
        async fn main() -> ExitCode {
            let gate = Gate::new();
            drop(work(gate.clone()));
            let before = tokio::spawn(async { tokio::time::sleep(Duration::from_millis(50)).await });
            when_stopping(move || gate.open());
            let report = task_supervisor().stop();
            assert!(report.complete && DONE.load(Ordering::SeqCst) == 1, "{report}");
            before.await.unwrap();
            assert_eq!(sleeps_and_spawns().await, 7);
            let other = Supervisor::new("other", Config::new()).unwrap();
            assert_eq!(background_future(sleeps_and_spawns()).supervisor(&other).start().await.unwrap(), 7);
            assert!(other.stop_async().await.complete);
            task_supervisor().start().unwrap();
            assert_eq!(background_future(sleeps_and_spawns()).start().await.unwrap(), 7);
            assert!(task_supervisor().stop_async().await.complete);
            ExitCode::from(3)
        }
    };
    assert!(stderr.contains("1 done"), "{stderr}");
}

#[test]
fn one_that_never_ends_is_dropped_when_the_grace_is_over() {
    let stderr = program! { one_that_never_ends_is_dropped_when_the_grace_is_over ends with 1;
        #[atasker::main(grace = 1ms)]
        async fn main() {
            let _said = OnDrop::new(|| {
                // On the thread of main, with its timers.
                _ = tokio::time::sleep(PATIENCE);
                eprintln!("dropped on {:?}", std::thread::current().id() == *MAIN.get().unwrap());
                assert!(task_supervisor().stop().complete);
            });
            MAIN.set(std::thread::current().id()).unwrap();
            signal(libc::SIGTERM);
            std::future::pending::<()>().await;
        }
    };
    assert!(stderr.contains("dropped on true") && stderr.contains("main still runs"), "{stderr}");
}

static MAIN: std::sync::OnceLock<std::thread::ThreadId> = std::sync::OnceLock::new();

#[test]
fn one_that_blocks_its_thread_does_not_keep_the_program() {
    let stderr = program! { one_that_blocks_its_thread_does_not_keep_the_program ends with 1;
        #[atasker::main(grace = 1ms)]
        async fn main() {
            signal(libc::SIGTERM);
            std::thread::park_timeout(PATIENCE * 2);
        }
    };
    assert!(stderr.contains("main still runs"), "{stderr}");
}

#[test]
fn a_stop_by_another_thread_leaves_it_alone() {
    let stderr = program! { a_stop_by_another_thread_leaves_it_alone ends with 0;
        #[atasker::main]
        async fn main() {
            let (stopped, when_stopped) = tokio::sync::oneshot::channel();
            std::thread::spawn(move || stopped.send(task_supervisor().stop_now()).unwrap());
            assert!(when_stopped.await.unwrap().complete);
            assert_eq!(sleeps_and_spawns().await, 7);
            eprintln!("went on");
        }
    };
    assert!(stderr.contains("went on"), "{stderr}");
}

/// The wake-up of one part comes while another blocks the thread in a wait of ours.
#[test]
fn a_blocking_verb_takes_no_wake_up_of_the_body() {
    let stderr = program! { a_blocking_verb_takes_no_wake_up_of_the_body ends with 0;
        #[atasker::main]
        async fn main() {
            let other = Supervisor::new("other", Config::new()).unwrap();
            let gate = Gate::new();
            let blocked = gate.clone();
            background_task(move || blocked.wait()).supervisor(&other).detach();
            let (wake, woken) = tokio::sync::oneshot::channel();
            let stopping = other.clone();
            std::thread::spawn(move || {
                eventually("it waits", || stopping.is_stopping());
                wake.send(()).unwrap();
                gate.open();
            });
            tokio::join!(async { woken.await.unwrap() }, async { assert!(other.stop().complete) });
            eprintln!("both");
            task_supervisor().stop();
        }
    };
    assert!(stderr.contains("both"), "{stderr}");
}

#[test]
fn it_may_give_the_supervisor_another_runtime() {
    program! { it_may_give_the_supervisor_another_runtime ends with 0;
        #[atasker::main]
        async fn main() {
            let named = || std::thread::current().name().unwrap_or_default().to_owned();
            let other = tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name("lent").build().unwrap();
            task_supervisor().set_runtime(other.handle().clone()).unwrap();
            assert_eq!(background_future(async move { named() }).start().await.unwrap(), "lent");
            assert!(task_supervisor().stop().complete);
            assert!(tokio::spawn(async move { named() }).await.unwrap().starts_with("atasker-async-"));
            other.shutdown_background();
        }
    };
}

#[test]
fn what_it_leaves_blocking_does_not_keep_the_program() {
    let stderr = program! { what_it_leaves_blocking_does_not_keep_the_program ends with 0;
        #[atasker::main]
        async fn main() {
            let (begins, begun) = tokio::sync::oneshot::channel();
            drop(tokio::task::spawn_blocking(move || {
                begins.send(()).unwrap();
                std::thread::park_timeout(PATIENCE * 2);
            }));
            begun.await.unwrap();
            task_supervisor().stop();
        }
    };
    assert!(stderr.contains("0 done"), "{stderr}");
}

#[test]
fn a_panic_of_it_stops_and_goes_on() {
    let stderr = program! { a_panic_of_it_stops_and_goes_on ends with 101;
        #[atasker::main]
        async fn main() {
            let gate = Gate::new();
            let task = work(gate.clone());
            when_stopping(move || gate.open());
            let _said = OnDrop::new(|| eprintln!("unwound"));
            drop(task);
            tokio::task::yield_now().await;
            panic!("out of paper");
        }
    };
    assert!(stderr.contains("out of paper") && stderr.contains("unwound"), "{stderr}");
}

/// A server of a few lines: it accepts until the stop is announced, and answers what it has accepted.
#[test]
fn a_server_answers_what_came_in_before_the_signal() {
    let stderr = program! { a_server_answers_what_came_in_before_the_signal ends with 0;
        #[atasker::main(pool_size = 1)]
        async fn main() -> std::io::Result<()> {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
            let address = listener.local_addr()?;
            let gate = Gate::new();
            let client = std::thread::spawn(move || {
                let mut stream = std::net::TcpStream::connect(address).unwrap();
                stream.write_all(b"?").unwrap();
                let mut answer = String::new();
                stream.read_to_string(&mut answer).unwrap();
                answer
            });
            let mut serving = tokio::task::JoinSet::new();
            loop {
                let (mut stream, _) = tokio::select! {
                    accepted = listener.accept() => accepted?,
                    () = task_supervisor().stop_requested() => break,
                };
                let gate = gate.clone();
                serving.spawn(async move {
                    use tokio::io::{AsyncReadExt, AsyncWriteExt};
                    stream.read_u8().await.unwrap();
                    signal(libc::SIGTERM);
                    task_supervisor().stop_requested().await;
                    gate.open();
                    // Refused, had the stop begun.
                    let answer = if work(gate).await.is_ok() { "stored" } else { "refused" };
                    stream.write_all(answer.as_bytes()).await.unwrap();
                });
            }
            while let Some(served) = serving.join_next().await {
                served.unwrap();
            }
            assert_eq!(client.join().unwrap(), "stored");
            Ok(())
        }
    };
    assert!(stderr.contains("1 done"), "{stderr}");
}

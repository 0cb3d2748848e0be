//! Indexes folders: hashes every file and writes one JSON line for each, while somebody keeps asking questions.
//!
//! ```text
//! cargo run --release --example indexer -- [DIR]... [--fifo] [--output FILE] [--quick]
//! ```
//!
//! Without a `DIR` it takes this repository and the sources that cargo has on this machine; a larger one, such as your
//! home folder, is better to look at. Everything runs on one pool with a place for each CPU:
//!
//! | what | when | priority | what to look at |
//! |---|---|---|---|
//! | `hash_file`, a task | for each file, all handed in at once | `Low` | the pool is full from start to end |
//! | `write_record`, a queue worker | for each digest; 256 may wait | `Low` | full, it holds up those who hash, who then run it |
//! | `draw_progress`, an interval worker | ten times a second | `Normal` | the bar moves |
//! | `answer`, an event worker | when you press Enter, and when all are handed in | `High` | it tells at once what goes on |
//! | `look_up`, a task | every 10 ms, from outside | `High` | the last lines: how late it started |
//!
//! Then run it again with `--fifo`. It hashes as fast, but all are `Normal` and no place is kept for anyone: look-ups,
//! bar and answers wait behind every file that was handed in before them. (The first run also fills the system's cache.)
//!
//! Ctrl-C stops it cleanly: files that wait are cancelled, what was hashed is written, and the report counts both.

mod index;
mod intake;
mod latency;
mod options;
mod output;
mod work;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use atasker::{Config, StopReport, task_supervisor};
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};
use walkdir::WalkDir;

use index::Index;
use intake::Intake;
use options::Options;
use output::Output;
use work::{answer, draw_progress, hash_file, look_up, write_record};

/// The walk waits when so many files are on their way: memory stays in bounds on a tree of millions.
const WINDOW: usize = 100_000;

/// Files that `--quick` is content with.
const QUICK: usize = 500;

/// Skipped files that are shown one by one; all are counted.
const SHOWN: u64 = 5;

fn main() -> ExitCode {
    let options = match Options::parse() {
        Ok(Some(options)) => options,
        Ok(None) => return ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("indexer: {error}\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    run(&options).unwrap_or_else(|error| {
        eprintln!("indexer: {error}");
        ExitCode::FAILURE
    })
}

fn run(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    for root in &options.roots {
        root.metadata().map_err(|error| format!("{}: {error}", root.display()))?;
    }
    let output = Output::create(&options.output).map_err(|error| format!("{}: {error}", options.output.display()))?;
    let (index, intake, output) = (Arc::new(Index::default()), Arc::new(Intake::default()), Arc::new(output));

    // Hashing keeps a CPU busy, so there are as many places as CPUs; two more are kept for each priority above.
    let cpus = thread::available_parallelism().map_or(1, usize::from);
    let kept = if options.fifo { 0 } else { 2 };
    work::ALL_ALIKE.store(options.fifo, Relaxed);
    task_supervisor().set_config(Config::new().pool_size(cpus).reserve_normal(kept).reserve_high(kept))?;

    let bar = ProgressBar::new(0)
        .with_style(ProgressStyle::with_template("{wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {msg}")?);
    write_record.start(Arc::clone(&output), Arc::clone(&intake))?;
    answer.start(Arc::clone(&index), bar.clone(), (Instant::now(), 0))?;
    draw_progress.start(Arc::clone(&index), bar.clone())?;
    if bar.is_hidden() {
        draw_progress.set_interval(Duration::from_secs(1))?;
    } else {
        eprintln!("Enter tells what goes on, Ctrl-C stops.");
    }
    listen(&intake)?;

    let asker = Asker::start(&index);
    let started = Instant::now();
    let skipped = hash_all(files(options, &output), &index, &intake, &bar);
    let took = started.elapsed();
    asker.stop();
    // All files are through; what is left are records that are not written, and look-ups that have not started.
    let stop = task_supervisor().stop();
    bar.finish_and_clear();

    report(options, &index, took, skipped, &stop);
    println!("index: {}", output.path().display());
    if let Err(error) = intake.failure().map_or_else(|| output.flush(), Err) {
        return Err(format!("{}: {error}", output.path().display()).into());
    }
    if intake.is_closed() {
        println!("interrupted: {} files were cancelled", HumanCount(stop.cancelled));
        return Ok(ExitCode::from(130));
    }
    println!("to compare, run the same {} --fifo", if options.fifo { "without" } else { "with" });
    Ok(ExitCode::SUCCESS)
}

/// Enter asks for an answer. Ctrl-C closes the intake; a second one does not wait for the rest.
fn listen(intake: &Arc<Intake>) -> Result<(), ctrlc::Error> {
    // Never joined: it waits for a line that may never come. Without a stdin it ends at once.
    thread::spawn(|| {
        for _ in std::io::stdin().lines().map_while(Result::ok) {
            answer.trigger();
        }
    });
    let intake = Arc::clone(intake);
    ctrlc::set_handler(move || {
        if !intake.close(None) {
            std::process::exit(130);
        }
    })
}

/// The files below the roots with their sizes; symbolic links are not followed, and the output is left out.
fn files(options: &Options, output: &Output) -> impl Iterator<Item = walkdir::Result<(PathBuf, u64)>> {
    let entries = options.roots.iter().flat_map(WalkDir::new);
    entries
        .filter(|entry| match entry {
            Ok(entry) => entry.file_type().is_file() && !output.is(entry.path()),
            Err(_) => true,
        })
        .map(|entry| {
            let entry = entry?;
            let bytes = entry.metadata()?.len();
            Ok((entry.into_path(), bytes))
        })
        .take(if options.quick { QUICK } else { usize::MAX })
}

/// Hands in every file, then waits for all of them. Says how many were skipped, and why the first ones were.
fn hash_all(
    files: impl Iterator<Item = walkdir::Result<(PathBuf, u64)>>,
    index: &Arc<Index>,
    intake: &Arc<Intake>,
    bar: &ProgressBar,
) -> u64 {
    let mut skipped = 0;
    let mut skip = |what: &dyn Error| {
        skipped += 1;
        if skipped <= SHOWN {
            bar.suspend(|| eprintln!("skipped: {what}"));
        }
    };
    for file in files {
        let (path, bytes) = match file {
            Ok(file) => file,
            Err(error) => {
                skip(&error);
                continue;
            }
        };
        index.found.add(bytes);
        let task = hash_file(path, Arc::clone(index), Arc::clone(intake));
        if !intake.push(task) {
            break;
        }
        if intake.len() >= WINDOW {
            intake.collect_one(&mut skip);
        }
    }
    answer.trigger();
    while intake.collect_one(&mut skip) {}
    skipped
}

/// Somebody outside the pool who wants to know something every 10 ms, however late the answers come.
struct Asker {
    thread: thread::JoinHandle<()>,
    /// Dropped to end it.
    go_on: mpsc::Sender<()>,
}

impl Asker {
    fn start(index: &Arc<Index>) -> Self {
        let index = Arc::clone(index);
        let (go_on, ended) = mpsc::channel();
        let thread = thread::spawn(move || {
            let mut next = Instant::now() + Duration::from_millis(10);
            while ended.recv_timeout(next.saturating_duration_since(Instant::now())) == Err(RecvTimeoutError::Timeout) {
                look_up::detach(index.latest(), Instant::now(), Arc::clone(&index));
                next += Duration::from_millis(10);
            }
        });
        Self { thread, go_on }
    }

    fn stop(self) {
        drop(self.go_on);
        self.thread.join().expect("it only asks");
    }
}

fn report(options: &Options, index: &Index, took: Duration, skipped: u64, stop: &StopReport) {
    let ((files, bytes), (found, _)) = (index.done.get(), index.found.get());
    let seconds = took.as_secs_f64();
    println!(
        "{} of {} files, {} in {seconds:.2} s: {:.0} MB/s; {skipped} skipped, {} duplicates",
        HumanCount(files),
        HumanCount(found),
        HumanBytes(bytes),
        bytes as f64 / 1e6 / seconds,
        HumanCount(index.duplicates()),
    );
    let priority = if options.fifo { "Normal, as all are" } else { "High" };
    match index.latencies().summary() {
        Some(latency) => println!("look-ups, every 10 ms ({priority}): {latency}"),
        None => println!("look-ups, every 10 ms ({priority}): it was over before the first one"),
    }
    println!("backpressure: {} files waited for room in the writer's queue", HumanCount(index.waits.load(Relaxed)));
    println!("supervisor: {stop}");
}

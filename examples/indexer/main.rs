//! Indexes folders: hashes every file and writes one JSON line for each, while somebody keeps asking questions.
//!
//! ```text
//! cargo run --release --example indexer -- [DIR]... [--fifo] [--output FILE] [--quick]
//! ```
//!
//! Without a `DIR` it takes this repository and the sources that cargo has on this machine. What runs, and where:
//!
//! | what | how often | priority | see |
//! |---|---|---|---|
//! | [`hash_file`](work::hash_file) | a task for each file, all handed in at once | `Low` | the pool is full from start to end |
//! | [`write_record`](work::write_record) | a queue worker with room for 256 | `Normal` | full, it slows those who hash |
//! | [`draw_progress`](work::draw_progress) | ten times a second | `Normal` | the bar moves |
//! | [`answer`](work::answer) | when you press Enter | `High` | tells at once what goes on |
//! | [`look_up`](work::look_up) | every 10 ms, from outside | `High` | how late it starts is measured |
//!
//! What to look at: the start latency of the look-ups in the last lines. Then run it again with `--fifo`, where all are
//! `Normal` and no place is kept for anyone: the look-ups, the bar and the answers wait behind every file that was handed in
//! before them. Nothing else differs, and the throughput is the same.
//!
//! Ctrl-C stops it cleanly: files that wait are cancelled, those that were hashed are written, and the report tells.

mod index;
mod intake;
mod latency;
mod options;
mod work;

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
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
use work::{answer, draw_progress, hash_file, look_up, write_record};

/// The walk waits when so many files are on their way: memory stays in bounds on a tree of millions.
const WINDOW: usize = 100_000;

/// Files that `--quick` is content with.
const QUICK: usize = 500;

/// Skipped files that are shown one by one; all are counted.
const SHOWN: u64 = 5;

/// What a run came to, besides what the index knows.
struct Outcome {
    took: Duration,
    skipped: u64,
    stop: StopReport,
}

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
    let create = |path: &Path| File::create(path).and_then(|file| Ok((file, path.canonicalize()?)));
    let (file, output) = create(&options.output).map_err(|error| format!("{}: {error}", options.output.display()))?;

    // Hashing keeps a CPU busy, so there are as many places as CPUs; two more are kept for each priority above.
    let cpus = thread::available_parallelism().map_or(1, usize::from);
    let kept = if options.fifo { 0 } else { 2 };
    work::ALL_ALIKE.store(options.fifo, Relaxed);
    task_supervisor().set_config(Config::new().pool_size(cpus).reserve_normal(kept).reserve_high(kept))?;

    let (index, intake) = (Arc::new(Index::default()), Arc::new(Intake::default()));
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template(
        "{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {msg}; Enter tells more",
    )?);
    write_record.start(BufWriter::new(file), Arc::clone(&intake))?;
    answer.start(Arc::clone(&index), bar.clone(), (Instant::now(), 0))?;
    draw_progress.start(Arc::clone(&index), bar.clone())?;
    if bar.is_hidden() {
        draw_progress.set_interval(Duration::from_secs(1))?;
    }
    listen(&intake)?;

    let started = Instant::now();
    let (done, when_done) = mpsc::channel::<()>();
    let asker = thread::spawn({
        let index = Arc::clone(&index);
        move || ask_again_and_again(&index, &when_done)
    });
    let mut skipped = 0;
    let mut skip = |what: &dyn Error| {
        skipped += 1;
        if skipped <= SHOWN {
            bar.suspend(|| eprintln!("skipped: {what}"));
        }
    };
    for found in files(options, &output) {
        let (path, bytes) = match found {
            Ok(found) => found,
            Err(error) => {
                skip(&error);
                continue;
            }
        };
        index.found.add(bytes);
        if !intake.push(hash_file(path, Arc::clone(&index), Arc::clone(&intake))) {
            break;
        }
        if intake.len() >= WINDOW {
            intake.collect_one(&mut skip);
        }
    }
    answer.trigger();
    while intake.collect_one(&mut skip) {}
    let took = started.elapsed();

    drop(done);
    asker.join().expect("it only asks");
    // All files are through, so this waits for the rest: items in the queue, and look-ups that have not started.
    let stop = task_supervisor().stop();
    bar.finish_and_clear();
    Ok(report(options, &index, &intake, &Outcome { took, skipped, stop }))
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
fn files(options: &Options, output: &Path) -> impl Iterator<Item = walkdir::Result<(PathBuf, u64)>> {
    let is_output = move |path: &Path| {
        path.file_name() == output.file_name() && path.canonicalize().is_ok_and(|path| path == output)
    };
    let entries = options.roots.iter().flat_map(WalkDir::new);
    entries
        .filter(move |entry| {
            entry.as_ref().map_or(true, |entry| entry.file_type().is_file() && !is_output(entry.path()))
        })
        .map(|entry| {
            let entry = entry?;
            let bytes = entry.metadata()?.len();
            Ok((entry.into_path(), bytes))
        })
        .take(if options.quick { QUICK } else { usize::MAX })
}

/// Somebody outside the pool who wants to know something every 10 ms, however late the answers come.
fn ask_again_and_again(index: &Arc<Index>, when_done: &mpsc::Receiver<()>) {
    let mut next = Instant::now();
    loop {
        next += Duration::from_millis(10);
        let pause = next.saturating_duration_since(Instant::now());
        if when_done.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
            return;
        }
        look_up::detach(index.latest(), Instant::now(), Arc::clone(index));
    }
}

fn report(options: &Options, index: &Index, intake: &Intake, outcome: &Outcome) -> ExitCode {
    let Outcome { took, skipped, stop } = outcome;
    let ((files, bytes), (found, _)) = (index.done.get(), index.found.get());
    println!(
        "{} of {} files, {} in {:.2} s: {:.0} MB/s; {skipped} skipped, {} duplicates",
        HumanCount(files),
        HumanCount(found),
        HumanBytes(bytes),
        took.as_secs_f64(),
        bytes as f64 / 1e6 / took.as_secs_f64().max(1e-9),
        HumanCount(index.duplicates()),
    );
    match index.latencies().summary() {
        Some(latency) => println!("look-ups every 10 ms, {}: {latency}", if options.fifo { "all alike" } else { "High" }),
        None => println!("look-ups every 10 ms: over before the first one"),
    }
    println!("backpressure: {} times a file waited for room in the writer's queue", index.waits.load(Relaxed));
    println!("supervisor: {stop}");
    println!("index: {}", options.output.display());
    if let Some(error) = intake.failure() {
        eprintln!("indexer: {}: {error}", options.output.display());
        return ExitCode::FAILURE;
    }
    if intake.is_closed() {
        println!("interrupted: {} files were cancelled, and those above are written", stop.cancelled);
        return ExitCode::from(130);
    }
    println!("compare: the same {} --fifo", if options.fifo { "without" } else { "with" });
    ExitCode::SUCCESS
}

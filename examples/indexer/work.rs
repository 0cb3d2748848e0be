//! The tasks and workers: all that runs on the pool.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;

use atasker::{Priority, PutError, background_task, background_worker, task_supervisor};
use blake3::{Hash, Hasher};
use indicatif::{HumanBytes, HumanCount, ProgressBar};

use crate::index::{Index, Longest};
use crate::intake::Intake;
use crate::output::{Output, Record};

/// Set by `--fifo`, before anything is started.
pub(crate) static ALL_ALIKE: AtomicBool = AtomicBool::new(false);

/// The priority itself, or `Normal` for everyone.
fn rank(priority: Priority) -> Priority {
    if ALL_ALIKE.load(Relaxed) { Priority::Normal } else { priority }
}

/// Hashes one file and hands its digest to the writer; waits there while the queue is full.
#[background_task(priority = rank(Priority::Low))]
pub(crate) fn hash_file(path: PathBuf, index: Arc<Index>, intake: Arc<Intake>) -> Result<(), Skipped> {
    let began = Instant::now();
    let (hash, size) = match digest(&path, &intake) {
        Ok(digest) => digest,
        Err(why) => return Err(Skipped { path, why }),
    };
    let record = Record { path: path.to_string_lossy().into_owned(), size, hash: hash.to_string() };
    index.enter(hash, path, size, began.elapsed());
    let put = write_record.try_put(record).or_else(|refused| match refused {
        PutError::Full(record) => {
            index.waits.fetch_add(1, Relaxed);
            write_record.put(record)
        }
        refused => Err(refused),
    });
    put.map_err(|refused| Skipped {
        path: refused.into_inner().path.into(),
        why: io::Error::other("the output is closed"),
    })
}

/// Writes a line for each file. An error ends it: what is queued then is discarded, and the intake is closed.
///
/// Nobody waits for a line, so it is as `Low` as its source: above that it would be woken for every single one.
#[background_worker(queue = 256, priority = rank(Priority::Low))]
pub(crate) fn write_record(record: Record, out: &Output, intake: &Intake) -> ControlFlow<()> {
    match out.write(&record) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            intake.close(Some(error));
            ControlFlow::Break(())
        }
    }
}

/// Draws the bar. Where there is no terminal, prints a line now and then.
#[background_worker(interval = 100ms)]
pub(crate) fn draw_progress(index: &Index, bar: &ProgressBar) {
    let ((files, bytes), (of_files, of_bytes)) = (index.done.get(), index.found.get());
    bar.set_length(of_bytes);
    bar.set_position(bytes);
    bar.set_message(format!("{} of {} files", HumanCount(files), HumanCount(of_files)));
    if bar.is_hidden() && files > 0 {
        eprintln!("{} of {} files, {}", HumanCount(files), HumanCount(of_files), HumanBytes(bytes));
    }
}

/// Tells what goes on right now. `last` is when it was last asked, and the bytes then.
#[background_worker(event, priority = rank(Priority::High))]
pub(crate) fn answer(index: &Index, bar: &ProgressBar, last: &mut (Instant, u64)) {
    let (files, bytes) = index.done.get();
    let since = std::mem::replace(last, (Instant::now(), bytes));
    let rate = (bytes - since.1) as f64 / 1e6 / since.0.elapsed().as_secs_f64();
    let info = task_supervisor().info();
    bar.suspend(|| {
        eprintln!(
            "{} files, {rate:.0} MB/s since last asked; {} run, {} wait for a place, {} for the writer; {} threads",
            HumanCount(files),
            info.active.total(),
            info.queued.total(),
            write_record.len(),
            info.threads
        );
        if let Some(Longest { path, took }) = index.longest() {
            eprintln!("longest so far: {}, {took:.1?}", path.display());
        }
    });
}

/// Somebody's question: how many files have these contents? Notes how long after the question it started.
#[background_task(priority = rank(Priority::High))]
pub(crate) fn look_up(hash: Option<Hash>, asked: Instant, index: Arc<Index>) -> u32 {
    index.latencies().add(asked.elapsed());
    hash.map_or(0, |hash| index.copies(&hash))
}

/// A file that is not in the index, and why.
#[derive(Debug)]
pub(crate) struct Skipped {
    path: PathBuf,
    why: io::Error,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.why)
    }
}

impl Error for Skipped {}

/// The digest and size of a file. Ends early when the intake is closed meanwhile: files can be long.
fn digest(path: &Path, intake: &Intake) -> io::Result<(Hash, u64)> {
    let mut file = File::open(path)?;
    let mut hasher = Hasher::new();
    let mut buffer = [0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((hasher.finalize(), hasher.count())),
            _ if intake.is_closed() => return Err(io::Error::other("interrupted")),
            read => drop(hasher.update(&buffer[..read])),
        }
    }
}

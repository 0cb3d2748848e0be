//! The proof: the service in a child process, clients at it from here, a signal in the middle, and a look at the database.

use std::collections::HashSet;
use std::error::Error;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use std::{env, fs, process};

use atasker::task_supervisor;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rusqlite::Connection;

use crate::load::{Tally, client};

/// So many upload at once.
const CLIENTS: i64 = 24;

/// The signal is sent once so many uploads were acknowledged: more than the queues hold, so that some wait for room in them.
const BEFORE: u64 = 1500;

/// A service that does not get so far in this time has failed.
const LONGEST: Duration = Duration::from_secs(30);

/// The child; killed where it is left running by a mistake.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        // It has ended, or else nobody waits for it any more.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

pub(crate) async fn prove() -> Result<ExitCode, Box<dyn Error>> {
    let folder = env::temp_dir().join(format!("atasker-uploads-{}", process::id()));
    fs::create_dir_all(&folder)?;
    let database = folder.join("uploads.sqlite");
    let faults = stop_under_load(&database).await?;
    if faults.is_empty() {
        println!("proved: every upload that was acknowledged is in the database, and no request was turned away");
        fs::remove_dir_all(&folder)?;
        return Ok(ExitCode::SUCCESS);
    }
    for fault in faults {
        println!("NOT SO: {fault}");
    }
    println!("the database is kept: {}", database.display());
    Ok(ExitCode::FAILURE)
}

async fn stop_under_load(database: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut command = Command::new(env::current_exe()?);
    command.arg("--database").arg(database).stdout(Stdio::piped());
    let mut service = Service(command.spawn()?);
    let mut output = BufReader::new(service.0.stdout.take().ok_or("its output is a pipe")?);
    let mut address = String::new();
    output.read_line(&mut address)?;
    let uploads = format!("{}/uploads", address.trim());

    let answered = Arc::new(AtomicU64::new(0));
    let clients: Vec<_> =
        (0..CLIENTS).map(|number| tokio::spawn(client(number, uploads.clone(), Arc::clone(&answered)))).collect();
    let began = Instant::now();
    while answered.load(Relaxed) < BEFORE {
        if began.elapsed() > LONGEST || task_supervisor().is_stopping() {
            return Err("the service acknowledges too little".into());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let (before, signalled) = (answered.load(Relaxed), Instant::now());
    kill(Pid::from_raw(service.0.id().cast_signed()), Signal::SIGTERM)?;
    let mut tallies = Vec::new();
    for client in clients {
        tallies.push(client.await?);
    }
    // Clients have no connection any more; the service still works off what it has acknowledged.
    let answered_all = signalled.elapsed();
    let mut last_words = String::new();
    output.read_to_string(&mut last_words)?;
    let status = service.0.wait()?;
    let ended = signalled.elapsed();

    let db = Connection::open(database)?;
    let stored: HashSet<i64> =
        db.prepare("SELECT number FROM uploads")?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let acknowledged: Vec<i64> = tallies.iter().flat_map(|tally| tally.acknowledged.iter().copied()).collect();
    let refused: Vec<_> = tallies.iter().flat_map(|tally| &tally.refused).collect();
    let lost = acknowledged.iter().filter(|number| !stored.contains(number)).count();
    println!(
        "{} acknowledged, {before} of them before the signal; {} stored; {} clients found the door closed",
        acknowledged.len(),
        stored.len(),
        tallies.iter().filter(|Tally { unanswered, .. }| *unanswered).count(),
    );
    println!("last answer {answered_all:.1?} after the signal, end {ended:.1?} after it, with {status}");
    print!("{last_words}");

    let mut faults = Vec::new();
    if lost > 0 {
        faults.push(format!("{lost} uploads were acknowledged and are not in the database"));
    }
    if let Some((upload, status)) = refused.first() {
        faults.push(format!("{} requests were turned away, the first, {upload}, with {status}", refused.len()));
    }
    if !status.success() {
        faults.push(format!("the service ended with {status}"));
    }
    if acknowledged.len() as u64 == before {
        faults.push("no request was in flight when the signal came: nothing is proved".to_owned());
    }
    Ok(faults)
}

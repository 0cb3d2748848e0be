//! The service: a handler that acknowledges, and the two workers behind it.

use std::error::Error;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use atasker::{WorkerError, background_worker, task_supervisor};
use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use rusqlite::{Connection, params};
use tokio::net::TcpListener;

/// How long a look at an upload takes: long enough that many wait for it when the signal comes.
const LOOK: Duration = Duration::from_millis(1);

/// How many uploads wait at most. A handler that finds the queue full waits for room, and its client with it.
const WAITING: usize = 512;

/// Looks at an upload and passes it on. While it waits for room behind it, it holds up those who wait before it.
#[background_worker(queue = WAITING, on_error = tell)]
fn check(number: i64) -> Result<(), atasker::PutError<i64>> {
    thread::sleep(LOOK);
    store.put(number)
}

/// Writes it down. The connection is its state.
#[background_worker(queue = WAITING, on_error = tell)]
fn store(number: i64, db: &mut Connection) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT INTO uploads VALUES (?1)")?.execute(params![number])?;
    Ok(())
}

/// An upload that is lost after it was acknowledged: the proof will miss it.
fn tell(error: &WorkerError) {
    eprintln!("an upload is lost: {error}");
}

/// How many requests handlers have begun with, and how many of them they have answered.
static BEGUN: AtomicU64 = AtomicU64::new(0);
static ANSWERED: AtomicU64 = AtomicU64::new(0);

/// Serves until a stop is announced, then answers what has come in by then.
pub(crate) async fn serve(port: u16, database: &Path) -> Result<(), Box<dyn Error>> {
    let db = Connection::open(database)?;
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
        CREATE TABLE IF NOT EXISTS uploads (number INTEGER PRIMARY KEY) STRICT;",
    )?;
    store.start(db)?;
    check.start()?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://{}", listener.local_addr()?);
    let routes = Router::new().route("/uploads", post(accept));
    axum::serve(listener, routes).with_graceful_shutdown(task_supervisor().stop_requested()).await?;
    let (begun, answered) = (BEGUN.load(Relaxed), ANSWERED.load(Relaxed));
    println!(
        "{answered} of {begun} requests answered, {} wait to be checked, {} to be stored",
        check.len(),
        store.len()
    );
    if answered == begun { Ok(()) } else { Err("requests were cut off".into()) }
}

/// Acknowledges an upload once it is in the queue: from there on, it is ours.
async fn accept(number: String) -> Result<StatusCode, (StatusCode, String)> {
    // Relaxed: counts, looked at when the tasks of all connections have ended.
    BEGUN.fetch_add(1, Relaxed);
    let answer = match number.parse() {
        Err(_) => Err((StatusCode::BAD_REQUEST, "an upload is a number".to_owned())),
        Ok(number) => match check.put_async(number).await {
            Ok(()) => Ok(StatusCode::ACCEPTED),
            Err(error) => Err((StatusCode::SERVICE_UNAVAILABLE, error.to_string())),
        },
    };
    ANSWERED.fetch_add(1, Relaxed);
    answer
}

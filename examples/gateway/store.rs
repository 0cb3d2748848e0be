//! The database, and the one worker that writes to it.

use std::path::Path;
use std::time::Duration;

use atasker::{Priority, WorkerError, background_worker};
use rusqlite::{Connection, params};

use crate::work::{Trace, rank};

/// Something to be kept.
#[derive(Debug)]
pub(crate) enum Row {
    /// A request that was worked on, and is answered once this row is on its way.
    Request {
        client: u32,
        number: u32,
        urgency: i64,
        submitted: i64,
        trace: Trace,
    },
    Reading {
        sensor: &'static str,
        run: u64,
        value: f64,
    },
    Alarm {
        sensor: &'static str,
        run: u64,
        value: f64,
    },
    Report {
        at: String,
        line: String,
    },
}

const TABLES: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE requests (
        client INTEGER NOT NULL, number INTEGER NOT NULL,
        urgency INTEGER NOT NULL,               -- 1 Low, 2 Normal, 3 High: what the client wanted
        submitted INTEGER NOT NULL, started INTEGER NOT NULL, ended INTEGER NOT NULL,  -- moments of one count
        thread INTEGER NOT NULL,                -- the pool thread that ran it
        waited_us INTEGER NOT NULL,
        PRIMARY KEY (client, number)
    ) STRICT;
    CREATE TABLE readings (sensor TEXT NOT NULL, run INTEGER NOT NULL, value REAL NOT NULL, PRIMARY KEY (sensor, run)) STRICT;
    CREATE TABLE alarms (sensor TEXT NOT NULL, run INTEGER NOT NULL, value REAL NOT NULL, PRIMARY KEY (sensor, run)) STRICT;
    CREATE TABLE reports (at TEXT NOT NULL, line TEXT NOT NULL) STRICT;
";

/// Makes the database, with its tables.
pub(crate) fn create(path: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open(path)?;
    db.execute_batch(TABLES)?;
    Ok(db)
}

/// Another connection, for somebody who only looks.
pub(crate) fn open(path: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open(path)?;
    db.busy_timeout(Duration::from_secs(5))?;
    Ok(db)
}

/// Writes one row. The connection is its state: nobody else writes, so nothing is ever locked out.
#[background_worker(queue = 256, priority = rank(Priority::Normal), on_error = tell)]
pub(crate) fn write_row(row: Row, db: &mut Connection) -> rusqlite::Result<()> {
    match row {
        Row::Request { client, number, urgency, submitted, trace } => {
            let Trace { thread, started, ended, waited } = trace;
            let waited_us = i64::try_from(waited.as_micros()).unwrap_or(i64::MAX);
            db.prepare_cached("INSERT INTO requests VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?
                .execute(params![client, number, urgency, submitted, started, ended, thread, waited_us])?;
        }
        Row::Reading { sensor, run, value } => {
            db.prepare_cached("INSERT INTO readings VALUES (?1, ?2, ?3)")?.execute(params![
                sensor,
                run.cast_signed(),
                value
            ])?;
        }
        Row::Alarm { sensor, run, value } => {
            db.prepare_cached("INSERT INTO alarms VALUES (?1, ?2, ?3)")?.execute(params![
                sensor,
                run.cast_signed(),
                value
            ])?;
        }
        Row::Report { at, line } => {
            db.prepare_cached("INSERT INTO reports VALUES (?1, ?2)")?.execute(params![at, line])?;
        }
    }
    Ok(())
}

/// A row that could not be written is counted by the worker, and the proof will miss it.
fn tell(error: &WorkerError) {
    eprintln!("a row is lost: {error}");
}

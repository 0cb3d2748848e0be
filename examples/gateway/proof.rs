//! The proof, from the database, of two claims.
//!
//! **Nothing was lost.** What clients were answered, sensors have read and alarms were raised is told by those who saw it, and
//! for each there is one row. Keys are unique, so equal counts are equal sets.
//!
//! **Nothing urgent waited behind something less urgent.** Each request has three moments of one count: it was submitted (its
//! task was in the queue by then), it started, it ended. A request `lesser` went before a request `urgent` if
//!
//! - it started after `urgent` was submitted and before that started, and
//! - its thread was still busy when `urgent` was submitted (so that it chose afterwards, and could see both), and
//! - the thread that was to start `urgent` was still busy when `lesser` started (so that nobody had taken `urgent` yet).
//!
//! ```text
//! thread 1   ───── earlier ─────┤ chooses ├── lesser ──────
//! thread 2   ───────────────── earlier ───────────┤├── urgent ──
//!                       ▲ urgent is submitted
//! ```
//!
//! Where that happens, a free place was given to the wrong one: ceilings rise with urgency, so a place that was free for
//! `lesser` was free for `urgent`. The rule is one about taking, which no body can see; without the third condition a
//! thread that has taken `urgent`, and is not awake yet, would look like a fault. Those cases are counted apart. Within one
//! urgency, threads take up to 32 at a time, so nothing is claimed about the order there.

use std::fmt;
use std::path::Path;

use atasker::{Priority, WorkerInfo};
use rusqlite::{Connection, Params, params};

use crate::load::Tally;
use crate::sensor::Sensor;
use crate::store;

/// What those have seen who were there.
pub(crate) struct Evidence {
    pub(crate) tallies: Vec<Tally>,
    pub(crate) sensors: Vec<Sensor>,
    /// The workers that read the sensors, in the same order.
    pub(crate) readers: Vec<WorkerInfo>,
    pub(crate) alarms: u64,
    pub(crate) reports: u64,
    pub(crate) store: WorkerInfo,
}

/// What came of the proof.
#[derive(Default)]
pub(crate) struct Verdict {
    /// What was counted.
    table: Vec<String>,
    /// What contradicts a claim.
    faults: Vec<String>,
}

const URGENCIES: [(Priority, i64); 3] = [(Priority::High, 3), (Priority::Normal, 2), (Priority::Low, 1)];

pub(crate) fn prove(database: &Path, evidence: &Evidence) -> rusqlite::Result<Verdict> {
    let db = store::open(database)?;
    let mut verdict = Verdict::default();
    verdict.count_requests(&db)?;
    verdict.count_rows(&db)?;
    verdict.nothing_was_lost(&db, evidence)?;
    verdict.nothing_urgent_waited(&db)?;
    Ok(verdict)
}

impl Verdict {
    pub(crate) fn holds(&self) -> bool {
        self.faults.is_empty()
    }

    fn count_requests(&mut self, db: &Connection) -> rusqlite::Result<()> {
        self.table
            .push(format!("{:8}{:>10}{:>14}{:>14}{:>14}", "", "requests", "p50 wait ms", "p99 wait ms", "longest ms"));
        for (urgency, number) in URGENCIES {
            let count = ask(db, "SELECT count(*) FROM requests WHERE urgency = ?1", [number])?;
            if count == 0 {
                self.faults.push(format!("there was no {urgency} request"));
                continue;
            }
            let wait = |percent: i64| {
                const NTH: &str =
                    "SELECT waited_us FROM requests WHERE urgency = ?1 ORDER BY waited_us LIMIT 1 OFFSET ?2";
                // The nearest rank, counted from 0.
                let rank = ((count * percent + 99) / 100).max(1) - 1;
                ask(db, NTH, [number, rank]).map(|us| us as f64 / 1e3)
            };
            let (p50, p99, longest) = (wait(50)?, wait(99)?, wait(100)?);
            self.table.push(format!("{:8}{count:>10}{p50:>14.2}{p99:>14.2}{longest:>14.2}", urgency.to_string()));
        }
        Ok(())
    }

    fn count_rows(&mut self, db: &Connection) -> rusqlite::Result<()> {
        let count = |table| ask(db, &format!("SELECT count(*) FROM {table}"), []);
        let (readings, alarms, reports) = (count("readings")?, count("alarms")?, count("reports")?);
        self.table.push(format!("rows: {readings} readings, {alarms} alarms, {reports} reports"));
        Ok(())
    }

    fn nothing_was_lost(&mut self, db: &Connection, evidence: &Evidence) -> rusqlite::Result<()> {
        for Tally { client, urgency, answered, failure } in &evidence.tallies {
            if let Some(why) = failure {
                self.faults.push(format!("client {client} ({urgency}) gave up: {why}"));
            }
            // Each client numbers its requests from 0 on, and none of them twice.
            const OWN: &str = "SELECT count(*) FROM requests WHERE client = ?1 AND number < ?2";
            self.equal(&format!("answers to client {client}"), u64::from(*answered), ask(db, OWN, [client, answered])?);
        }
        let answers = evidence.tallies.iter().map(|tally| u64::from(tally.answered)).sum();
        self.equal("answers", answers, ask(db, "SELECT count(*) FROM requests", [])?);
        for (reader, sensor) in evidence.readers.iter().zip(&evidence.sensors) {
            const OWN: &str = "SELECT count(*) FROM readings WHERE sensor = ?1 AND run <= ?2";
            let rows = ask(db, OWN, params![sensor.name, reader.runs.cast_signed()])?;
            self.equal(&format!("readings of {}", sensor.name), reader.runs, rows);
            const SILENT: &str = "
                SELECT count(*) FROM readings LEFT JOIN alarms USING (sensor, run)
                WHERE sensor = ?1 AND readings.value > ?2 AND alarms.value IS NULL";
            let silent = ask(db, SILENT, params![sensor.name, sensor.limit])?;
            self.none(&format!("readings of {} above the limit have no alarm", sensor.name), silent);
        }
        self.equal("alarms", evidence.alarms, ask(db, "SELECT count(*) FROM alarms", [])?);
        self.equal("reports", evidence.reports, ask(db, "SELECT count(*) FROM reports", [])?);
        let WorkerInfo { errors, panics, discarded, .. } = &evidence.store;
        self.none("rows could not be stored", (errors + panics + discarded).cast_signed());
        Ok(())
    }

    fn nothing_urgent_waited(&mut self, db: &Connection) -> rusqlite::Result<()> {
        // `busy_until` is the moment its thread was last seen at something else.
        db.execute_batch(
            "CREATE TEMP TABLE runs AS
                SELECT urgency, submitted, started, thread,
                    coalesce(lag(ended) OVER (PARTITION BY thread ORDER BY started), -1) AS busy_until
                FROM requests;
            CREATE INDEX temp.by_start ON runs (started);",
        )?;
        const OVERTAKEN: &str = "
            SELECT count(DISTINCT urgent.rowid) FROM runs AS urgent JOIN runs AS lesser
                ON lesser.started > urgent.submitted AND lesser.started < urgent.started
            WHERE urgent.urgency = ?1 AND lesser.urgency = ?2 AND lesser.busy_until > urgent.submitted
                AND (urgent.busy_until > lesser.started) = ?3";
        // Within 200 moments, everything that had waited has started.
        const TEMPTED: &str = "
            SELECT count(*) FROM runs AS urgent WHERE urgency = ?1 AND EXISTS (
                SELECT 1 FROM runs AS lesser WHERE lesser.urgency = ?2 AND lesser.submitted < urgent.submitted
                    AND lesser.started BETWEEN urgent.submitted AND urgent.submitted + 200)";
        for (urgent, urgent_number) in URGENCIES {
            for (lesser, lesser_number) in URGENCIES.into_iter().filter(|(_, number)| *number < urgent_number) {
                let tempted = ask(db, TEMPTED, [urgent_number, lesser_number])?;
                let overtaken = ask(db, OVERTAKEN, params![urgent_number, lesser_number, true])?;
                let on_their_way = ask(db, OVERTAKEN, params![urgent_number, lesser_number, false])?;
                self.table.push(format!(
                    "{tempted} {urgent} requests came while {lesser} ones waited: {overtaken} of them waited behind one, {on_their_way} \
                     were perhaps on their way"
                ));
                self.none(&format!("{urgent} requests waited behind {lesser} ones"), overtaken);
                if tempted == 0 && lesser == Priority::Low {
                    self.faults.push(format!("no {lesser} request waited when a {urgent} one came: nothing is proved"));
                }
            }
        }
        Ok(())
    }

    fn equal(&mut self, what: &str, seen: u64, rows: i64) {
        if u64::try_from(rows) != Ok(seen) {
            self.faults.push(format!("{seen} {what}, but {rows} rows"));
        }
    }

    fn none(&mut self, what: &str, count: i64) {
        if count != 0 {
            self.faults.push(format!("{count} {what}"));
        }
    }
}

/// A query for one number.
fn ask(db: &Connection, query: &str, params: impl Params) -> rusqlite::Result<i64> {
    db.prepare_cached(query)?.query_row(params, |row| row.get(0))
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.table {
            writeln!(f, "{line}")?;
        }
        if self.holds() {
            return f.write_str("proved: nothing was lost, and nothing urgent waited behind something less urgent");
        }
        let shown: Vec<_> = self.faults.iter().map(|fault| format!("NOT SO: {fault}")).collect();
        f.write_str(&shown.join("\n"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// What a database with these requests contradicts: urgency, submitted, started, ended, thread.
    fn faults(requests: &[[i64; 5]]) -> Vec<String> {
        let db = store::create(Path::new(":memory:")).unwrap();
        for (number, [urgency, submitted, started, ended, thread]) in (0_i64..).zip(requests) {
            let row = params![number, urgency, submitted, started, ended, thread];
            db.execute("INSERT INTO requests VALUES (0, ?1, ?2, ?3, ?4, ?5, ?6, 0)", row).unwrap();
        }
        let mut verdict = Verdict::default();
        verdict.nothing_urgent_waited(&db).unwrap();
        verdict.faults.into_iter().filter(|fault| fault.contains("behind")).collect()
    }

    #[test]
    fn an_urgent_request_that_waited_behind_another_is_found() {
        let first_in_first_out = [[1, 0, 2, 10, 1], [1, 1, 11, 20, 1], [3, 5, 21, 30, 1]];
        assert_eq!(faults(&first_in_first_out), ["1 High requests waited behind Low ones"]);
        let of_another_thread = [[1, 0, 2, 10, 1], [2, 1, 3, 15, 2], [1, 2, 11, 20, 1], [3, 5, 16, 30, 2]];
        assert_eq!(faults(&of_another_thread), ["1 High requests waited behind Low ones"]);
    }

    #[test]
    fn what_could_not_be_helped_is_no_fault() {
        let chosen_before = [[1, 0, 2, 4, 1], [1, 1, 11, 20, 1], [3, 5, 21, 30, 1]];
        let on_its_way = [[1, 0, 2, 10, 1], [1, 1, 11, 20, 1], [3, 5, 12, 30, 2]];
        let urgent_first = [[1, 0, 2, 10, 1], [1, 1, 21, 30, 1], [3, 5, 11, 20, 1]];
        for requests in [&chosen_before[..], &on_its_way, &urgent_first] {
            assert_eq!(faults(requests), [""; 0]);
        }
    }
}

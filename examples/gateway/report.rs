//! The report, by the clocks of the plant.

use std::error::Error;
use std::time::SystemTime;

use atasker::{Priority, WorkerContext, background_worker, task_supervisor};
use jiff::Timestamp;

use crate::store::{Row, write_row};
use crate::work::rank;

/// Where the plant stands.
const ZONE: &str = "Europe/Prague";

/// Tells what is going on. A real one would come at six in the morning; this one does not keep you waiting.
#[background_worker(cron = "*/5 * * * * *", tz = "Europe/Prague", priority = rank(Priority::Normal))]
pub(crate) fn send_report(cx: &WorkerContext) -> Result<(), Box<dyn Error>> {
    let due = Timestamp::try_from(cx.due_on_wall().unwrap_or_else(SystemTime::now))?;
    let at = due.in_tz(ZONE)?.strftime("%F %T %Z").to_string();
    let info = task_supervisor().info();
    let line = format!(
        "{} tasks done; {} Low, {} Normal, {} High wait for a place; {} rows for the store",
        info.totals.completed,
        info.queued.low,
        info.queued.normal,
        info.queued.high,
        write_row.len(),
    );
    println!("{at}  {line}");
    write_row.put(Row::Report { at, line })?;
    Ok(())
}

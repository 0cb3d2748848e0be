//! Each peer, asked by its own code when a line comes next.

use std::error::Error;
use std::str::FromStr;

use chrono::{DateTime, FixedOffset, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use croner::parser::CronParser;
use tokio_cron_scheduler::Job;

/// The run after a moment; `None` where there is no more.
pub(crate) type Ask = Box<dyn FnMut(DateTime<Utc>) -> Result<Option<DateTime<Utc>>, Box<dyn Error>>>;

/// What answers for a line in a zone, of a job that was made at some moment.
pub(crate) type Next = fn(&'static str, Tz, DateTime<Utc>) -> Result<Ask, Box<dyn Error>>;

/// Ours first.
pub(crate) const PEERS: &[(&str, Next)] =
    &[("atasker", atasker), ("tokio-cron-scheduler", tokio_cron_scheduler), ("croner", croner), ("cron", cron)];

fn atasker(line: &'static str, zone: Tz, _made: DateTime<Utc>) -> Result<Ask, Box<dyn Error>> {
    let cron = atasker::Cron::parse(line)?.tz(zone.name());
    Ok(Box::new(move |after| Ok(cron.next_after(after.into())?.map(Into::into))))
}

fn tokio_cron_scheduler(line: &'static str, zone: Tz, made: DateTime<Utc>) -> Result<Ask, Box<dyn Error>> {
    let schedule = Job::new_tz(line, zone, |_, _| ())?.job_data()?.schedule().ok_or("a cron job has a schedule")?;
    let offset: FixedOffset = zone.offset_from_utc_datetime(&made.naive_utc()).fix();
    let mut first = true;
    Ok(Box::new(move |after| {
        if std::mem::take(&mut first) {
            return Ok(Some(schedule.find_next_occurrence(&after.with_timezone(&zone), false)?.to_utc()));
        }
        // Its loop looks each 500 ms, so half of that after a run on average.
        let now = after + TimeDelta::milliseconds(250);
        Ok(schedule.iter_after(now.with_timezone(&offset)).next().map(|run| run.to_utc()))
    }))
}

fn croner(line: &'static str, zone: Tz, _made: DateTime<Utc>) -> Result<Ask, Box<dyn Error>> {
    let cron = CronParser::new().parse(line)?;
    Ok(Box::new(move |after| Ok(Some(cron.find_next_occurrence(&after.with_timezone(&zone), false)?.to_utc()))))
}

fn cron(line: &'static str, zone: Tz, _made: DateTime<Utc>) -> Result<Ask, Box<dyn Error>> {
    let schedule = cron::Schedule::from_str(line)?;
    Ok(Box::new(move |after| Ok(schedule.after(&after.with_timezone(&zone)).next().map(|run| run.to_utc()))))
}

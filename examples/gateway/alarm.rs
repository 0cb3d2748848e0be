//! Alarms: raised by whoever sees one, sounded by an event worker.

use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use atasker::{Priority, background_worker};

use crate::store::{Row, write_row};
use crate::work::rank;

/// A reading above its limit.
#[derive(Debug)]
pub(crate) struct Alarm {
    pub(crate) sensor: &'static str,
    pub(crate) run: u64,
    pub(crate) value: f64,
}

/// Alarms that were raised and not sounded. Triggers that come together make one run, so what they were about lies here.
#[derive(Debug, Default)]
pub(crate) struct Alarms(Mutex<(Vec<Alarm>, u64)>);

impl Alarms {
    pub(crate) fn raise(&self, alarm: Alarm) {
        let mut held = self.held();
        held.0.push(alarm);
        held.1 += 1;
    }

    /// How many there ever were.
    pub(crate) fn raised(&self) -> u64 {
        self.held().1
    }

    fn take(&self) -> Vec<Alarm> {
        mem::take(&mut self.held().0)
    }

    fn held(&self) -> MutexGuard<'_, (Vec<Alarm>, u64)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sounds every alarm that was raised; here the siren is a row in the database.
#[background_worker(event, priority = rank(Priority::High))]
pub(crate) fn sound_alarm(alarms: &Alarms) -> Result<(), String> {
    for Alarm { sensor, run, value } in alarms.take() {
        write_row.put(Row::Alarm { sensor, run, value }).map_err(|refused| refused.to_string())?;
    }
    Ok(())
}

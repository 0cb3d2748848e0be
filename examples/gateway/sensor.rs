//! The sensors: files that the system keeps.

use std::fs;
use std::sync::Arc;

use atasker::{Priority, WorkerContext, background_worker};

use crate::alarm::{Alarm, Alarms, sound_alarm};
use crate::store::{Row, write_row};
use crate::work::rank;

/// Something that can be measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sensor {
    pub(crate) name: &'static str,
    path: &'static str,
    /// Finds the value in the file's text.
    read: fn(&str) -> Option<f64>,
    /// Above this it is an alarm.
    pub(crate) limit: f64,
}

const SENSORS: [Sensor; 6] = [
    Sensor { name: "load", path: "/proc/loadavg", read: |text| word(text, 0), limit: f64::INFINITY },
    Sensor { name: "memory", path: "/proc/meminfo", read: |text| field(text, "MemAvailable:"), limit: f64::INFINITY },
    Sensor { name: "switches", path: "/proc/stat", read: |text| field(text, "ctxt"), limit: f64::INFINITY },
    // More than this very reader wants to run: under the load of this example, that is the rule.
    Sensor { name: "runnable", path: "/proc/stat", read: |text| field(text, "procs_running"), limit: 1.0 },
    Sensor { name: "cpus", path: "/sys/devices/system/cpu/online", read: last_cpu, limit: f64::INFINITY },
    Sensor {
        name: "temperature",
        path: "/sys/class/thermal/thermal_zone0/temp",
        read: |text| word(text, 0).map(|millidegrees| millidegrees / 1e3),
        limit: 90.0,
    },
];

/// Those that this machine has.
pub(crate) fn find() -> Vec<Sensor> {
    SENSORS.into_iter().filter(|sensor| sensor.value().is_ok()).collect()
}

/// The one of that number, counted round and round.
pub(crate) fn any(sensors: &[Sensor], number: usize) -> Option<Sensor> {
    sensors.get(number % sensors.len().max(1)).copied()
}

impl Sensor {
    pub(crate) fn value(&self) -> Result<f64, String> {
        let text = fs::read_to_string(self.path).map_err(|error| format!("{}: {error}", self.path))?;
        (self.read)(&text).ok_or_else(|| format!("{}: there is no {} in it", self.path, self.name))
    }
}

/// Reads one sensor. Each has an instance of its own, so a slow one holds up no other.
#[background_worker(interval = 100ms, priority = rank(Priority::Normal))]
pub(crate) fn read_sensor(cx: &WorkerContext, sensor: Sensor, alarms: &Arc<Alarms>) -> Result<(), String> {
    let (value, run) = (sensor.value()?, cx.run());
    write_row.put(Row::Reading { sensor: sensor.name, run, value }).map_err(|refused| refused.to_string())?;
    if value > sensor.limit {
        alarms.raise(Alarm { sensor: sensor.name, run, value });
        sound_alarm.trigger();
    }
    Ok(())
}

fn word(text: &str, number: usize) -> Option<f64> {
    text.split_whitespace().nth(number)?.parse().ok()
}

/// The number behind a word at the beginning of a line.
fn field(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|line| word(line.strip_prefix(name)?, 0))
}

/// The last number of a list such as `0-3,5`.
fn last_cpu(text: &str) -> Option<f64> {
    text.trim().rsplit(['-', ',']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_in_what_the_system_writes() {
        assert_eq!(word("0.41 0.50 0.61 2/300 1234\n", 0), Some(0.41));
        assert_eq!(field("MemTotal: 8 kB\nMemAvailable:   4 kB\n", "MemAvailable:"), Some(4.0));
        assert_eq!(field("ctxt 12\nbtime 1\n", "procs_running"), None);
        assert_eq!(last_cpu("0-3,5\n"), Some(5.0));
        assert_eq!(last_cpu("0\n"), Some(0.0));
    }
}

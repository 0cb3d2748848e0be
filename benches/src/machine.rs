//! What else the machine was doing. Linux tells by `/proc`; elsewhere the answers are `None`, and the report says so.

use std::time::{Duration, Instant};

#[cfg(unix)]
use nix::sys::resource::{UsageWho, getrusage};

use crate::record::Meanwhile;

/// Watches the machine from its making until [`Watch::finish`].
pub(crate) struct Watch {
    start: Instant,
    cpu: Option<Cpu>,
    own: Option<Duration>,
    loadavg: Option<String>,
}

impl Watch {
    pub(crate) fn start() -> Self {
        Self {
            start: Instant::now(),
            cpu: Cpu::now(),
            own: process_cpu().map(|cpu| cpu + children_cpu()),
            loadavg: loadavg(),
        }
    }

    pub(crate) fn finish(self) -> Meanwhile {
        let seconds = self.start.elapsed().as_secs_f64();
        let percent = |time: f64| 100.0 * time / seconds;
        let own =
            process_cpu().map(|cpu| cpu + children_cpu()).zip(self.own).map(|(now, then)| (now - then).as_secs_f64());
        let cpu = Cpu::now().zip(self.cpu).map(|(now, then)| now.since(&then));
        Meanwhile {
            seconds,
            own_cpu: own.map(percent),
            // The total is sampled by ticks and our own share is exact, so the difference may fall below zero.
            foreign_cpu: cpu.as_ref().zip(own).map(|(cpu, own)| percent((cpu.busy - own).max(0.0))),
            steal: cpu.map(|cpu| percent(cpu.steal)),
            loadavg: self.loadavg,
        }
    }
}

/// CPU time this process has used so far, all threads together.
#[cfg(unix)]
pub(crate) fn process_cpu() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Some(Duration::new(time.tv_sec.try_into().ok()?, time.tv_nsec.try_into().ok()?))
}

/// CPU time of processes that this one has started and seen end.
#[cfg(unix)]
fn children_cpu() -> Duration {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_CHILDREN) else { return Duration::ZERO };
    [usage.user_time(), usage.system_time()]
        .map(|time| Duration::from_secs(time.tv_sec() as u64) + Duration::from_micros(time.tv_usec() as u64))
        .into_iter()
        .sum()
}

#[cfg(not(unix))]
fn children_cpu() -> Duration {
    Duration::ZERO
}

/// How often the other threads of this process have gone to sleep so far; `None` where the system does not tell.
#[cfg(target_os = "linux")]
pub(crate) fn switches() -> Option<i64> {
    let of = |who| Some(getrusage(who).ok()?.voluntary_context_switches());
    Some(of(UsageWho::RUSAGE_SELF)? - of(UsageWho::RUSAGE_THREAD)?)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn switches() -> Option<i64> {
    None
}

/// Has sleeps of this thread end as soon as the system can, where it can be asked. Threads made by it sleep so too.
pub(crate) fn sleep_sharply() {
    #[cfg(target_os = "linux")]
    rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1)).expect("any process may ask for that");
}

/// CPU time this process has used so far: not asked on this system.
#[cfg(not(unix))]
pub(crate) fn process_cpu() -> Option<Duration> {
    None
}

/// CPU of this process in percent of one core since a moment, by what it had used then.
pub(crate) fn cpu_since((began, used): (Instant, Option<Duration>)) -> Option<f64> {
    let used = process_cpu()?.checked_sub(used?)?;
    Some(100.0 * used.as_secs_f64() / began.elapsed().as_secs_f64())
}

/// The load averages, as the kernel prints them.
pub(crate) fn loadavg() -> Option<String> {
    Some(std::fs::read_to_string("/proc/loadavg").ok()?.trim().to_owned())
}

/// Sleeps until others leave the processor alone, but not longer than `patience`. Where the system doesn't tell: not at all.
pub(crate) fn wait_until_calm(patience: Duration) {
    /// Twenty ticks a core: below that, one tick is a storm.
    const LOOK: Duration = Duration::from_millis(200);

    let start = Instant::now();
    while start.elapsed() < patience {
        let watch = Watch::start();
        std::thread::sleep(LOOK);
        if watch.finish().is_calm() {
            return;
        }
    }
}

/// One line about the machine for the report's head.
pub(crate) fn describe() -> String {
    let model = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").ok();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{cores} cores, {}, {} {}",
        model.as_deref().unwrap_or("processor not told"),
        std::env::consts::OS,
        kernel.as_deref().map_or("", str::trim),
    )
}

/// Seconds of CPU since boot, all cores together.
struct Cpu {
    /// Everything but idle, waiting for a disk, and steal.
    busy: f64,
    steal: f64,
}

impl Cpu {
    /// From `/proc/stat`; `None` where there is none.
    fn now() -> Option<Self> {
        Self::parse(&std::fs::read_to_string("/proc/stat").ok()?)
    }

    fn parse(stat: &str) -> Option<Self> {
        /// `USER_HZ` is 100 on every Linux that `/proc/stat` is written for.
        const TICK: f64 = 0.01;
        // user nice system idle iowait irq softirq steal; guest time is contained in user.
        let line = stat.lines().find(|line| line.starts_with("cpu "))?;
        let ticks: Vec<f64> = line.split_whitespace().skip(1).map_while(|field| field.parse().ok()).collect();
        let at = |index: usize| ticks.get(index).copied().unwrap_or(0.0) * TICK;
        Some(Self { busy: at(0) + at(1) + at(2) + at(5) + at(6), steal: at(7) })
    }

    fn since(&self, earlier: &Self) -> Self {
        Self { busy: self.busy - earlier.busy, steal: self.steal - earlier.steal }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_and_steal_are_not_busy() {
        let cpu = Cpu::parse("cpu  100 10 50 9000 400 5 5 30 0 0\ncpu0 1 2 3\n").expect("well-formed");
        assert!((cpu.busy - 1.7).abs() < 1e-9);
        assert!((cpu.steal - 0.3).abs() < 1e-9);
    }

    #[test]
    fn what_is_not_told_is_none() {
        assert!(Cpu::parse("intr 1 2 3\n").is_none());
    }
}

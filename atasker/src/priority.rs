//! The four priorities, and a value for each of them.

use std::fmt;
use std::ops::{Index, IndexMut};

/// How urgent a task or a worker's run is: `Low < Normal < High < Critical`.
///
/// Priority orders starts; it never interrupts what runs. Under constant higher load, lower work may starve.
///
/// | priority | may start while `active` is below |
/// |---|---|
/// | `Low` | `pool_size` |
/// | `Normal` (default) | `pool_size + reserve_normal` |
/// | `High` | `pool_size + reserve_normal + reserve_high` |
/// | `Critical` | always, up to `critical_max` at a time; beyond, as `High` and ahead of every `High` |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Work that can wait: reports, clean-up, indexing.
    Low,
    /// Everyday work; the default.
    #[default]
    Normal,
    /// Work somebody waits for.
    High,
    /// Alarms: starts whatever the load, and takes no place from the others.
    Critical,
}

impl Priority {
    /// All four, lowest first.
    pub const ALL: [Priority; 4] = [Priority::Low, Priority::Normal, Priority::High, Priority::Critical];
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Priority::Low => "Low",
            Priority::Normal => "Normal",
            Priority::High => "High",
            Priority::Critical => "Critical",
        })
    }
}

/// One value for each priority; indexed by [`Priority`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerPriority<T> {
    /// The value for [`Priority::Low`].
    pub low: T,
    /// The value for [`Priority::Normal`].
    pub normal: T,
    /// The value for [`Priority::High`].
    pub high: T,
    /// The value for [`Priority::Critical`].
    pub critical: T,
}

impl PerPriority<usize> {
    /// The sum over all priorities.
    pub fn total(&self) -> usize {
        self.low + self.normal + self.high + self.critical
    }
}

impl std::ops::AddAssign for PerPriority<usize> {
    fn add_assign(&mut self, other: Self) {
        for priority in Priority::ALL {
            self[priority] += other[priority];
        }
    }
}

impl<T> Index<Priority> for PerPriority<T> {
    type Output = T;

    fn index(&self, priority: Priority) -> &T {
        match priority {
            Priority::Low => &self.low,
            Priority::Normal => &self.normal,
            Priority::High => &self.high,
            Priority::Critical => &self.critical,
        }
    }
}

impl<T> IndexMut<Priority> for PerPriority<T> {
    fn index_mut(&mut self, priority: Priority) -> &mut T {
        match priority {
            Priority::Low => &mut self.low,
            Priority::Normal => &mut self.normal,
            Priority::High => &mut self.high,
            Priority::Critical => &mut self.critical,
        }
    }
}

//! What one child reports, and what the parent writes down: one JSON line each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Figures by name; the scenario's sheet says which are printed and in what unit.
pub(crate) type Figures = BTreeMap<String, f64>;

/// Puts named figures together.
pub(crate) fn figures<const N: usize>(named: [(&str, f64); N]) -> Figures {
    named.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// One measurement: what came out, and what the machine was doing meanwhile.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) scenario: String,
    pub(crate) peer: String,
    /// From 1; the child does not know it and says 0.
    pub(crate) round: usize,
    pub(crate) scale: f64,
    pub(crate) figures: Figures,
    pub(crate) machine: Meanwhile,
}

/// What the machine did while a child lived. `None`: this system does not tell.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Meanwhile {
    /// Seconds the child lived, set-up included.
    pub(crate) seconds: f64,
    /// CPU of this process, in percent of one core.
    pub(crate) own_cpu: Option<f64>,
    /// CPU of everything else on this machine, in percent of one core; resolution is a tick (10 ms) a core.
    pub(crate) foreign_cpu: Option<f64>,
    /// CPU the host took away, in percent of one core.
    pub(crate) steal: Option<f64>,
    /// `/proc/loadavg` before the measurement.
    pub(crate) loadavg: Option<String>,
}

impl Meanwhile {
    /// Foreign CPU from which a figure is doubtful, in percent of one core.
    pub(crate) const DISTURBED: f64 = 10.0;

    /// Whether others left the processor alone, as far as the system tells.
    pub(crate) fn is_calm(&self) -> bool {
        self.foreign_cpu.is_none_or(|foreign| foreign < Self::DISTURBED)
    }
}

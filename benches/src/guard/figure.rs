//! What is measured, as plain data.

/// The kind of a figure, which says how far above today's value its bound is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Allocations,
    Bytes,
    Wakes,
    Instructions,
}

impl Section {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Allocations => "allocations",
            Self::Bytes => "bytes",
            Self::Wakes => "wakes",
            Self::Instructions => "instructions",
        }
    }

    /// The bound that `--write` takes for a figure measured now; `None` where bounds are set by hand.
    pub(crate) fn bound(self, value: f64) -> Option<f64> {
        let bound = match self {
            // Exact; the slack is for what is paid once and shared by all (a queue that grows).
            Self::Allocations => value + 0.02,
            Self::Bytes => value * 1.01 + 1.0,
            // Up to the scheduler: a bound derived from one measurement would fail by chance.
            Self::Wakes => return None,
            // The least of several runs still varies by up to a tenth, most where a pool thread looks often; another
            // compiler or libc may move it by several percent more.
            Self::Instructions => value * 1.15,
        };
        // Two places are all that a reader wants.
        Some((bound * 100.0).ceil() / 100.0)
    }
}

/// One figure.
#[derive(Debug)]
pub(crate) struct Figure {
    pub(crate) section: Section,
    /// The key in its section.
    pub(crate) key: &'static str,
    pub(crate) value: f64,
}

impl Figure {
    /// `section.key`
    pub(crate) fn name(&self) -> String {
        full_name(self.section, self.key)
    }
}

/// What came of the measurements.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    pub(crate) figures: Vec<Figure>,
    /// Figures that a missing tool kept from being measured, and why.
    pub(crate) skipped: Vec<(String, String)>,
}

impl Measured {
    pub(crate) fn push(&mut self, section: Section, key: &'static str, value: f64) {
        self.figures.push(Figure { section, key, value });
    }

    pub(crate) fn skip(&mut self, section: Section, key: &'static str, why: &str) {
        self.skipped.push((full_name(section, key), why.to_owned()));
    }
}

fn full_name(section: Section, key: &str) -> String {
    format!("{}.{key}", section.name())
}

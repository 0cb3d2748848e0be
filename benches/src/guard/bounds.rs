//! The bounds: a file to be read and edited by people, so a write keeps their comments and their order.

use std::{error::Error, fs};

use toml_edit::{DocumentMut, Item, Table, Value};

use crate::figure::{Figure, Measured};

/// Where the bounds are, for messages.
pub(crate) const PATH: &str = "benches/guard.toml";

/// The same for this program, wherever it is started.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/guard.toml");

pub(crate) struct Bounds {
    document: DocumentMut,
}

impl Bounds {
    pub(crate) fn load() -> Result<Self, Box<dyn Error>> {
        let text = fs::read_to_string(FILE).map_err(|error| format!("{PATH} can't be read: {error}"))?;
        let document = text.parse().map_err(|error| format!("{PATH}: {error}"))?;
        Ok(Self { document })
    }

    /// Prints the figure beside its bound, and more if it is above.
    pub(crate) fn holds(&self, figure: &Figure) -> bool {
        let (name, value) = (figure.name(), figure.value);
        let reproduce = format!("cargo run --release -p atasker-benches --bin atasker-guard -- {name}");
        let Some(bound) = self.get(figure) else {
            eprintln!(
                "FAILED {name}: {value:.2}, and {PATH} has no bound for it\n       to make one: {reproduce} --write, \
                 or by hand in the section `wakes`"
            );
            return false;
        };
        if value > bound {
            eprintln!(
                "FAILED {name}: {value:.2} is above the bound {bound} of {PATH}\n       reproduce: {reproduce}\n       \
                 if the cost is meant, move the bound as {PATH} tells, and say in the commit what it buys"
            );
            return false;
        }
        let remark = if figure.section.bound(value).is_some_and(|now| now < 0.9 * bound) {
            ": could be tightened by --write"
        } else {
            ""
        };
        println!("ok {name}: {value:.2} (bound {bound}){remark}");
        true
    }

    /// Bounds of figures that were neither measured nor skipped.
    pub(crate) fn without_figure(&self, measured: &Measured) -> Vec<String> {
        let tables = self.document.iter().filter_map(|(section, item)| Some((section, item.as_table()?)));
        let names = tables.flat_map(|(section, table)| table.iter().map(move |(key, _)| format!("{section}.{key}")));
        let is_known = |name: &String| {
            measured.figures.iter().any(|figure| figure.name() == *name)
                || measured.skipped.iter().any(|(skipped, _)| skipped == name)
        };
        names.filter(|name| !is_known(name)).collect()
    }

    /// Makes what was measured, with slack, the new bounds, and leaves the others and those that are set by hand.
    pub(crate) fn write(&mut self, figures: &[Figure]) -> Result<(), Box<dyn Error>> {
        for figure in figures {
            let Some(bound) = figure.section.bound(figure.value) else {
                println!("{}: {:.2}, its bound is set by hand", figure.name(), figure.value);
                continue;
            };
            println!("{}: {:.2}, bound {bound}", figure.name(), figure.value);
            let table = self.document.entry(figure.section.name()).or_insert(Item::Table(Table::new()));
            let table = table.as_table_mut().ok_or_else(|| format!("{} is no table", figure.section.name()))?;
            let mut value = Value::from(bound);
            // A remark behind the old bound belongs to the figure.
            if let Some(old) = table.get(figure.key).and_then(Item::as_value) {
                *value.decor_mut() = old.decor().clone();
            }
            table[figure.key] = Item::Value(value);
        }
        Ok(fs::write(FILE, self.document.to_string())?)
    }

    fn get(&self, figure: &Figure) -> Option<f64> {
        let item = self.document.get(figure.section.name())?.get(figure.key)?;
        item.as_float().or_else(|| item.as_integer().map(|whole| whole as f64))
    }
}

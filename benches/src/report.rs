//! Markdown for a reader: one table for each scenario, printed as soon as its last round is over.

use crate::{
    peer::Peer,
    record::{Meanwhile, Record},
    scenario::{Better, Column, Scenario, Sheet},
    stats,
};

/// The peer all this is about; its ratio to the best of the others is printed below each table.
const OURS: &str = "atasker";

/// Names every scenario with its peers, and says how each peer is used.
pub(crate) fn print_list() {
    for scenario in Scenario::ALL {
        let Sheet { id, title, .. } = scenario.sheet();
        let peers: Vec<&str> =
            Peer::ALL.iter().filter(|peer| peer.measure(scenario).is_some()).map(|peer| peer.name).collect();
        println!("{id:<4}{title}\n      {}", peers.join(", "));
    }
    println!();
    for peer in Peer::ALL {
        println!("{:<24}{}", peer.name, peer.about);
    }
}

/// Prints one scenario's table.
pub(crate) fn print_scenario(scenario: Scenario, peers: &[&Peer], records: &[Record]) {
    let sheet = scenario.sheet();
    println!("\n### {} · {}\n", sheet.id, sheet.title);
    print!("| peer |");
    for column in sheet.columns {
        let arrow = match column.better {
            Better::Higher => '↑',
            Better::Lower => '↓',
        };
        print!(" {} {arrow} | × {} |", column.unit, column.reference);
    }
    println!(" foreign CPU % |");
    println!("|---|{}---|", "---|---|".repeat(sheet.columns.len()));
    for peer in peers {
        print_row(&sheet, peer.name, records);
    }
    println!();
    for column in sheet.columns {
        if let Some(line) = against_the_best(column, peers, records) {
            println!("{line}");
        }
    }
    println!("load: {}", load(records));
}

fn print_row(sheet: &Sheet, peer: &str, records: &[Record]) {
    print!("| {peer} |");
    for column in sheet.columns {
        let samples = samples(column, peer, records);
        let own = stats::median(&samples);
        let reference = stats::median(&self::samples(column, column.reference, records));
        match own.zip(stats::range(&samples)) {
            Some((median, (low, high))) => {
                print!(" {} ({}–{}) |", number(median), number(low), number(high));
            }
            None => print!(" – |"),
        }
        match own.zip(reference).filter(|(_, reference)| *reference > 0.0) {
            Some((own, reference)) => print!(" {} |", number(own / reference)),
            None => print!(" – |"),
        }
    }
    println!(" {} |", foreign(peer, records));
}

/// Our median beside the best median of the others.
fn against_the_best(column: &Column, peers: &[&Peer], records: &[Record]) -> Option<String> {
    let ours = stats::median(&samples(column, OURS, records))?;
    let others = peers.iter().filter(|peer| !peer.name.starts_with(OURS));
    let (best, name) = others
        .filter_map(|peer| Some((stats::median(&samples(column, peer.name, records))?, peer.name)))
        .reduce(|best, other| match column.better {
            Better::Higher if other.0 > best.0 => other,
            Better::Lower if other.0 < best.0 => other,
            _ => best,
        })?;
    (best > 0.0).then(|| format!("{OURS} is at {} × the best peer ({name}) in {}.  ", number(ours / best), column.unit))
}

fn samples(column: &Column, peer: &str, records: &[Record]) -> Vec<f64> {
    of(peer, records).filter_map(|record| record.figures.get(column.key).copied()).collect()
}

/// The range of foreign CPU over the rounds, marked where it was so much that the row is doubtful.
fn foreign(peer: &str, records: &[Record]) -> String {
    let samples: Vec<f64> = of(peer, records).filter_map(|record| record.machine.foreign_cpu).collect();
    match stats::range(&samples) {
        Some((low, high)) if high >= Meanwhile::DISTURBED => format!("{low:.0}–{high:.0} ⚠"),
        Some((low, high)) => format!("{low:.0}–{high:.0}"),
        None => "not available".to_owned(),
    }
}

/// The one-minute load average before the first and before the last measurement.
fn load(records: &[Record]) -> String {
    let minute = |record: Option<&Record>| {
        let loadavg = record?.machine.loadavg.as_deref()?;
        Some(loadavg.split_whitespace().next()?.to_owned())
    };
    let steal: Vec<f64> = records.iter().filter_map(|record| record.machine.steal).collect();
    match minute(records.first()).zip(minute(records.last())).zip(stats::range(&steal)) {
        Some(((first, last), (low, high))) => {
            format!(
                "{first} before, {last} at the last measurement; stolen by the host: {low:.0}–{high:.0} % of a core"
            )
        }
        None => "not available on this system".to_owned(),
    }
}

fn of<'a>(peer: &'a str, records: &'a [Record]) -> impl Iterator<Item = &'a Record> {
    records.iter().filter(move |record| record.peer == peer)
}

/// Three digits that mean something, in a table's width.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size < 0.001 => format!("{value:.1e}"),
        size if size < 0.1 => format!("{value:.3}"),
        size if size < 10.0 => format!("{value:.2}"),
        size if size < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        assert_eq!(number(0.0), "0");
        assert_eq!(number(0.0123), "0.012");
        assert_eq!(number(0.000_021), "2.1e-5");
        assert_eq!(number(4.7123), "4.71");
        assert_eq!(number(19.02), "19.0");
        assert_eq!(number(9498.4), "9498");
    }
}

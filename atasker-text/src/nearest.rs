//! What a mistyped word may have been meant to be.

/// The word of `known` that `typed` most likely stands for, or `None` if none is close.
///
/// A word is close if it begins with what was typed (somebody is still typing it), or if a third of its letters or
/// fewer differ, upper and lower case taken as the same.
pub fn nearest<'a>(typed: &str, known: &[&'a str]) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    let (distance, word) = known
        .iter()
        .map(|word| (distance(&typed, &word.to_lowercase()), *word))
        .min_by_key(|(distance, _)| *distance)?;
    let is_close = distance <= word.len().max(typed.len()) / 3;
    let begun = || known.iter().find(|word| typed.len() >= 3 && word.to_lowercase().starts_with(&typed)).copied();
    match distance {
        0 | 1 if is_close => Some(word),
        // What begins so is nearer than what differs in two letters.
        _ => begun().or(is_close.then_some(word)),
    }
}

/// The number of letters to insert, delete, change, or swap with their neighbour (optimal string alignment).
fn distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().collect();
    let to: Vec<char> = to.chars().collect();
    let mut before_last = vec![0; to.len() + 1];
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for row in 1..=from.len() {
        let mut current = vec![row; to.len() + 1];
        for column in 1..=to.len() {
            let same = from[row - 1] == to[column - 1];
            let changed = last[column - 1] + usize::from(!same);
            current[column] = changed.min(last[column] + 1).min(current[column - 1] + 1);
            let swapped = row > 1 && column > 1 && from[row - 1] == to[column - 2] && from[row - 2] == to[column - 1];
            if swapped {
                current[column] = current[column].min(before_last[column - 2] + 1);
            }
        }
        before_last = last;
        last = current;
    }
    last[to.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    const KEYS: &[&str] = &["jitter", "interval", "delay", "queue", "event", "priority", "name", "missed"];

    #[test]
    fn distance_counts_each_edit_once() {
        assert_eq!(distance("interval", "interval"), 0);
        assert_eq!(distance("intervall", "interval"), 1);
        assert_eq!(distance("qeuue", "queue"), 1);
        assert_eq!(distance("", "abc"), 3);
    }

    #[test]
    fn a_mistyped_word_finds_its_neighbour() {
        assert_eq!(nearest("intervall", KEYS), Some("interval"));
        assert_eq!(nearest("prioritiy", KEYS), Some("priority"));
        assert_eq!(nearest("Queue", KEYS), Some("queue"));
        assert_eq!(nearest("evnet", KEYS), Some("event"));
    }

    #[test]
    fn a_half_typed_word_finds_its_end() {
        assert_eq!(nearest("inter", KEYS), Some("interval"));
        assert_eq!(nearest("pri", KEYS), Some("priority"));
    }

    #[test]
    fn an_unrelated_word_finds_nothing() {
        assert_eq!(nearest("colour", KEYS), None);
        assert_eq!(nearest("x", KEYS), None);
    }
}

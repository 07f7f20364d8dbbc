//! "Did you mean …?"

/// The candidate that `word` was probably meant to be: the nearest by edit distance (a swap of
/// neighbours counts as one edit), if it is near enough.
#[must_use]
pub fn suggestion<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let plain = |text: &str| text.to_lowercase().replace(['_', ' '], "-");
    let word = plain(word);
    let allowed = match word.chars().count() {
        0..=2 => 1,
        3..=5 => 2,
        _ => 3,
    };
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, &plain(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= allowed && *distance < candidate.len())
        .min_by_key(|(distance, candidate)| (*distance, !same_letters(&word, &plain(candidate))))
        .map(|(_, candidate)| candidate)
}

/// Whether one is the other with its letters in another order: the likelier slip.
fn same_letters(a: &str, b: &str) -> bool {
    let sorted = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    sorted(a) == sorted(b)
}

/// The optimal string alignment distance.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, &left) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &right) in b.iter().enumerate() {
            let swap = i > 0 && j > 0 && left == b[j - 1] && a[i - 1] == right;
            let mut best =
                (above[j] + usize::from(left != right)).min(above[j + 1] + 1).min(row[j] + 1);
            if swap {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_suggested_and_far_ones_are_not() {
        let known = ["connect", "people", "promise", "ack-timeout"];
        assert_eq!(suggestion("conect", known), Some("connect"));
        assert_eq!(suggestion("poeple", known), Some("people"));
        assert_eq!(suggestion("ack_timeout", known), Some("ack-timeout"));
        assert_eq!(suggestion("wibble", known), None);
        assert_eq!(suggestion("x", ["y"]), None);
        assert_eq!(suggestion("p59", ["p50", "p95", "p99"]), Some("p95"));
    }

    #[test]
    fn distances() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("", "abc"), 3);
    }
}

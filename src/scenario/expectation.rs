//! `expect:` thresholds such as `delivery.p95 < 500ms`.

use crate::scenario::load::Loader;
use crate::scenario::model::Expectation;
use crate::source::{self, Node, suggestion};

/// What can be measured.
pub const SERIES: &[&str] =
    &["connect", "ack", "delivery", "reconnect", "sync", "typing", "http", "lag"];
/// What can be said of it.
pub const STATISTICS: &[&str] =
    &["p50", "p90", "p95", "p99", "p99.9", "max", "mean", "count", "success"];

const EXAMPLE: &str = "a threshold such as `delivery.p95 < 500ms` or `connect.success > 99%`";

/// What is wrong with a threshold: the offending piece, the message, the hint.
type Complaint = (String, String, Option<String>);

impl Loader<'_> {
    pub(super) fn expectations(&mut self, node: &Node) -> Vec<Expectation> {
        let mut expectations = Vec::new();
        for node in self.list(node, "expect", "thresholds") {
            let text = self.text_of(Some(node), "expect");
            match parse(&text) {
                _ if text.is_empty() => {}
                Ok(expectation) => expectations.push(expectation),
                Err((piece, message, hint)) => {
                    let span = self.found.narrow(node.span, &piece);
                    let complaint = self.found.error(span, message);
                    match hint {
                        Some(hint) => complaint.hint(hint),
                        None => complaint.expected(EXAMPLE),
                    };
                }
            }
        }
        expectations
    }
}

fn parse(text: &str) -> Result<Expectation, Complaint> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [figure, comparison, bound] = words[..] else {
        return Err((text.to_owned(), format!("`{text}` is no threshold"), None));
    };
    let Some((series, statistic)) = figure.split_once('.') else {
        return Err((figure.to_owned(), format!("`{figure}` names no figure"), None));
    };
    known(series, SERIES, "is not measured")?;
    known(statistic, STATISTICS, "is no figure of a series")?;
    if !["<", "<=", ">", ">="].contains(&comparison) {
        let message = format!("`{comparison}` compares nothing");
        let hint = Some("use `<`, `<=`, `>` or `>=`".to_owned());
        return Err((comparison.to_owned(), message, hint));
    }
    let value = match statistic {
        "success" => source::share(bound).filter(|share| (0.0..=1.0).contains(share)),
        "count" => bound.parse::<u32>().ok().map(f64::from),
        _ => source::duration(bound).map(|duration| duration.as_nanos() as f64),
    };
    let Some(value) = value else {
        let wanted = match statistic {
            "success" => "a share such as `99%`",
            "count" => "a whole number",
            _ => "a duration such as `500ms`",
        };
        let message = format!("`{bound}` is nothing to compare `{figure}` with");
        return Err((bound.to_owned(), message, Some(format!("write {wanted}"))));
    };
    Ok(Expectation {
        text: text.to_owned(),
        series: series.to_owned(),
        statistic: statistic.to_owned(),
        comparison: comparison.to_owned(),
        bound: value,
    })
}

fn known(word: &str, words: &[&str], message: &str) -> Result<(), Complaint> {
    if words.contains(&word) {
        return Ok(());
    }
    let hint = match suggestion(word, words.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("one of {}", words.join(", ")),
    };
    Err((word.to_owned(), format!("`{word}` {message}"), Some(hint)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_read() {
        let read = |text: &str| {
            let e = parse(text).unwrap();
            (e.series, e.statistic, e.comparison, e.bound)
        };
        let expected = ("delivery".into(), "p99.9".into(), "<=".into(), 500e6);
        assert_eq!(read("delivery.p99.9 <= 500ms"), expected);
        assert_eq!(read("connect.success > 99%").3, 0.99);
        assert_eq!(read("ack.count >= 100").3, 100.0);
    }

    #[test]
    fn typos_are_told() {
        for (text, piece, hint) in [
            ("delivery.p95<500ms", "delivery.p95<500ms", ""),
            ("delivry.p95 < 500ms", "delivry", "did you mean `delivery`?"),
            ("delivery.p59 < 500ms", "p59", "did you mean `p95`?"),
            ("delivery.p95 = 500ms", "=", "use `<`, `<=`, `>` or `>=`"),
            ("delivery.p95 < 500", "500", "write a duration such as `500ms`"),
            ("connect.success > 99", "99", "write a share such as `99%`"),
        ] {
            let (found, _, hinted) = parse(text).unwrap_err();
            assert_eq!((found.as_str(), hinted.unwrap_or_default().as_str()), (piece, hint));
        }
    }
}

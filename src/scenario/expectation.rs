//! `expect:` thresholds such as `delivery.p95 < 500ms`.

use crate::scenario::load::Loader;
use crate::scenario::model::{Expectation, Phase};
use crate::source::{self, Node, suggestion};

/// What can be measured.
pub const SERIES: &[&str] = &[
    "connect",
    "ack",
    "delivery",
    "fan-out.first",
    "fan-out.last",
    "fan-out.skew",
    "reconnect",
    "sync",
    "typing",
    "http",
    "lag",
];
/// What can be said of it.
pub const STATISTICS: &[&str] =
    &["p50", "p90", "p95", "p99", "p99.9", "max", "mean", "count", "success"];
/// The share of receivers that messages reached.
pub const REACH: &str = "reach";
/// Pushed to them, which `reach` alone means as well; or by a sync at the latest.
pub const OF_REACH: &[&str] = &["live", "synced"];

/// The only series that is measured for each pair of nodes.
const OF_PAIRS: &str = "delivery";

const EXAMPLE: &str = "a threshold such as `delivery.p95 < 500ms` or `connect.success > 99%`";

/// What is wrong with a threshold: the offending piece, the message, the hint.
type Complaint = (String, String, Option<String>);

impl Loader<'_> {
    /// The thresholds; with how many nodes the server has, if the scenario says it.
    pub(super) fn expectations(
        &mut self,
        node: &Node,
        nodes: Option<u32>,
        phases: &[Phase],
    ) -> Vec<Expectation> {
        let mut expectations = Vec::new();
        for node in self.list(node, "expect", "thresholds") {
            let text = self.text_of(Some(node), "expect");
            match parse(&text).and_then(|one| in_a_phase(one, phases)) {
                _ if text.is_empty() => {}
                Ok(expectation) => {
                    let (from, to) = expectation.between.unwrap_or_default();
                    if let Some(nodes) = nodes.filter(|nodes| from.max(to) > *nodes) {
                        let span = self.found.narrow(node.span, &format!("{from}->{to}"));
                        self.beyond(span, from.max(to), nodes);
                    }
                    expectations.push(expectation);
                }
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
    let (threshold, phase) = match text.split_once(" in ") {
        Some((threshold, phase)) => (threshold, Some(phase.trim())),
        None => (text, None),
    };
    let words: Vec<&str> = threshold.split_whitespace().collect();
    let [figure, comparison, bound] = words[..] else {
        return Err((text.to_owned(), format!("`{text}` is no threshold"), None));
    };
    let Figure { series, between, statistic } = figure_of(figure)?;
    if between.is_some() && phase.is_some() {
        let message = "pairs of nodes are measured over the whole run".to_owned();
        return Err((figure.to_owned(), message, Some("leave out the pair or the phase".into())));
    }
    if !["<", "<=", ">", ">="].contains(&comparison) {
        let message = format!("`{comparison}` compares nothing");
        let hint = Some("use `<`, `<=`, `>` or `>=`".to_owned());
        return Err((comparison.to_owned(), message, hint));
    }
    let is_share = statistic == "success" || series == REACH;
    let value = match statistic {
        _ if is_share => source::share(bound).filter(|share| (0.0..=1.0).contains(share)),
        "count" => bound.parse::<u32>().ok().map(f64::from),
        _ => source::duration(bound).map(|duration| duration.as_nanos() as f64),
    };
    let Some(value) = value else {
        let wanted = match statistic {
            _ if is_share => "a share such as `99%`",
            "count" => "a whole number",
            _ => "a duration such as `500ms`",
        };
        let message = format!("`{bound}` is nothing to compare `{figure}` with");
        return Err((bound.to_owned(), message, Some(format!("write {wanted}"))));
    };
    Ok(Expectation {
        text: text.to_owned(),
        series: series.to_owned(),
        between,
        phase: phase.map(str::to_owned),
        statistic: statistic.to_owned(),
        comparison: comparison.to_owned(),
        bound: value,
    })
}

/// What `delivery.1->2.p95` names.
struct Figure<'a> {
    series: &'a str,
    between: Option<(u32, u32)>,
    statistic: &'a str,
}

fn figure_of(figure: &str) -> Result<Figure<'_>, Complaint> {
    if let Some(rest) =
        figure.strip_prefix(REACH).filter(|rest| rest.starts_with(['.']) || rest.is_empty())
    {
        let statistic = rest.strip_prefix('.').unwrap_or(OF_REACH[0]);
        known(statistic, OF_REACH, "is no figure of reach")?;
        return Ok(Figure { series: REACH, between: None, statistic });
    }
    // A series may have a dot in its name, and so may a statistic.
    let of_series =
        |series: &&&str| figure.strip_prefix(**series).is_some_and(|rest| rest.starts_with('.'));
    let series = SERIES.iter().find(of_series).map(|series| &figure[..series.len()]);
    let Some((series, rest)) = series
        .map(|series| (series, &figure[series.len() + 1..]))
        .or_else(|| figure.split_once('.'))
    else {
        return Err((figure.to_owned(), format!("`{figure}` names no figure"), None));
    };
    // What is measured in several ways.
    let ways: Vec<&str> = SERIES
        .iter()
        .copied()
        .filter(|known| known.strip_prefix(series).is_some_and(|rest| rest.starts_with('.')))
        .collect();
    if !ways.is_empty() {
        let hint = format!("one of {}", ways.join(", "));
        return Err((series.to_owned(), format!("`{series}` is not measured as one"), Some(hint)));
    }
    known(series, SERIES, "is not measured")?;
    let (between, statistic) = match rest.split_once('.') {
        Some((pair, statistic)) if pair.contains("->") => (Some(pair_of(series, pair)?), statistic),
        _ => (None, rest),
    };
    known(statistic, STATISTICS, "is no figure of a series")?;
    Ok(Figure { series, between, statistic })
}

/// The threshold, if its phase is one of these.
fn in_a_phase(expectation: Expectation, phases: &[Phase]) -> Result<Expectation, Complaint> {
    if let Some(phase) = &expectation.phase {
        let names: Vec<&str> = phases.iter().map(|phase| phase.name.as_str()).collect();
        known(phase, &names, "is no phase of this scenario")?;
    }
    Ok(expectation)
}

/// The nodes of `1->2`.
fn pair_of(series: &str, pair: &str) -> Result<(u32, u32), Complaint> {
    if series != OF_PAIRS {
        let message = format!("`{series}` is not measured between nodes");
        let hint = format!("`{OF_PAIRS}.{pair}` is");
        return Err((format!("{series}.{pair}"), message, Some(hint)));
    }
    let numbers = pair.split_once("->").and_then(|(from, to)| {
        let number = |text: &str| text.parse::<u32>().ok().filter(|number| *number > 0);
        Some((number(from)?, number(to)?))
    });
    numbers.ok_or_else(|| {
        let hint = "write `1->2`: from senders on node 1 to members on node 2".to_owned();
        (pair.to_owned(), format!("`{pair}` is no pair of nodes"), Some(hint))
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
        assert_eq!(parse("ack.count >= 100").unwrap().between, None);
        let pair = parse("delivery.1->2.p99.9 < 1s").unwrap();
        assert_eq!((pair.between, pair.statistic.as_str()), (Some((1, 2)), "p99.9"));
        let last = ("fan-out.last".into(), "p99.9".into(), "<".into(), 1e9);
        assert_eq!(read("fan-out.last.p99.9 < 1s"), last);
        let reach = ("reach".into(), "live".into(), ">=".into(), 0.999);
        assert_eq!(read("reach >= 99.9%"), reach);
        assert_eq!(read("reach.synced >= 100%").1, "synced");
    }

    #[test]
    fn a_threshold_may_be_of_one_phase() {
        let phase = |name: &str| Phase {
            name: name.into(),
            lasts: std::time::Duration::from_secs(1),
            connect: 0.0,
            steps: None,
            behaviour: crate::scenario::Behaviour::default(),
        };
        let phases = [phase("calm"), phase("the spike")];
        let read = |text: &str| parse(text).and_then(|one| in_a_phase(one, &phases));
        let spike = read("delivery.p95 < 2s in the spike").unwrap();
        assert_eq!((spike.phase.as_deref(), spike.bound), (Some("the spike"), 2e9));
        let (piece, message, hint) = read("reach >= 99% in clam").unwrap_err();
        assert_eq!(
            (piece.as_str(), message.as_str()),
            ("clam", "`clam` is no phase of this scenario")
        );
        assert_eq!(hint.as_deref(), Some("did you mean `calm`?"));
        let (piece, ..) = read("delivery.1->2.p95 < 1s in calm").unwrap_err();
        assert_eq!(piece, "delivery.1->2.p95");
    }

    #[test]
    fn typos_are_told() {
        for (text, piece, hint) in [
            ("delivery.p95<500ms", "delivery.p95<500ms", ""),
            ("delivry.p95 < 500ms", "delivry", "did you mean `delivery`?"),
            ("delivery.p59 < 500ms", "p59", "did you mean `p95`?"),
            ("fan-out.p95 < 500ms", "fan-out", "one of fan-out.first, fan-out.last, fan-out.skew"),
            ("reach.liv >= 99%", "liv", "did you mean `live`?"),
            ("reach >= 99", "99", "write a share such as `99%`"),
            ("delivery.p95 = 500ms", "=", "use `<`, `<=`, `>` or `>=`"),
            ("delivery.p95 < 500", "500", "write a duration such as `500ms`"),
            ("connect.success > 99", "99", "write a share such as `99%`"),
            ("ack.1->2.p95 < 1s", "ack.1->2", "`delivery.1->2` is"),
            (
                "delivery.0->2.p95 < 1s",
                "0->2",
                "write `1->2`: from senders on node 1 to members on node 2",
            ),
        ] {
            let (found, _, hinted) = parse(text).unwrap_err();
            assert_eq!((found.as_str(), hinted.unwrap_or_default().as_str()), (piece, hint));
        }
    }
}

//! How a run stands, in the text format that Prometheus reads.
//!
//! Names follow its conventions: base units, `_total` for what only grows. It knows no socket.

use crate::history::Nanos;
use crate::metric::Progress;
use std::fmt::Write;

/// What the text is served as.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What is known of the run from its start.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// The scenario's name.
    pub scenario: String,
    /// The spec's name.
    pub spec: String,
    /// The product's version.
    pub version: String,
    /// The seed.
    pub seed: u64,
}

/// The run's figures of the moment.
#[must_use]
pub fn render(about: &About, progress: &Progress) -> String {
    let mut page = Page(String::new());
    let (seed, label) = (about.seed.to_string(), label);
    let run = [
        label("scenario", &about.scenario),
        label("spec", &about.spec),
        label("version", &about.version),
        label("seed", &seed),
    ];
    page.one("info", "gauge", "What is run.", &run.join(","), 1.0);
    page.one("phase", "gauge", "The phase of the scenario.", &label("phase", &progress.phase), 1.0);
    for (name, kind, help, value) in plain(progress) {
        page.one(name, kind, help, "", value);
    }
    page.head("property_violations_total", "counter", "Violations by property.");
    for broken in &progress.broken {
        let promised = if broken.promised { "yes" } else { "no" };
        let labels = [label("property", &broken.property), label("promised", promised)].join(",");
        page.sample("property_violations_total", &labels, broken.violations as f64);
    }
    page.head("latency_seconds", "gauge", "Latency so far, from the planned time.");
    for (series, nanos) in [("ack", progress.ack_p95), ("delivery", progress.delivery_p95)] {
        let labels = [label("series", series), label("quantile", "0.95")].join(",");
        page.sample("latency_seconds", &labels, nanos.map_or(f64::NAN, seconds));
    }
    let lag = progress.lag_p99.map_or(f64::NAN, seconds);
    let quantile = label("quantile", "0.99");
    page.one("generator_lag_seconds", "gauge", "How late its timers are.", &quantile, lag);
    page.0
}

/// Figures without labels: name, kind, what it is, value.
pub(super) fn plain(progress: &Progress) -> [(&'static str, &'static str, &'static str, f64); 13] {
    [
        ("elapsed_seconds", "gauge", "Since the first phase began.", seconds(progress.elapsed)),
        ("planned_seconds", "gauge", "How long all phases last.", seconds(progress.of)),
        ("clients", "gauge", "Clients that were told to connect.", progress.clients as f64),
        ("clients_connected", "gauge", "Clients that are connected.", progress.connected as f64),
        ("messages_sent_total", "counter", "Sends begun.", progress.sent as f64),
        ("messages_acked_total", "counter", "Sends confirmed.", progress.acked as f64),
        ("deliveries_total", "counter", "Messages pushed to a client.", progress.deliveries as f64),
        ("messages_in_flight", "gauge", "Sends without an answer.", progress.in_flight as f64),
        ("messages_sent_per_second", "gauge", "Sends of late.", progress.send_rate),
        ("deliveries_per_second", "gauge", "Deliveries of late.", progress.delivery_rate),
        ("violations_total", "counter", "Violations found.", progress.violations as f64),
        ("faults_active", "gauge", "Faults that last.", progress.faults.len() as f64),
        ("generator_cpu_share", "gauge", "Of one core, busiest shard.", progress.cpu_share),
    ]
}

struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP assize_{name} {help}\n# TYPE assize_{name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &str, value: f64) {
        let labels = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
        let value = if value.is_nan() { "NaN".to_owned() } else { value.to_string() };
        let _ = writeln!(self.0, "assize_{name}{labels} {value}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, labels: &str, value: f64) {
        self.head(name, kind, help);
        self.sample(name, labels, value);
    }
}

fn label(name: &str, value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{name}=\"{value}\"")
}

fn seconds(nanos: Nanos) -> f64 {
    nanos as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::progress::Broken;
    use std::collections::HashSet;

    fn middle() -> String {
        let about = About {
            scenario: "a \"quoted\"\nname".into(),
            spec: "callback-ack".into(),
            version: "0.1.0".into(),
            seed: 7,
        };
        let broken = vec![Broken { property: "ordering".into(), violations: 3, promised: true }];
        let progress = Progress {
            elapsed: 8_250_000_000,
            sent: 1_204,
            violations: 3,
            broken,
            ack_p95: Some(2_100_000),
            ..Progress::default()
        };
        render(&about, &progress)
    }

    #[test]
    fn every_sample_has_its_help_and_type_and_comes_once() {
        let text = middle();
        let mut typed = HashSet::new();
        let mut seen = HashSet::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert!(typed.insert(name.to_owned()), "{line}");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            } else if !line.starts_with("# HELP ") {
                let (sample, value) = line.rsplit_once(' ').unwrap();
                let name = sample.split('{').next().unwrap();
                assert!(typed.contains(name), "{line}");
                assert!(seen.insert(sample.to_owned()), "{line}");
                assert!(value == "NaN" || value.parse::<f64>().is_ok(), "{line}");
            }
        }
        assert!(text.ends_with('\n') && seen.len() > 15);
    }

    #[test]
    fn figures_are_in_base_units_and_labels_are_escaped() {
        let text = middle();
        for line in [
            "assize_info{scenario=\"a \\\"quoted\\\"\\nname\",spec=\"callback-ack\",version=\"0.1.0\",seed=\"7\"} 1",
            "assize_elapsed_seconds 8.25",
            "assize_messages_sent_total 1204",
            "assize_property_violations_total{property=\"ordering\",promised=\"yes\"} 3",
            "assize_latency_seconds{series=\"ack\",quantile=\"0.95\"} 0.0021",
            "assize_latency_seconds{series=\"delivery\",quantile=\"0.95\"} NaN",
        ] {
            assert!(text.lines().any(|known| known == line), "{line}\n{text}");
        }
    }
}

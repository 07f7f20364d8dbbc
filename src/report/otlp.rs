//! How a run stands, as OpenTelemetry's collectors take it: OTLP metrics in JSON.
//!
//! The figures are those that Prometheus is shown, under the same names with dots in place of
//! underscores. It knows no socket and no clock.

use super::exposition::{self, About};
use crate::metric::Progress;
use serde_json::{Value, json};
use std::time::Duration;

/// The body of a push to `/v1/metrics`; times since 1970.
#[must_use]
pub fn render(about: &About, progress: &Progress, started: Duration, now: Duration) -> String {
    let nanos = |time: Duration| time.as_nanos().to_string();
    let point = |value: f64, attributes: &[(&str, &str)]| {
        json!({
            "startTimeUnixNano": nanos(started),
            "timeUnixNano": nanos(now),
            "asDouble": value,
            "attributes": attributes.iter().map(attribute).collect::<Vec<_>>(),
        })
    };
    let phase = json!({
        "name": "assize.phase",
        "description": "The phase of the scenario.",
        "gauge": { "dataPoints": [point(1.0, &[("phase", &progress.phase)])] },
    });
    let plain = exposition::plain(progress)
        .into_iter()
        .map(|(name, kind, help, value)| metric(name, kind, help, vec![point(value, &[])]));
    let latencies = [
        ("latency_seconds", "ack", "0.95", progress.ack_p95),
        ("latency_seconds", "delivery", "0.95", progress.delivery_p95),
        ("generator_lag_seconds", "lag", "0.99", progress.lag_p99),
    ];
    // What was not measured yet has no point.
    let latencies = latencies.into_iter().filter_map(|(name, series, quantile, nanos)| {
        let value = nanos? as f64 / 1e9;
        let point = point(value, &[("series", series), ("quantile", quantile)]);
        Some(metric(name, "gauge", "Latency so far, from the planned time.", vec![point]))
    });
    let broken = progress.broken.iter().map(|broken| {
        let promised = if broken.promised { "yes" } else { "no" };
        point(broken.violations as f64, &[("property", &broken.property), ("promised", promised)])
    });
    let broken: Vec<Value> = broken.collect();
    let broken = (!broken.is_empty())
        .then(|| metric("property_violations_total", "counter", "Violations by property.", broken));
    let metrics: Vec<Value> =
        std::iter::once(phase).chain(plain).chain(latencies).chain(broken).collect();
    let (seed, version) = (about.seed.to_string(), &about.version);
    let resource = [
        ("service.name", "assize"),
        ("service.version", version),
        ("assize.scenario", &about.scenario),
        ("assize.spec", &about.spec),
        ("assize.seed", &seed),
    ];
    json!({
        "resourceMetrics": [{
            "resource": { "attributes": resource.iter().map(attribute).collect::<Vec<_>>() },
            "scopeMetrics": [{ "scope": { "name": "assize", "version": version }, "metrics": metrics }],
        }]
    })
    .to_string()
}

fn metric(name: &str, kind: &str, help: &str, points: Vec<Value>) -> Value {
    let name = format!("assize.{}", name.trim_end_matches("_total").replace('_', "."));
    let data = match kind {
        // 2 is cumulative.
        "counter" => (
            "sum",
            json!({ "dataPoints": points, "aggregationTemporality": 2, "isMonotonic": true }),
        ),
        _ => ("gauge", json!({ "dataPoints": points })),
    };
    json!({ "name": name, "description": help, data.0: data.1 })
}

fn attribute((key, value): &(&str, &str)) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_their_kind_and_what_was_not_measured_has_no_point() {
        let about = About { scenario: "steady".into(), seed: 7, ..About::default() };
        let progress = Progress { sent: 12, ack_p95: Some(2_000_000), ..Progress::default() };
        let text = render(&about, &progress, Duration::from_secs(5), Duration::from_secs(9));
        let json: Value = serde_json::from_str(&text).unwrap();
        let of_resource = &json["resourceMetrics"][0];
        assert_eq!(of_resource["resource"]["attributes"][2]["value"]["stringValue"], "steady");
        let metrics = of_resource["scopeMetrics"][0]["metrics"].as_array().unwrap();
        let named =
            |name: &str| metrics.iter().filter(|one| one["name"] == name).collect::<Vec<_>>();
        let sent = named("assize.messages.sent");
        assert_eq!(sent[0]["sum"]["dataPoints"][0]["asDouble"], 12.0);
        assert_eq!(sent[0]["sum"]["isMonotonic"], true);
        assert_eq!(sent[0]["sum"]["dataPoints"][0]["timeUnixNano"], "9000000000");
        assert_eq!(named("assize.latency.seconds").len(), 1, "nothing was delivered yet");
        assert_eq!(named("assize.clients")[0]["gauge"]["dataPoints"][0]["asDouble"], 0.0);
    }
}

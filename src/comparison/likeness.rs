//! Whether two runs can be compared at all: everything about them that is not the same is said.

use crate::comparison::sample::Sample;
use crate::metric::quantity;

/// What differs beside the server's work, most important first.
pub(super) fn differences(before: &Sample, after: &Sample) -> Vec<String> {
    let (one, other) = (&before.run, &after.run);
    let mut notes = Vec::new();
    let mut differ = |what: &str, before: &str, after: &str| {
        if before != after {
            let said = |text: &str| match text {
                "" => "unknown".to_owned(),
                text => format!("`{text}`"),
            };
            notes.push(format!("another {what}: {}, now {}", said(before), said(after)));
        }
    };
    differ("scenario", &one.scenario, &other.scenario);
    differ("spec", &one.spec, &other.spec);
    differ("seed", &one.seed.to_string(), &other.seed.to_string());
    differ("version of assize", &one.version, &other.version);
    differ("machine", &one.machine, &other.machine);
    differ("simulated client", &one.client, &other.client);
    differ("number of clients", &one.clients.to_string(), &other.clients.to_string());
    differ("number of shards", &one.shards.to_string(), &other.shards.to_string());
    for (what, before, after, is_same_name) in [
        ("scenario", &before.scenario, &after.scenario, one.scenario == other.scenario),
        ("spec", &before.spec, &after.spec, one.spec == other.spec),
    ] {
        if is_same_name && before.is_some() && after.is_some() && before != after {
            notes.push(format!("the {what} has the same name, but its text was changed"));
        }
    }
    let kind = |target: &str| target.contains("://");
    if kind(&one.target) != kind(&other.target) {
        notes.push(format!("another kind of server: {}, now {}", one.target, other.target));
    }
    if after.interrupted || before.interrupted {
        let which = if after.interrupted { "after" } else { "before" };
        notes.push(format!("the run {which} was interrupted"));
    }
    if one.nanos.abs_diff(other.nanos) > one.nanos / 5 {
        let (one, other) = (quantity::duration(one.nanos), quantity::duration(other.nanos));
        notes.push(format!("another length: {one}, now {other}"));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Run;

    #[test]
    fn the_same_is_silent_and_each_difference_is_said() {
        let one = Sample { scenario: Some("1".into()), ..Sample::default() };
        assert_eq!(differences(&one, &one), Vec::<String>::new());
        let run = Run {
            seed: 7,
            scenario: "storm".into(),
            target: "http://x".into(),
            nanos: 1_000_000_000,
            ..Run::default()
        };
        let other = Sample { run, interrupted: true, ..one.clone() };
        let said = differences(&one, &other);
        assert_eq!(said[0], "another scenario: unknown, now `storm`");
        assert_eq!(said[1], "another seed: `0`, now `7`");
        assert_eq!(said.len(), 5, "{said:?}");
        let changed = Sample { scenario: Some("2".into()), ..Sample::default() };
        assert_eq!(
            differences(&one, &changed),
            ["the scenario has the same name, but its text was changed"]
        );
    }
}

//! A search that found one race among two people, among three, and among six with seven devices.

use assize::history::ClientId;
use assize::outcome::exploration::{Defect, Exploration, Scene};
use assize::verdict::{Exhibit, Violation};

/// Races among two, three and six people.
pub(crate) fn races() -> Exploration {
    let cast = ["ann", "bob", "cid", "dan.1", "dan.2", "eve", "fay"];
    let names: Vec<(ClientId, String)> = (0..).map(ClientId).zip(cast.map(str::to_owned)).collect();
    let defect = |people: u32| {
        let mut exhibits = vec![line(5_012_000_000, 0, "asked for `create`")];
        exhibits.push(line(5_030_000_000, 0, "had the answer to `create` with id 707"));
        for client in 1..people {
            let at = 5_400_000_000 + u64::from(client) * 40_000;
            exhibits.push(line(at, client, "asked for `sync`"));
            exhibits.push(line(at + 9_000_000, client, "had the answer to `sync`"));
        }
        exhibits.sort_by_key(|exhibit| exhibit.at);
        exhibits.push(line(6_100_000_000, 0, "sent \"a\" as key 17428424-331…, attempt 1"));
        exhibits.push(line(6_100_042_000, 0, "sent \"a\" as key 17428424-331…, attempt 1"));
        for (id, at) in [(477, 6_103_000_000), (478, 6_104_000_000)] {
            for client in 1..people {
                let said = format!("was pushed \"a\" with id {id}");
                exhibits.push(line(at + u64::from(client) * 70_000, client, &said));
            }
        }
        let argued: Vec<usize> = (0..exhibits.len())
            .filter(|row| {
                exhibits[*row].client == ClientId(people - 1)
                    || exhibits[*row].client == ClientId(0)
            })
            .filter(|row| exhibits[*row].at > 6_000_000_000)
            .collect();
        let argument = argued.iter().map(|row| exhibits[*row].clone()).collect();
        let script =
            format!("people: {}\nann send a | ann send a\n", cast[..people as usize].join(", "));
        Defect {
            property: "idempotency".into(),
            promised: true,
            promise: "Sending the same message several times makes exactly one message.".into(),
            source: "section 7.3, property 1".into(),
            seen: "two ids for one key".into(),
            script,
            failed: Some((49, 50)),
            plans: 6,
            after: 1_030_000_000,
            file: format!("scenarios/regressions/of-{people}.yaml"),
            violation: Some(Violation {
                summary: "two ids for one key".into(),
                exhibits: argument,
                therefore: "one message is known by the ids 477, 478".into(),
                but: "sends with one client message id make exactly one message".into(),
            }),
            scene: Scene { exhibits, argued },
            names: names.clone(),
            ..Defect::default()
        }
    };
    Exploration {
        spec: "callback-ack".into(),
        target: "embedded reference server".into(),
        bugs: vec!["dedup-race".into()],
        defects: [2, 3, 7].map(defect).into(),
        plans: 18,
        plays: 218,
        nanos: 13_500_000_000,
        seed: 1,
        started: "2026-11-21T01:57:04.805Z".into(),
        ..Exploration::default()
    }
}

fn line(at: u64, client: u32, text: &str) -> Exhibit {
    Exhibit { at, client: ClientId(client), text: text.into() }
}

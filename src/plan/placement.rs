//! Which client is on which node of a server that has several.

use crate::history::PersonId;

/// The node, counted from 0, on which a device of a person connects first: people are dealt out to the
/// nodes one after the other, and the devices of one person are on different ones.
#[must_use]
pub const fn home(person: PersonId, device: usize, nodes: usize) -> usize {
    match nodes {
        0 | 1 => 0,
        nodes => (person.0 as usize + device) % nodes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_and_their_devices_are_spread_evenly() {
        for nodes in 1..5 {
            let mut on = vec![0; nodes];
            (0..60).for_each(|person| on[home(PersonId(person), 0, nodes)] += 1);
            assert!(on.iter().all(|count| *count == 60 / nodes), "{nodes}: {on:?}");
            let devices: Vec<usize> =
                (0..nodes).map(|device| home(PersonId(7), device, nodes)).collect();
            assert!((0..nodes).all(|node| devices.contains(&node)), "{devices:?}");
        }
    }
}

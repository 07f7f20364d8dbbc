//! Over which of a server's channels the sends of a phase leave.

use crate::operation::Operation;
use crate::plan::dice::Dice;
use crate::scenario::{Scenario, Share};
use crate::spec::Spec;
use compact_str::CompactString;

/// The channels of a phase's sends, each with its share. Where the phase says nothing, all sends
/// leave over the first channel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Carriage(Vec<(CompactString, Share)>);

impl Carriage {
    /// What a phase says, on this spec: what it leaves over goes to the first channel that it does not
    /// name.
    #[must_use]
    pub fn of(spec: &Spec, shares: &[(String, Share)]) -> Self {
        let Some(deed) = spec.deed(Operation::Send).filter(|_| !shares.is_empty()) else {
            return Self::default();
        };
        let named: Vec<_> = shares.iter().map(|(name, _)| deed.channel_called(name)).collect();
        let mut rest = (0..deed.channels.len()).filter(|index| !named.contains(&Some(*index)));
        let rest = deed.channels.get(rest.next().unwrap_or(0));
        let left = 1.0 - shares.iter().map(|(_, share)| share).sum::<Share>();
        let all = shares.iter().map(|(name, share)| (name.as_str().into(), *share));
        let rest = rest.map(|channel| (channel.name.as_str().into(), left.max(0.0)));
        Self(all.chain(rest).collect())
    }

    /// A channel by chance; `None`: the first.
    #[must_use]
    pub fn draw(&self, dice: &mut Dice) -> Option<CompactString> {
        let (last, others) = self.0.split_last()?;
        let mut place = dice.unit();
        for (name, share) in others {
            if place < *share {
                return Some(name.clone());
            }
            place -= share;
        }
        Some(last.0.clone())
    }

    /// A channel that a scenario sends over and this server does not have, and the phase that does.
    #[must_use]
    pub fn lacking<'a>(spec: &Spec, scenario: &'a Scenario) -> Option<(&'a str, &'a str)> {
        let deed = spec.deed(Operation::Send);
        let has = |name: &str| deed.is_some_and(|deed| deed.channel_called(name).is_some());
        scenario.phases.iter().find_map(|phase| {
            let missing = phase.behaviour.channels.iter().find(|(name, _)| !has(name))?;
            Some((missing.0.as_str(), phase.name.as_str()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(name: &str) -> Spec {
        let path = format!("{}/specs/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
        let yaml = std::fs::read_to_string(path).unwrap();
        crate::spec::load("spec.yaml", &yaml, &crate::property::ids()).unwrap().spec
    }

    /// How many of a thousand sends leave over each of these channels.
    fn drawn(shares: &[(&str, Share)], channels: [&str; 2]) -> [usize; 2] {
        let shares: Vec<_> =
            shares.iter().map(|(name, share)| ((*name).to_owned(), *share)).collect();
        let carriage = Carriage::of(&spec("rest-first"), &shares);
        let mut dice = Dice::new(7, "test", 0, 0);
        let all: Vec<_> = (0..1_000).filter_map(|_| carriage.draw(&mut dice)).collect();
        channels.map(|channel| all.iter().filter(|one| *one == channel).count())
    }

    #[test]
    fn what_no_share_names_leaves_over_the_other_channel() {
        let [rest, socket] = drawn(&[("rest", 0.2)], ["rest", "socket"]);
        assert!((150..250).contains(&rest) && rest + socket == 1_000, "{rest} and {socket}");
        let [rest, socket] = drawn(&[("socket", 0.1)], ["rest", "socket"]);
        assert!((50..150).contains(&socket) && rest + socket == 1_000, "{rest} and {socket}");
        assert_eq!(drawn(&[("rest", 1.0)], ["rest", "socket"]), [1_000, 0]);
        assert_eq!(drawn(&[], ["rest", "socket"]), [0, 0]);
    }

    #[test]
    fn a_channel_that_the_server_lacks_is_told_with_its_phase() {
        let yaml = "assize: 1\nname: x\nabout: x\npeople: { count: 2 }\nconversations: { pairs: 1 }\n\
                    phases: [all: { lasts: 1s, connect: 100%, send: 1/s in all, channels: { rest: 5% } }]\n";
        let scenario = crate::scenario::load("x", yaml, &[]).unwrap().scenario;
        assert_eq!(Carriage::lacking(&spec("rest-first"), &scenario), None);
        assert_eq!(Carriage::lacking(&spec("callback-ack"), &scenario), Some(("rest", "all")));
    }
}

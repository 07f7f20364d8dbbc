//! Small concurrent scripts that nobody wrote: a few people, a few conversations, and steps that share
//! something, released together.
//!
//! A proptest strategy draws a sketch, whose numbers mean nothing yet; what they mean follows from the
//! people, rooms and messages that are there at that point. The same seed and number draw the same
//! script. Nothing here knows a server: what one can do is a [`Palette`]. Start with [`Generator`].

mod palette;
mod sketch;
mod write;

pub use palette::Palette;

use crate::explore::offsets::Offsets;
use crate::plan::dice::Dice;
use crate::plan::script::Script;
use proptest::strategy::{BoxedStrategy, Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use sketch::Sketch;

/// Draws scripts that fit one server.
#[derive(Debug)]
pub struct Generator {
    palette: Palette,
    sketches: BoxedStrategy<Sketch>,
    /// Those in which something happens to the server, if anything may.
    struck: Option<BoxedStrategy<Sketch>>,
    seed: u64,
}

impl Generator {
    /// Scripts of what is in the palette.
    #[must_use]
    pub fn new(palette: Palette, seed: u64) -> Self {
        let sketches = sketch::sketches(&palette);
        let struck = palette.has_strikes().then(|| sketch::struck(&palette));
        Self { palette, sketches, struck, seed }
    }

    /// Something may happen to the server's nodes and parts: [`Generator::struck`] has scripts.
    #[must_use]
    pub const fn strikes(&self) -> bool {
        self.struck.is_some()
    }

    /// The script of this number, its racing steps as far apart as `offsets` says.
    ///
    /// # Panics
    /// Never: a test reads many.
    #[must_use]
    pub fn script(&self, number: u64, offsets: &Offsets) -> Script {
        understood(&self.text(&self.sketches, number, offsets))
    }

    /// The script of this number in which something happens to the server's nodes or parts, if anything may.
    ///
    /// # Panics
    /// Never: a test reads many.
    #[must_use]
    pub fn struck(&self, number: u64, offsets: &Offsets) -> Option<Script> {
        let sketches = self.struck.as_ref()?;
        Some(understood(&self.text(sketches, number, offsets)))
    }

    fn text(&self, sketches: &BoxedStrategy<Sketch>, number: u64, offsets: &Offsets) -> String {
        let mut dice = Dice::new(self.seed, "exploration", number, 0);
        let mut seed = [0_u8; 32];
        for piece in seed.chunks_mut(8) {
            piece.copy_from_slice(&dice.bits().to_le_bytes());
        }
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let tree = sketches.new_tree(&mut runner).expect("nothing is filtered out");
        write::text(&tree.current(), &self.palette, offsets, &mut dice)
    }
}

fn understood(text: &str) -> Script {
    Script::parse(text).unwrap_or_else(|mistake| panic!("{mistake} in\n{text}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::TargetChoice;
    use crate::property;
    use crate::reference::Bugs;
    use crate::spec::{self, Spec};
    use std::collections::BTreeSet;

    fn spec_of(name: &str) -> Spec {
        let yaml = std::fs::read_to_string(format!("specs/{name}.yaml")).unwrap();
        spec::load(name, &yaml, &property::ids()).unwrap().spec
    }

    fn generator(spec: &str, seed: u64) -> Generator {
        Generator::new(Palette::of(&spec_of(spec), true, &[]), seed)
    }

    #[test]
    fn every_script_is_understood_small_and_within_what_the_server_can_do() {
        for name in
            ["callback-ack", "event-reply", "sequenced", "rest-first", "broadcast", "matrix"]
        {
            let spec = spec_of(name);
            let target = TargetChoice::embedded(Bugs::NONE);
            let generator = generator(name, 5);
            for number in 0..300 {
                let script = generator.script(number, &Offsets::NEW);
                assert!((2..=6).contains(&script.people.len()), "{number}");
                assert!(script.rooms.len() <= 4, "{number}");
                assert!(script.people.iter().all(|role| role.devices <= 2), "{number}");
                let lack = crate::conform::script_lacks(&script, &spec, &target);
                assert_eq!(lack, None, "{name} {number}");
            }
        }
    }

    #[test]
    fn what_happens_to_the_server_happens_while_somebody_speaks() {
        use crate::fault::{Node, NodeDeed, Part, Server};
        use crate::plan::script::Step;
        let node = |number| Server::Node(Node { number, does: NodeDeed::Stop });
        let strikes = [node(1), node(2), Server::Part(Part::Redis)];
        for name in ["sequenced", "broadcast"] {
            let palette = Palette::of(&spec_of(name), false, &[]);
            assert!(!Generator::new(palette.clone(), 1).strikes());
            let generator = Generator::new(palette.with_strikes(&strikes), 5);
            let mut seen = BTreeSet::new();
            for number in 0..100 {
                let script = generator.struck(number, &Offsets::NEW).expect("there are strikes");
                assert!(script.people.len() <= 3 && script.steps.len() <= 10, "{script}");
                seen.extend(script.strikes().map(|strike| format!("{strike:?}")));
                let step = |is: fn(&Step) -> bool| script.steps.iter().position(is);
                let speaks = step(|step| matches!(step, Step::Do { awaited: false, .. }));
                let struck = step(|step| matches!(step, Step::Server(_)));
                let heals = step(|step| matches!(step, Step::ServerHeals));
                assert!(speaks < struck && struck < heals && speaks.is_some(), "{script}");
            }
            assert_eq!(seen.len(), strikes.len());
        }
    }

    #[test]
    fn the_same_seed_draws_the_same_and_another_seed_others() {
        let texts = |seed| -> Vec<String> {
            let generator = generator("callback-ack", seed);
            (0..50)
                .map(|number| generator.text(&generator.sketches, number, &Offsets::NEW))
                .collect()
        };
        assert_eq!(texts(1), texts(1));
        let all: BTreeSet<String> = texts(1).into_iter().chain(texts(2)).collect();
        assert!(all.len() > 90, "{}", all.len());
    }

    #[test]
    fn most_scripts_release_steps_together_that_share_something() {
        let generator = generator("callback-ack", 3);
        let races = (0..200).filter(|number| {
            let text = generator.text(&generator.sketches, *number, &Offsets::NEW);
            text.contains(" | ")
        });
        assert!(races.count() > 150);
    }
}

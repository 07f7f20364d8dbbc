//! What in a script can be said more plainly: numbers and times towards nothing, texts short, ways usual.

use crate::history::Nanos;
use crate::plan::Manner;
use crate::plan::script::{Deed, Pace, Script, Step, Verb};
use crate::plan::text::Kind;
use std::time::Duration;

/// Times that are shorter are none, in nanoseconds.
const SHORTEST: Nanos = 10_000;

/// A number of a script that can be smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dial {
    place: Place,
    /// What it says now: nanoseconds, or how many.
    pub(super) value: u64,
    /// The least that makes sense.
    pub(super) least: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// How long a step's pause is.
    Pause(usize),
    /// How long something happens to the server.
    Server(usize),
    /// A figure of a deed, by step and position.
    Deed(usize, usize, Figure),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Figure {
    /// How much later it is released.
    After,
    /// How long a fault lasts.
    Lasts,
    /// How many messages.
    Count,
    /// The time from one to the next.
    Pace,
    /// The pause between pages.
    Rest,
}

/// All numbers of a script that can be smaller.
pub(super) fn dials(script: &Script) -> Vec<Dial> {
    let mut all = Vec::new();
    for (index, step) in script.steps.iter().enumerate() {
        match step {
            Step::Pause(lasts) => all.push((Place::Pause(index), nanos(*lasts), 0)),
            Step::Server(deed) => {
                all.extend(deed.lasts.map(|lasts| (Place::Server(index), nanos(lasts), 0)));
            }
            Step::Do { deeds, .. } => {
                for (number, deed) in deeds.iter().enumerate() {
                    let place = |figure| Place::Deed(index, number, figure);
                    all.push((place(Figure::After), nanos(deed.after), 0));
                    all.push((place(Figure::Rest), nanos(deed.manner.pause), 0));
                    match &deed.verb {
                        Verb::Suffer { lasts: Some(lasts), .. } => {
                            all.push((place(Figure::Lasts), nanos(*lasts), 1_000_000));
                        }
                        Verb::Burst { count, pace, .. } => {
                            if count.rates == 0 {
                                let count = count.plus.unsigned_abs().into();
                                all.push((place(Figure::Count), count, 1));
                            }
                            if let Pace::Every(pause) = pace {
                                all.push((place(Figure::Pace), nanos(*pause), 0));
                            }
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    let dials = all.into_iter().map(|(place, value, least)| Dial { place, value, least });
    dials.filter(|dial| dial.value > dial.least).collect()
}

impl Dial {
    /// The script with this number in its place; times are whole microseconds, or milliseconds, as far as
    /// that makes them smaller.
    pub(super) fn turned(&self, script: &Script, value: u64) -> Script {
        let mut less = script.clone();
        let lasts = round(value);
        match self.place {
            Place::Pause(step) => less.steps[step] = Step::Pause(lasts),
            Place::Server(step) => {
                if let Step::Server(deed) = &mut less.steps[step] {
                    deed.lasts = Some(lasts);
                }
            }
            Place::Deed(step, number, figure) => {
                if let Step::Do { deeds, .. } = &mut less.steps[step] {
                    figure.set(&mut deeds[number], value, lasts);
                }
            }
        }
        less
    }
}

impl Figure {
    fn set(self, deed: &mut Deed, value: u64, time: Duration) {
        match (self, &mut deed.verb) {
            (Self::After, _) => deed.after = time,
            (Self::Rest, _) => deed.manner.pause = time,
            (Self::Lasts, Verb::Suffer { lasts, .. }) => *lasts = Some(time),
            (Self::Count, Verb::Burst { count, .. }) => {
                count.plus = i32::try_from(value).unwrap_or(i32::MAX);
            }
            (Self::Pace, Verb::Burst { pace, .. }) => {
                *pace = if time.is_zero() { Pace::AtOnce } else { Pace::Every(time) };
            }
            _ => {}
        }
    }
}

fn nanos(time: Duration) -> Nanos {
    time.as_nanos() as Nanos
}

/// Two figures that count: `37.218ms` says no more than `37ms`, and less than 10 µs nothing at all.
fn round(nanos: Nanos) -> Duration {
    if nanos < SHORTEST {
        return Duration::ZERO;
    }
    let mut unit = 1;
    while nanos / unit >= 100 {
        unit *= 10;
    }
    Duration::from_nanos(nanos / unit * unit)
}

/// The same script with one thing less special about it, in each way that there is.
pub(super) fn plainer(script: &Script) -> Vec<Script> {
    let mut all = Vec::new();
    for person in 0..script.people.len() {
        let role = &script.people[person];
        let mut plain = script.clone();
        if role.skew_ms != 0 {
            plain.people[person].skew_ms = 0;
        } else if !role.nodes.is_empty() {
            plain.people[person].nodes = Vec::new();
        } else if role.offline {
            plain.people[person].offline = false;
        } else {
            continue;
        }
        all.push(plain);
    }
    for (index, step) in script.steps.iter().enumerate() {
        let Step::Do { deeds, awaited } = step else { continue };
        if !awaited {
            let mut plain = script.clone();
            plain.steps[index] = Step::Do { deeds: deeds.clone(), awaited: true };
            all.push(plain);
        }
        if !deeds.is_sorted_by_key(|deed| (deed.after, deed.by)) {
            let mut plain = script.clone();
            if let Step::Do { deeds, .. } = &mut plain.steps[index] {
                deeds.sort_by_key(|deed| (deed.after, deed.by));
            }
            all.push(plain);
        }
        for (number, deed) in deeds.iter().enumerate() {
            for plain_deed in plainer_deeds(deed) {
                let mut plain = script.clone();
                if let Step::Do { deeds, .. } = &mut plain.steps[index] {
                    deeds[number] = plain_deed;
                }
                all.push(plain);
            }
        }
    }
    all
}

fn plainer_deeds(deed: &Deed) -> Vec<Deed> {
    let mut all = Vec::new();
    let mut add = |change: &dyn Fn(&mut Deed)| {
        let mut plain = deed.clone();
        change(&mut plain);
        if plain != *deed {
            all.push(plain);
        }
    };
    add(&|deed| deed.manner = Manner::USUAL);
    add(&|deed| deed.odd = None);
    add(&|deed| deed.due = None);
    add(&|deed| match &mut deed.verb {
        Verb::Send { kind, .. } | Verb::Burst { kind, .. } => *kind = Kind::Short,
        Verb::Connect(node) => *node = None,
        Verb::Hold { elsewhere, .. } => *elsewhere = false,
        _ => {}
    });
    add(&|deed| {
        if let Verb::Send { key_of, .. } = &mut deed.verb {
            *key_of = None;
        }
    });
    add(&|deed| {
        if let Verb::Send { text_of, .. } = &mut deed.verb {
            *text_of = None;
        }
    });
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(text: &str) -> Script {
        Script::parse(text).unwrap()
    }

    #[test]
    fn each_number_can_be_turned_down() {
        let whole = script(
            "people: ann, bob\nann send a | +2.4ms bob send b\npause 300ms\nann burst 9 every 50ms\n\
             bob cut rst for 2s\nann history by 5 every 40ms\nserver stop for 2s\n",
        );
        let turned = |dial: &Dial| dial.turned(&whole, dial.value / 2).to_string();
        let texts: Vec<String> = dials(&whole).iter().map(turned).collect();
        let changed = [
            "+1.2ms bob",
            "pause 150ms",
            "burst 4 every 50ms",
            "burst 9 every 25ms",
            "for 1s\nann",
            "by 5 every 20ms",
            "stop for 1s",
        ];
        assert_eq!(texts.len(), changed.len(), "{texts:#?}");
        assert!(
            texts.iter().zip(changed).all(|(text, change)| text.contains(change)),
            "{texts:#?}"
        );
        let odd = script("people: ann\npause 37218us\n");
        assert_eq!(dials(&odd)[0].turned(&odd, 37_218_000), script("people: ann\npause 37ms\n"));
    }

    #[test]
    fn what_is_special_can_be_left_out() {
        let whole = script(
            "people: ann skewed 5s, bob offline\nstart ann send a as long via rest with text null => refused\n\
             ann send b with key of a\n",
        );
        let texts: Vec<String> = plainer(&whole).iter().map(Script::to_string).collect();
        for left in [
            "people: ann, bob offline",
            "bob\nstart",
            "\nann send a as long via",
            "send a as long with text null =>",
            "send a as long via rest => refused",
            "with text null\n",
            "send a via rest with",
            "send b\n",
        ] {
            assert!(texts.iter().any(|text| text.contains(left)), "{left} is not in {texts:#?}");
        }
        assert_eq!(texts.len(), 8);
    }
}

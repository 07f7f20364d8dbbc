//! What can be taken out of a script: steps, deeds, people, devices, conversations; and what goes with it,
//! so that the rest can still be read.

use crate::outcome::exploration::Extent;
use crate::plan::script::{Deed, Device, Role, Room, Script, Sighted, Step, To, Verb};

/// How large a script is.
#[must_use]
pub fn extent(script: &Script) -> Extent {
    Extent {
        steps: script.steps.len(),
        deeds: script.deeds().count(),
        people: script.people.len(),
        devices: script.devices().count(),
        conversations: script.rooms.len(),
    }
}

/// Without the steps of this range.
pub(super) fn without_steps(script: &Script, from: usize, count: usize) -> Script {
    let mut less = script.clone();
    less.steps.drain(from..(from + count).min(script.steps.len()));
    mended(less)
}

/// Without each deed of a step that has several, one at a time.
pub(super) fn without_deeds(script: &Script) -> Vec<Script> {
    let mut all = Vec::new();
    for (index, step) in script.steps.iter().enumerate() {
        if let Step::Do { deeds, .. } = step
            && deeds.len() > 1
        {
            for gone in 0..deeds.len() {
                let mut less = script.clone();
                if let Step::Do { deeds, .. } = &mut less.steps[index] {
                    deeds.remove(gone);
                }
                all.push(mended(less));
            }
        }
    }
    all
}

/// Without each person, one at a time.
pub(super) fn without_people(script: &Script) -> Vec<Script> {
    (0..script.people.len()).map(|person| without_person(script, person)).collect()
}

/// With nobody but these people, if there are others.
pub(super) fn with_only(script: &Script, people: &[usize]) -> Option<Script> {
    let others = (0..script.people.len()).rev().filter(|person| !people.contains(person));
    let less = others.fold(script.clone(), |less, person| without_person(&less, person));
    (!people.is_empty() && less.people.len() < script.people.len()).then_some(less)
}

/// With two people made one, each pair in turn: the first does what the second did, too.
pub(super) fn with_people_merged(script: &Script) -> Vec<Script> {
    let count = script.people.len();
    let pairs = (0..count).flat_map(|one| (one + 1..count).map(move |other| (one, other)));
    pairs.filter(|_| count > 2).map(|(one, other)| merged(script, one, other)).collect()
}

fn merged(script: &Script, one: usize, other: usize) -> Script {
    let mut less = script.clone();
    let last = script.people[one].devices - 1;
    let stands_for = |device: &mut Device| {
        if device.person == other {
            *device = Device { person: one, device: device.device.min(last) };
        }
    };
    less.steps.iter_mut().for_each(|step| match step {
        Step::Do { deeds, .. } => deeds.iter_mut().for_each(|deed| stands_for(&mut deed.by)),
        Step::UntilSees(device, _) | Step::UntilIs(device, _) => stands_for(device),
        _ => {}
    });
    // Who is listed in the other's place must not be there twice.
    let listed = |people: &mut Vec<usize>| {
        if !people.contains(&one) {
            people.iter_mut().filter(|person| **person == other).for_each(|person| *person = one);
        }
    };
    less.rooms.iter_mut().for_each(|room| {
        listed(&mut room.members);
        room.audience.iter_mut().for_each(listed);
    });
    without_person(&less, other)
}

fn without_person(script: &Script, gone: usize) -> Script {
    let mut less = script.clone();
    less.people.remove(gone);
    let moved = |person: usize| person - usize::from(person > gone);
    let kept = |people: &mut Vec<usize>| {
        people.retain(|person| *person != gone);
        people.iter_mut().for_each(|person| *person = moved(*person));
    };
    less.rooms.iter_mut().for_each(|room| {
        kept(&mut room.members);
        room.audience.iter_mut().for_each(kept);
    });
    retain_deeds(&mut less, |deed| {
        let stays = deed.by.person != gone;
        deed.by.person = moved(deed.by.person);
        stays
            && match &mut deed.verb {
                Verb::Create { people, .. } => {
                    let alone = people.len() == 1;
                    kept(people);
                    alone || people.iter().any(|person| *person != deed.by.person)
                }
                Verb::Broadcast { to: To::ChapterOf(person), .. } => {
                    let stays = *person != gone;
                    *person = moved(*person);
                    stays
                }
                Verb::Broadcast { to: To::People(people), .. } => {
                    kept(people);
                    !people.is_empty()
                }
                _ => true,
            }
    });
    less.steps.retain_mut(|step| match step {
        Step::UntilSees(device, _) | Step::UntilIs(device, _) => {
            let stays = device.person != gone;
            device.person = moved(device.person);
            stays
        }
        _ => true,
    });
    let lonely = |room: &Room| !room.by_step && room.members.len() == 1;
    while let Some(room) = less.rooms.iter().position(lonely) {
        less = without_room(&less, room, None);
    }
    mended(less)
}

/// Without each device of people who have several, one at a time: what it did is left out, or done by
/// another.
pub(super) fn without_devices(script: &Script) -> Vec<Script> {
    let several = script.people.iter().enumerate().filter(|(_, role)| role.devices > 1);
    several
        .flat_map(|(person, role)| {
            (0..role.devices).rev().flat_map(move |device| {
                [false, true].map(|moves| without_device(script, person, device, moves))
            })
        })
        .collect()
}

fn without_device(script: &Script, person: usize, gone: usize, moves: bool) -> Script {
    let mut less = script.clone();
    let role: &mut Role = &mut less.people[person];
    role.devices -= 1;
    if gone < role.nodes.len() {
        role.nodes.remove(gone);
    }
    let place = |device: usize| match device {
        device if device == gone => 0,
        device => device - usize::from(device > gone),
    };
    retain_deeds(&mut less, |deed| {
        if deed.by.person != person {
            return true;
        }
        let stays = moves || deed.by.device != gone;
        deed.by.device = place(deed.by.device);
        stays
    });
    less.steps.retain_mut(|step| match step {
        Step::UntilSees(device, _) | Step::UntilIs(device, _) if device.person == person => {
            let stays = moves || device.device != gone;
            device.device = place(device.device);
            stays
        }
        _ => true,
    });
    mended(less)
}

/// Without each conversation, one at a time: what happened there is left out, or happens in the first; and
/// with those there before that a step makes.
pub(super) fn without_rooms(script: &Script) -> Vec<Script> {
    let mut all = Vec::new();
    for room in 0..script.rooms.len() {
        all.push(without_room(script, room, None));
        if room > 0 {
            all.push(without_room(script, room, Some(0)));
        }
        if script.rooms[room].by_step && script.rooms[room].audience.is_none() {
            let mut less = script.clone();
            less.rooms[room].by_step = false;
            let makes = |deed: &Deed| matches!(deed.verb, Verb::Create { room: Some(made), .. } if made == room);
            retain_deeds(&mut less, |deed| !makes(deed));
            all.push(mended(less));
        }
    }
    all
}

fn without_room(script: &Script, gone: usize, other: Option<usize>) -> Script {
    let mut less = script.clone();
    less.rooms.remove(gone);
    let moved = |room: usize| match other {
        Some(other) if room == gone => other,
        _ => room - usize::from(room > gone),
    };
    retain_deeds(&mut less, |deed| {
        let makes = matches!(deed.verb, Verb::Create { .. } | Verb::Broadcast { .. });
        let Some(room) = place(deed) else { return true };
        let stays = *room != gone || other.is_some() && !makes;
        *room = moved(*room);
        stays
    });
    mended(less)
}

/// Where a deed happens.
fn place(deed: &mut Deed) -> Option<&mut usize> {
    match &mut deed.verb {
        Verb::Send { room, .. }
        | Verb::Burst { room, .. }
        | Verb::Type { room }
        | Verb::Ask { room, .. }
        | Verb::Broadcast { room, .. }
        | Verb::Create { room: Some(room), .. } => Some(room),
        _ => None,
    }
}

fn retain_deeds(script: &mut Script, mut keep: impl FnMut(&mut Deed) -> bool) {
    for step in &mut script.steps {
        if let Step::Do { deeds, .. } = step {
            deeds.retain_mut(&mut keep);
        }
    }
}

/// Without what speaks of messages that nobody has sent before, or happens in conversations that nobody
/// has made.
fn mended(mut script: Script) -> Script {
    let mut sent = vec![false; script.labels.len()];
    let mut there: Vec<bool> = script.rooms.iter().map(|room| !room.by_step).collect();
    let is_there = |there: &[bool], room: usize| there.get(room).copied().unwrap_or(room == 0);
    script.steps.retain_mut(|step| match step {
        Step::Do { deeds, .. } => {
            deeds.retain_mut(|deed| match &mut deed.verb {
                Verb::Send { label, room, key_of, text_of, .. } => {
                    let stays = is_there(&there, *room);
                    sent[*label] |= stays;
                    for other in [key_of, text_of] {
                        *other = other.filter(|other| sent[*other]);
                    }
                    stays
                }
                Verb::Ask { label, room, .. } => {
                    label.is_none_or(|label| sent[label]) && is_there(&there, *room)
                }
                Verb::Burst { room, .. } | Verb::Type { room } => is_there(&there, *room),
                Verb::Create { room: Some(room), .. } | Verb::Broadcast { room, .. } => {
                    if let Some(there) = there.get_mut(*room) {
                        *there = true;
                    }
                    true
                }
                _ => true,
            });
            !deeds.is_empty()
        }
        Step::UntilSees(_, Sighted::Message(label)) => sent[*label],
        _ => true,
    });
    // Later than nobody is at once.
    for step in &mut script.steps {
        if let Step::Do { deeds, .. } = step {
            let first = deeds.iter().map(|deed| deed.after).min().unwrap_or_default();
            deeds.iter_mut().for_each(|deed| deed.after -= first);
        }
    }
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(text: &str) -> Script {
        Script::parse(text).unwrap()
    }

    fn read(less: &Script) -> String {
        let printed = less.to_string();
        let read = Script::parse(&printed);
        read.unwrap_or_else(|mistake| panic!("{mistake} in\n{printed}")).to_string()
    }

    const TALE: &str = "people: ann x2, bob, cid\nno room\nann.1 create x with bob\n\
                        room side: bob, cid\nbob send a | ann.2 send b\nbob send c in side\n\
                        until ann.2 sees a\nann.1 read a | bob read b\ncid history in side\n";

    #[test]
    fn what_depends_on_a_step_goes_with_it() {
        let less = without_steps(&script(TALE), 1, 1);
        assert_eq!(
            read(&less),
            "people: ann x2, bob, cid\nno room\nann.1 create x with bob\nroom side: bob, cid\n\
             bob send c in side\ncid history in side\n"
        );
        let deeds = without_deeds(&script(TALE));
        assert_eq!(deeds.len(), 4);
        assert!(
            read(&deeds[0])
                .ends_with("ann.2 send b\nbob send c in side\nbob read b\ncid history in side\n")
        );
    }

    #[test]
    fn people_leave_with_what_they_did() {
        let less = without_people(&script(TALE));
        assert_eq!(
            read(&less[2]),
            "people: ann x2, bob\nno room\nann.1 create x with bob\nbob send a | ann.2 send b\n\
             until ann.2 sees a\nann.1 read a | bob read b\n"
        );
        assert_eq!(
            read(&less[0]),
            "people: bob, cid\nroom side: bob, cid\nbob send c\ncid history\n"
        );
    }

    #[test]
    fn those_who_are_concerned_stay_and_two_become_one() {
        let tale = script(TALE);
        assert_eq!(with_only(&tale, &[0, 1, 2]), None);
        assert_eq!(
            with_only(&tale, &[1, 2]).map(|less| read(&less)).unwrap_or_default(),
            "people: bob, cid\nroom side: bob, cid\nbob send c\ncid history\n"
        );
        let less = with_people_merged(&tale);
        assert_eq!(less.len(), 3);
        assert_eq!(
            read(&less[1]),
            "people: ann x2, bob\nno room\nann.1 create x with bob\nroom side: bob, ann\n\
             bob send a | ann.2 send b\nbob send c in side\nuntil ann.2 sees a\n\
             ann.1 read a | bob read b\nann.1 history in side\n"
        );
        let pair = script("people: ann, bob\nann send a");
        assert!(with_people_merged(&pair).is_empty(), "nobody talks to themselves");
    }

    #[test]
    fn devices_leave_and_others_take_their_place() {
        let less = without_devices(&script(TALE));
        assert_eq!(less.len(), 4);
        assert!(read(&less[0]).contains("bob send a\nbob send c in side\nann read a\n"));
        assert!(read(&less[1]).contains("bob send a | ann send b\n"));
        assert!(read(&less[2]).ends_with("room side: bob, cid\nbob send c\ncid history\n"));
    }

    #[test]
    fn conversations_leave_or_are_there_before() {
        let less = without_rooms(&script(TALE));
        let texts: Vec<String> = less.iter().map(read).collect();
        assert_eq!(texts.len(), 4);
        assert_eq!(
            texts[1],
            "people: ann x2, bob, cid\nroom x: ann, bob\nroom side: bob, cid\nbob send a | ann.2 send b\n\
             bob send c in side\nuntil ann.2 sees a\nann.1 read a | bob read b\ncid history in side\n"
        );
        assert!(texts[3].contains("bob send c\n"), "{}", texts[3]);
    }

    #[test]
    fn whatever_is_taken_out_of_any_case_can_still_be_read() {
        for probe in crate::property::ALL.iter().flat_map(|property| property.probes()) {
            let whole = script(probe.script);
            let size = extent(&whole);
            let steps = (0..whole.steps.len()).map(|step| without_steps(&whole, step, 1));
            let rest = [without_deeds, without_people, without_devices, without_rooms];
            for less in steps.chain(rest.iter().flat_map(|take| take(&whole))) {
                let text = less.to_string();
                match Script::parse(&text) {
                    Ok(less) => assert!(extent(&less) <= size, "{text}"),
                    // Somebody must be there, and a room has two members.
                    Err(why) => assert!(whole.people.len() < 3, "{why} in\n{text}of\n{whole}"),
                }
            }
        }
    }
}

//! People, their clients, and who talks to whom.

use crate::history::{ClientId, ConversationId, PersonId};
use crate::plan::Plan;
use crate::plan::dice::Dice;
use crate::scenario::{Scenario, Share};
use rustc_hash::FxHashSet;
use std::ops::Range;

/// People in a cell, unless a larger group needs a larger one.
const CELL_PEOPLE: u32 = 50;

/// Some people and the conversations among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The cell's number.
    pub number: u32,
    /// Its people.
    pub people: Vec<Person>,
    /// Their conversations.
    pub conversations: Vec<Conversation>,
}

/// One person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The person.
    pub id: PersonId,
    /// The person's devices.
    pub clients: Vec<ClientId>,
    /// Positions in the cell's conversations.
    pub conversations: Vec<usize>,
}

/// One conversation. Its first member creates it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// The conversation.
    pub id: ConversationId,
    /// Positions in the cell's people.
    pub members: Vec<usize>,
}

/// How many cells a scenario's people fill.
#[must_use]
pub fn cell_count(scenario: &Scenario) -> u32 {
    let (count, size) = (scenario.people.count, cell_people(scenario));
    let cells = if size > CELL_PEOPLE { count / size } else { count.div_ceil(size) };
    cells.max(1)
}

/// The people of a cell. The last one takes the rest, so that what needs a large cell finds one.
fn part_of(scenario: &Scenario, number: u32) -> Range<u32> {
    let (count, size) = (scenario.people.count, cell_people(scenario));
    let end = if number + 1 == cell_count(scenario) { count } else { (number + 1) * size };
    number * size..end.min(count)
}

fn cell_people(scenario: &Scenario) -> u32 {
    let largest = scenario.people.groups.iter().map(|groups| groups.most).max().unwrap_or(2);
    let star = scenario.people.stars.iter().map(|stars| stars.conversations + 1).max().unwrap_or(2);
    largest.max(star).max(CELL_PEOPLE)
}

/// Shares `total` among cells in proportion to their people, without remainder: the part of the
/// people in `part`, as a range of the total.
fn portion(total: u32, part: &Range<u32>, people: u32) -> Range<u32> {
    let upto = |person: u32| (u64::from(total) * u64::from(person) / u64::from(people)) as u32;
    upto(part.start)..upto(part.end)
}

impl Cell {
    /// Cell `number` of the plan.
    #[must_use]
    pub fn new(plan: &Plan, number: u32) -> Self {
        let scenario = &plan.scenario;
        let part = part_of(scenario, number);
        let most_devices = most_devices(scenario);
        let mut people: Vec<Person> = part
            .clone()
            .map(|person| Person {
                id: PersonId(person),
                clients: (0..devices_of(scenario, person))
                    .map(|device| ClientId(person * most_devices + device))
                    .collect(),
                conversations: Vec::new(),
            })
            .collect();
        let conversations = conversations(plan, number, &part, people.len());
        for (index, conversation) in conversations.iter().enumerate() {
            for &member in &conversation.members {
                people[member].conversations.push(index);
            }
        }
        Self { number, people, conversations }
    }

    /// The cell of a person.
    #[must_use]
    pub fn of(plan: &Plan, person: PersonId) -> Self {
        Self::new(plan, cell_of(&plan.scenario, person))
    }

    /// All clients of the cell.
    pub fn clients(&self) -> impl Iterator<Item = ClientId> + '_ {
        self.people.iter().flat_map(|person| person.clients.iter().copied())
    }
}

/// The cell of a person, by its number.
#[must_use]
pub fn cell_of(scenario: &Scenario, person: PersonId) -> u32 {
    (person.0 / cell_people(scenario)).min(cell_count(scenario) - 1)
}

/// Above the numbers of all clients.
#[must_use]
pub fn client_bound(scenario: &Scenario) -> u32 {
    scenario.people.count * most_devices(scenario)
}

fn most_devices(scenario: &Scenario) -> u32 {
    scenario.people.devices.iter().map(|(devices, _)| *devices).max().unwrap_or(1).max(1)
}

/// Devices of a person: the shares, evenly interleaved, so that each cell has its part.
fn devices_of(scenario: &Scenario, person: u32) -> u32 {
    // The golden ratio spreads consecutive numbers evenly over the unit interval.
    let place = (f64::from(person) * 0.618_033_988_749_894_9).fract();
    let mut sum: Share = 0.0;
    for (devices, share) in &scenario.people.devices {
        sum += share;
        if place < sum {
            return (*devices).max(1);
        }
    }
    scenario.people.devices.last().map_or(1, |(devices, _)| (*devices).max(1))
}

fn conversations(plan: &Plan, cell: u32, part: &Range<u32>, people: usize) -> Vec<Conversation> {
    let wanted = &plan.scenario.people;
    let mut dice = Dice::new(plan.seed, "conversations", u64::from(cell), 0);
    let mut seats = Seats { order: Vec::new(), people };
    let mut made = Vec::new();
    let pairs = portion(wanted.pairs, part, wanted.count);
    let mut known = FxHashSet::default();
    for id in pairs {
        if let Some(members) = new_pair(&mut seats, &mut dice, &mut known) {
            made.push(Conversation { id: ConversationId(id), members });
        }
    }
    let mut base = wanted.pairs;
    for groups in &wanted.groups {
        for id in portion(groups.count, part, wanted.count) {
            let span = (groups.most - groups.least + 1) as usize;
            let size = (groups.least as usize + dice.below(span)).min(people);
            if size >= 2 {
                let members = seats.take(size, &mut dice);
                made.push(Conversation { id: ConversationId(base + id), members });
            }
        }
        base += groups.count;
    }
    for stars in &wanted.stars {
        for star in portion(stars.count, part, wanted.count) {
            let first = base + star * stars.conversations;
            let around = seats.around(stars.conversations as usize, &mut dice, &mut known);
            let ids = (first..).map(ConversationId);
            made.extend(
                around.into_iter().zip(ids).map(|(members, id)| Conversation { id, members }),
            );
        }
        base += stars.count * stars.conversations;
    }
    made
}

/// A pair that does not exist yet; after some tries in a crowded cell, none.
fn new_pair(
    seats: &mut Seats,
    dice: &mut Dice,
    known: &mut FxHashSet<(usize, usize)>,
) -> Option<Vec<usize>> {
    for _ in 0..32 {
        if seats.people < 2 {
            return None;
        }
        let pair = seats.take(2, dice);
        if known.insert((pair[0].min(pair[1]), pair[0].max(pair[1]))) {
            return Some(pair);
        }
    }
    None
}

/// Deals people out in rounds, so that everybody has a conversation before anybody has two.
struct Seats {
    order: Vec<usize>,
    people: usize,
}

impl Seats {
    /// One person, and a pair with each of so many others whom that person has no pair with yet.
    fn around(
        &mut self,
        size: usize,
        dice: &mut Dice,
        known: &mut FxHashSet<(usize, usize)>,
    ) -> Vec<Vec<usize>> {
        let Some(&star) = self.take(1.min(self.people), dice).first() else { return Vec::new() };
        let mut others: Vec<usize> = (0..self.people).filter(|other| *other != star).collect();
        dice.shuffle(&mut others);
        others.retain(|other| known.insert((star.min(*other), star.max(*other))));
        others.truncate(size);
        others.into_iter().map(|other| vec![star, other]).collect()
    }

    fn take(&mut self, size: usize, dice: &mut Dice) -> Vec<usize> {
        let mut members: Vec<usize> = Vec::with_capacity(size);
        let mut passed_over = Vec::new();
        while members.len() < size {
            if self.order.is_empty() {
                self.order = (0..self.people).collect();
                dice.shuffle(&mut self.order);
            }
            let person = self.order.pop().expect("a round deals everybody");
            if members.contains(&person) {
                passed_over.push(person);
            } else {
                members.push(person);
            }
        }
        self.order.append(&mut passed_over);
        members
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::plan;

    #[test]
    fn everybody_is_somewhere_and_counts_are_exact() {
        let plan = plan(300, 150, &[(20, 4, 8)]);
        let cells: Vec<Cell> = plan.cells(0, 1).collect();
        let pairs: usize =
            cells.iter().flat_map(|c| &c.conversations).filter(|c| c.id.0 < 150).count();
        let all: usize = cells.iter().map(|cell| cell.conversations.len()).sum();
        assert_eq!((pairs, all), (150, 170));
        let lonely = cells.iter().flat_map(|c| &c.people).filter(|p| p.conversations.is_empty());
        assert_eq!(lonely.count(), 0);
    }

    #[test]
    fn members_are_distinct_and_of_the_cell() {
        for cell in plan(120, 90, &[(9, 3, 40)]).cells(0, 1) {
            for conversation in &cell.conversations {
                let distinct: FxHashSet<_> = conversation.members.iter().collect();
                assert_eq!(distinct.len(), conversation.members.len());
                assert!(conversation.members.iter().all(|member| *member < cell.people.len()));
            }
        }
    }

    #[test]
    fn devices_follow_their_shares() {
        let mut plan = plan(1_000, 10, &[]);
        std::sync::Arc::get_mut(&mut plan.scenario).unwrap().people.devices =
            vec![(1, 0.8), (2, 0.2)];
        let clients: usize = plan.cells(0, 1).map(|cell| cell.clients().count()).sum();
        assert!((1_190..1_210).contains(&clients), "{clients}");
    }

    #[test]
    fn shards_divide_the_same_population() {
        let plan = plan(300, 150, &[(20, 4, 8)]);
        let whole: Vec<Cell> = plan.cells(0, 1).collect();
        let mut parts: Vec<Cell> = (0..4).flat_map(|shard| plan.cells(shard, 4)).collect();
        parts.sort_by_key(|cell| cell.number);
        assert_eq!(whole, parts);
    }

    #[test]
    fn a_star_has_a_conversation_with_each_of_its_others() {
        let mut plan = plan(300, 20, &[]);
        let people = &mut std::sync::Arc::get_mut(&mut plan.scenario).unwrap().people;
        people.stars = vec![crate::scenario::Stars { count: 2, conversations: 120 }];
        let cells: Vec<Cell> = plan.cells(0, 1).collect();
        let busy = cells.iter().flat_map(|c| &c.people).filter(|p| p.conversations.len() >= 120);
        assert_eq!(busy.count(), 2);
        let ids: FxHashSet<_> = cells.iter().flat_map(|c| &c.conversations).map(|c| c.id).collect();
        assert_eq!(ids.len(), 20 + 240);
        for cell in &cells {
            let pairs = cell
                .conversations
                .iter()
                .map(|c| (c.members[0].min(c.members[1]), c.members[0].max(c.members[1])));
            assert_eq!(pairs.collect::<FxHashSet<_>>().len(), cell.conversations.len());
        }
    }
}

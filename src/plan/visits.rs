//! What users without a socket are going to ask for over HTTP, and when.
//!
//! As everything in the plan it follows from the seed: each user has a stream of its own, a Poisson
//! process with its part of the rate, and asks in the name of one person of the plan.

use crate::history::{ConversationId, Nanos, PersonId};
use crate::operation::Operation;
use crate::plan::dice::Dice;
use crate::plan::population::Cell;
use crate::plan::text::WORDS;
use crate::plan::{Plan, Ramp};
use crate::scenario::HttpUsers;

/// One request that a user is going to make.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Visit {
    /// When, from the start of the first phase.
    pub at: Nanos,
    /// What is asked for.
    pub operation: Operation,
    /// About which conversation of the user's person, if the person has any.
    pub conversation: Option<ConversationId>,
    /// What a search looks for.
    pub query: &'static str,
}

/// All visits of one user, in the order of time.
#[derive(Debug)]
pub struct Visits {
    http: HttpUsers,
    person: PersonId,
    conversations: Vec<ConversationId>,
    dice: Dice,
    ramp: Ramp,
    /// Requests that are due before the next one, and when that is.
    before: f64,
    next: f64,
    end: f64,
}

impl Visits {
    /// Those of user `number`; none where the scenario has no such users.
    #[must_use]
    pub fn new(plan: &Plan, number: u32) -> Option<Self> {
        let http = plan.scenario.http.clone()?;
        // Spread evenly over the people, and so over the cells.
        let people = u64::from(plan.scenario.people.count.max(1));
        let person = (u64::from(number) * people / u64::from(http.users.max(1))) % people;
        let person = PersonId(person as u32);
        let cell = Cell::of(plan, person);
        let own = cell.people.iter().find(|one| one.id == person);
        let places = own.map_or(&[][..], |one| &one.conversations);
        let conversations = places.iter().map(|&place| cell.conversations[place].id).collect();
        let mut dice = Dice::new(plan.seed, "visits", number.into(), 0);
        let start = http.at.as_nanos() as f64;
        let lasts = http.lasts.as_nanos() as f64;
        let ramp = Ramp::new(start, lasts, http.per_second / f64::from(http.users), http.tilt);
        let before = dice.wait(1.0);
        let (next, end) = (ramp.at(before), start + lasts);
        Some(Self { http, person, conversations, dice, ramp, before, next, end })
    }

    /// In whose name the user asks.
    #[must_use]
    pub const fn person(&self) -> PersonId {
        self.person
    }

    /// The conversations that it may ask about.
    #[must_use]
    pub fn conversations(&self) -> &[ConversationId] {
        &self.conversations
    }

    fn operation(&mut self) -> Operation {
        let mut place = self.dice.unit();
        for (operation, share) in &self.http.mix {
            place -= share;
            if place < 0.0 {
                return *operation;
            }
        }
        self.http.mix.last().map_or(Operation::Health, |(operation, _)| *operation)
    }
}

impl Iterator for Visits {
    type Item = Visit;

    fn next(&mut self) -> Option<Visit> {
        if self.next >= self.end {
            return None;
        }
        let at = self.next as Nanos;
        self.before += self.dice.wait(1.0);
        self.next = self.ramp.at(self.before);
        let operation = self.operation();
        let conversation = match &self.conversations[..] {
            [] => None,
            some => Some(*self.dice.pick(some)),
        };
        let query = *self.dice.pick::<&'static str>(WORDS);
        Some(Visit { at, operation, conversation, query })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::plan;
    use std::sync::Arc;
    use std::time::Duration;

    fn with_users() -> Plan {
        let mut plan = plan(300, 150, &[]);
        Arc::make_mut(&mut plan.scenario).http = Some(HttpUsers {
            users: 20,
            per_second: 100.0,
            tilt: 0.0,
            mix: vec![(Operation::History, 0.75), (Operation::List, 0.25)],
            at: Duration::from_secs(1),
            lasts: Duration::from_secs(10),
        });
        plan
    }

    #[test]
    fn rates_and_shares_are_what_the_scenario_says() {
        let plan = with_users();
        let all: Vec<Visit> = (0..20).flat_map(|user| Visits::new(&plan, user).unwrap()).collect();
        assert!((900..1_100).contains(&all.len()), "{}", all.len());
        let lists = all.iter().filter(|visit| visit.operation == Operation::List).count();
        assert!((200..300).contains(&lists), "{lists}");
        assert!(all.iter().all(|visit| (1_000_000_000..11_000_000_000).contains(&visit.at)));
    }

    #[test]
    fn users_ask_as_different_people_about_their_own_conversations() {
        let plan = with_users();
        let people: Vec<u32> =
            (0..20).map(|user| Visits::new(&plan, user).unwrap().person().0).collect();
        assert_eq!(people, (0..20).map(|user| user * 15).collect::<Vec<_>>());
        for user in 0..20 {
            let visits = Visits::new(&plan, user).unwrap();
            let own = visits.conversations().to_vec();
            assert!(!own.is_empty());
            assert!(visits.flat_map(|visit| visit.conversation).all(|place| own.contains(&place)));
        }
    }

    #[test]
    fn the_same_seed_makes_the_same_visits() {
        let visits = |plan: &Plan| Visits::new(plan, 3).unwrap().collect::<Vec<_>>();
        assert_eq!(visits(&with_users()), visits(&with_users()));
        assert_ne!(visits(&with_users()), visits(&Plan { seed: 2, ..with_users() }));
    }
}

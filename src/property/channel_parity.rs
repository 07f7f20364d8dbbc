//! `channel-parity`: a message is one message, whichever channel carried it.

mod account;
mod allowance;
mod probes;

use crate::history::{
    Answer, Carrier, ClientId, ConversationId, Due, Entry, Event, Nanos, OpId, Order, Seen, Token,
};
use crate::operation::{ConnectionState, Operation};
use crate::property::argument::{exhibit, place, violation};
use crate::property::charge::nanos;
use crate::property::company::Company;
use crate::property::recent::Rows;
use crate::property::{Charge, Judge, Page, Probe, Property};
use crate::spec::Echo;
use crate::verdict::{Exhibit, Finding};
use account::{Account, Sent};
use allowance::{Allowance, Attempted};
use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::VecDeque;

/// A message is one message, whichever channel carried it.
#[derive(Debug)]
pub struct ChannelParity;

static PAGE: Page = Page {
    id: "channel-parity",
    title: "A message MUST be one message, seen by all, whichever channel carried it.",
    promises: "What is sent by REST, over the socket, or by one after the other with one key, is \
        stored once, has one id, and is pushed once to all who are there. Both channels share one \
        order, and both check the same: what one of them refuses the other does not take, and what is \
        taken on both counts against one rate.",
    matters: "Two ways to write are two handlers, and what one of them forgets nobody misses on the \
        other: the message that only those see who reload, the copy, the door without a lock.",
    judged: "Of each message its acks, pushes and rows must name one id (where a repetition is told \
        by its key, or the message was sent once). No connection may be pushed it twice, where the \
        spec says that nothing is pushed twice. Whoever was connected before it was sent and stayed \
        must have been pushed it in the end, if a read shows that it is stored. A message that was \
        sent after another one was acked on another channel must stand after it. Of what must be \
        refused on two channels, both must refuse or both take: taking it on both is another \
        property's matter. Where a person is refused on one channel beyond the documented rate, all \
        channels together must not take more within that window than a limiter of all could give.",
    blind: "Sends over the first channel alone, where no other one is asked for. Refusals that \
        nothing tells apart from silence. What is pushed late: late is not wrong.",
    example: "  1.204 s  client 3  had the ack over `rest` of \"qzaaaabbbbcccc\": id 17\n  \
        1.219 s  client 5  was pushed \"qzaaaabbbbcccc\" with id 17\n  \
        1.244 s  client 3  had the ack over `socket` of \"qzaaaabbbbcccc\": id 18\n\
        therefore one message is known by the ids 17, 18\n\
        but a message is one message, whichever channel carried it",
    source: "common practice: two ways to write are no two chats.",
    tolerance: None,
    least_evidence: 1,
    evidence: "One acked message that was seen by somebody, on a server with several channels.",
};

const BUT: &str = "a message is one message, whichever channel carried it";

/// Acked messages of a conversation that a later one must not stand before.
const REMEMBERED: usize = 64;
/// What the edges of the rate's window are uncertain by.
const EDGE: Nanos = 50_000_000;

impl Property for ChannelParity {
    fn page(&self) -> &'static Page {
        &PAGE
    }

    fn judged_by(&self, charge: &Charge) -> String {
        match charge.channels.as_slice() {
            [] | [_] => {
                "one channel and what is pushed over the socket; one id, pushed to all".into()
            }
            channels => {
                let names: Vec<String> =
                    channels.iter().map(|(name, _)| format!("`{name}`")).collect();
                format!("{}: one id, pushed to all, one order, the same checks", names.join(", "))
            }
        }
    }

    fn probes(&self) -> &'static [Probe] {
        probes::PROBES
    }

    fn judge(&self, charge: &Charge) -> Box<dyn Judge> {
        Box::new(Parity {
            channels: charge.channels.clone(),
            keyed: charge.tells_repeats(),
            once: !charge.traits.redelivery,
            ordered: charge.traits.order.is_some(),
            echo: charge.traits.echo,
            allowance: charge
                .limits
                .send_rate
                .map(|(most, window)| Allowance::new(most, nanos(window), EDGE)),
            company: Company::default(),
            up: FxHashMap::default(),
            coming: FxHashMap::default(),
            entering: FxHashMap::default(),
            due: FxHashMap::default(),
            sends: FxHashMap::default(),
            accounts: Rows::new(charge.memory()),
            owed: FxHashMap::default(),
            acked: FxHashMap::default(),
            verdicts: FxHashMap::default(),
            over: false,
            finding: Finding::default(),
        })
    }
}

/// The judge: what became of each message on its channels.
struct Parity {
    /// The channels of a send, and whether each is HTTP.
    channels: Vec<(String, bool)>,
    /// A repetition is told by its key.
    keyed: bool,
    /// Nothing is pushed twice.
    once: bool,
    ordered: bool,
    echo: Echo,
    /// `None`: the spec states no rate.
    allowance: Option<Allowance>,
    company: Company,
    /// Since when each client is ready on its connection.
    up: FxHashMap<ClientId, Nanos>,
    /// Conversations that a client became a member of while it was ready, and since when it is in them.
    coming: FxHashMap<(ClientId, ConversationId), Option<Nanos>>,
    /// Joins and reads of such a conversation that are not over.
    entering: FxHashMap<OpId, ConversationId>,
    due: FxHashMap<OpId, Due>,
    /// Sends that are not over.
    sends: FxHashMap<OpId, Sent>,
    accounts: Rows<Token, Account>,
    /// Acked messages, and the clients that are still to be pushed them.
    owed: FxHashMap<Token, FxHashSet<ClientId>>,
    /// The latest acked messages of each conversation that have a place.
    acked: FxHashMap<ConversationId, VecDeque<(usize, Nanos, Order, Token)>>,
    /// What became of something that must be refused, by channel.
    verdicts: FxHashMap<(ClientId, ConversationId), Vec<Tried>>,
    over: bool,
    finding: Finding,
}

/// Something that must be refused, and was answered.
struct Tried {
    channel: usize,
    taken: bool,
    line: Exhibit,
}

impl Judge for Parity {
    fn observe(&mut self, entry: &Entry) {
        if self.channels.len() < 2 && !self.channels.first().is_some_and(|(_, http)| *http) {
            return;
        }
        let (at, client) = (entry.at, entry.client);
        self.company.observe(entry);
        self.accounts.tick(at);
        match &entry.event {
            Event::Connection { state, .. } if *state != ConnectionState::Connected => {
                self.up.remove(&client);
                // It is in all its conversations when it is ready again.
                self.coming.retain(|(whose, _), _| *whose != client);
                // Who is away is owed a sync, not a push.
                self.owed.retain(|_, owed| {
                    owed.remove(&client);
                    !owed.is_empty()
                });
            }
            Event::Ready => {
                self.up.entry(client).or_insert(at);
            }
            Event::Member { conversation, .. } if self.up.contains_key(&client) => {
                self.coming.entry((client, *conversation)).or_default();
            }
            Event::Phase { name } => self.over |= name == "end",
            Event::Due { op, due, .. } => {
                self.due.insert(*op, *due);
            }
            Event::Invoke {
                op,
                operation: Operation::Send,
                conversation: Some(place),
                message: Some(message),
                via,
                ..
            } => {
                let channel = self.channel(via.as_deref());
                let due = self.due.remove(op);
                let sent = Sent { token: message.token, place: *place, channel, due, at: None };
                if due.is_none_or(|due| due == Due::Accepted) {
                    let account = self.accounts.entry(message.token, Account::default);
                    account.asked(&message.key, client, channel);
                }
                self.sends.insert(*op, sent);
            }
            Event::Invoke {
                op,
                operation: Operation::Join | Operation::Sync | Operation::History,
                conversation: Some(place),
                ..
            } if self.coming.contains_key(&(client, *place)) => {
                self.entering.insert(*op, *place);
            }
            Event::Attempt { op, attempt } => {
                if let Some(sent) = self.sends.get_mut(op) {
                    sent.at.get_or_insert(at);
                    if let (Some(allowance), Some(person)) =
                        (&mut self.allowance, self.company.person(client))
                    {
                        allowance.sent(person, *op, *attempt, at);
                    }
                    if let Some(account) = self.accounts.get_mut(sent.token) {
                        account.tried(at);
                    }
                }
            }
            Event::Answered { op, attempt, answer, .. } => {
                self.draws(at, client, (*op, *attempt), answer);
                self.answered(at, client, *op, answer);
            }
            Event::Message(seen) => self.saw(at, client, seen),
            Event::Ok { op, .. } | Event::Failed { op, .. } => {
                self.sends.remove(op);
                self.due.remove(op);
                let place = self.entering.remove(op);
                if let (Event::Ok { .. }, Some(place)) = (&entry.event, place)
                    && let Some(since) = self.coming.get_mut(&(client, place))
                {
                    since.get_or_insert(at);
                }
            }
            _ => {}
        }
    }

    fn finish(mut self: Box<Self>) -> Finding {
        self.finding.observations += self.allowance.as_ref().map_or(0, |one| one.observed);
        if self.over {
            let mut owed: Vec<(Token, FxHashSet<ClientId>)> = self.owed.drain().collect();
            owed.sort_unstable_by_key(|(token, _)| *token);
            for (token, clients) in owed {
                self.untold(token, &clients);
            }
        }
        self.finding
    }

    fn violations(&self) -> u64 {
        self.finding.violation_count
    }

    /// What is read over HTTP may overtake what is pushed over the socket.
    fn awaited_deliveries(&self) -> usize {
        self.owed.values().map(FxHashSet::len).sum()
    }

    fn unsettled(&self) -> usize {
        let acked: usize = self.acked.values().map(VecDeque::len).sum();
        let drawn = self.allowance.as_ref().map_or(0, Allowance::len);
        self.due.len()
            + self.entering.len()
            + self.sends.len()
            + self.accounts.len()
            + self.owed.len()
            + acked
            + drawn
    }
}

impl Parity {
    /// The channel of this name, as an index; without one, the first.
    fn channel(&self, via: Option<&str>) -> usize {
        let Some(name) = via else { return 0 };
        let named = self.channels.iter().position(|(channel, _)| channel == name);
        let kind = |http| self.channels.iter().position(|(_, is_http)| *is_http == http);
        named.or_else(|| kind(name == "rest")).unwrap_or(0)
    }

    fn name(&self, channel: usize) -> &str {
        self.channels.get(channel).map_or("?", |(name, _)| name)
    }

    /// A send counts against its person's rate, whichever channel it takes.
    fn draws(&mut self, at: Nanos, client: ClientId, (op, number): (OpId, u32), answer: &Answer) {
        let Some(sent) = self.sends.get(&op).filter(|sent| sent.due != Some(Due::Refused)) else {
            return;
        };
        let (channel, token) = (sent.channel, sent.token);
        let over = self.name(channel).to_owned();
        let line = match answer {
            Answer::Nack(error) => format!("was refused \"{token}\" over `{over}`: \"{error}\""),
            _ => format!("had the ack over `{over}` of \"{token}\""),
        };
        let (Some(allowance), Some(person)) = (&mut self.allowance, self.company.person(client))
        else {
            return;
        };
        let attempted = Attempted { person, op, number, at, channel, answer };
        let Some((lines, strict)) = allowance.answered(&attempted, exhibit(at, client, line))
        else {
            return;
        };
        let strict = self.name(strict).to_owned();
        self.finding.violate(|| {
            let therefore = format!(
                "`{over}` takes what is beyond the rate, and `{strict}` refuses it: they do not count \
                 together"
            );
            violation("a rate that binds one channel", lines, therefore, BUT)
        });
    }

    fn answered(&mut self, at: Nanos, client: ClientId, op: OpId, answer: &Answer) {
        let Some(sent) = self.sends.get(&op).cloned() else { return };
        if sent.due == Some(Due::Refused) {
            return self.tried(at, client, &sent, answer);
        }
        let Answer::Ack { id, order } = answer else { return };
        let named = id.as_ref().map_or_else(String::new, |id| format!(": id {id}"));
        let over = self.name(sent.channel);
        let line = format!("had the ack over `{over}` of \"{}\"{named}", sent.token);
        let line = exhibit(at, client, line);
        let Some(account) = self.accounts.get_mut(sent.token) else { return };
        let first = account.acked(at, sent.place, line);
        account.order = account.order.or(*order);
        if first {
            self.owe(sent.token, sent.place, client);
        }
        self.known_as(sent.token, id.as_ref());
        self.stands(sent.token);
    }

    /// The message is owed to all who were there before it was sent.
    fn owe(&mut self, token: Token, place: ConversationId, sender: ClientId) {
        let Some(account) = self.accounts.get(token) else { return };
        let sent = account.sent.unwrap_or_default();
        let members = self.company.members(place).iter();
        let devices = members.flat_map(|person| self.company.devices(*person));
        let own = |client: &ClientId| match self.echo {
            Echo::All => false,
            Echo::Others => *client == sender,
            Echo::OtherPeople => self.company.person(*client) == self.company.person(sender),
            Echo::None => true,
        };
        let since_before = |since: &Nanos| *since < sent;
        let there = |client: &ClientId| {
            let coming = self.coming.get(&(*client, place));
            self.up.get(client).is_some_and(since_before)
                && coming.is_none_or(|since| since.as_ref().is_some_and(since_before))
        };
        let has = |client: &ClientId| account.pushed.contains_key(client);
        let owed: FxHashSet<ClientId> = devices
            .copied()
            .filter(|client| there(client) && !own(client) && !has(client))
            .filter(|client| !self.company.is_intruder(*client))
            .collect();
        if !owed.is_empty() {
            self.owed.insert(token, owed);
        }
    }

    fn saw(&mut self, at: Nanos, client: ClientId, seen: &Seen) {
        let Some(token) = seen.token else { return };
        let Some(account) = self.accounts.get_mut(token) else { return };
        account.order = account.order.or(seen.order);
        let live = seen.by == Carrier::Live;
        let verb = if live { "was pushed" } else { "read" };
        let id = crate::property::argument::with_id(seen.id.as_deref());
        account.note(exhibit(at, client, format!("{verb} \"{token}\"{id}")));
        account.stored |= !live;
        if live {
            if let Some(owed) = self.owed.get_mut(&token) {
                owed.remove(&client);
                if owed.is_empty() {
                    self.owed.remove(&token);
                }
            }
            let since = self.up.get(&client).copied().unwrap_or_default();
            let before = account.pushed.insert(client, (at, seen.id.clone()));
            let again = before.is_some_and(|(then, id)| then >= since && id == seen.id);
            // To who sends it again, one's own message is an answer.
            let again = again && !(account.attempts > 1 && account.senders.contains(&client));
            if again && self.once && !std::mem::replace(&mut account.accused, true) {
                let lines = account.lines.clone();
                self.finding.violate(|| {
                    let therefore = "one connection was shown one message twice";
                    violation("a message is pushed twice", lines, therefore, BUT)
                });
            }
        }
        self.known_as(token, seen.id.as_ref());
        self.stands(token);
    }

    /// The message is known by this id as well.
    fn known_as(&mut self, token: Token, id: Option<&CompactString>) {
        let Some(account) = self.accounts.get_mut(token) else { return };
        account.ids.extend(id.filter(|id| !account.ids.contains(id)).cloned());
        let told = self.keyed || account.asked == 1 && account.attempts <= 1;
        if account.acked.is_some() && !std::mem::replace(&mut account.counted, true) {
            self.finding.observations += 1;
        }
        if !told || account.keys > 1 || account.ids.len() < 2 || account.acked.is_none() {
            return;
        }
        if !std::mem::replace(&mut account.accused, true) {
            let (lines, ids) = (account.lines.clone(), account.ids.join(", "));
            self.finding.violate(|| {
                let therefore = format!("one message is known by the ids {ids}");
                violation("two ids for one message", lines, therefore, BUT)
            });
        }
    }

    /// The message is acked and has its place: after all that was acked before on other channels.
    fn stands(&mut self, token: Token) {
        let Some(account) = self.accounts.get_mut(token) else { return };
        let (Some(acked), Some(order), Some(place)) = (account.acked, account.order, account.place)
        else {
            return;
        };
        if !self.ordered || std::mem::replace(&mut account.placed, true) {
            return;
        }
        let (sent, channel) = (account.sent.unwrap_or_default(), account.channel);
        let known = self.acked.entry(place).or_default();
        let before = known
            .iter()
            .find(|(other, then, higher, _)| *other != channel && *then < sent && *higher > order);
        let before = before.map(|(_, _, _, token)| *token);
        if known.len() == REMEMBERED {
            known.pop_front();
        }
        known.push_back((channel, acked, order, token));
        let lines = |token: Token| self.accounts.get(token).map(|one| one.lines.clone());
        if let Some(before) = before {
            let mut all = lines(before).unwrap_or_default();
            all.extend(lines(token).unwrap_or_default());
            self.finding.violate(|| {
                let therefore = format!(
                    "\"{token}\" was sent after \"{before}\" was acked, and stands before it in {}",
                    crate::property::argument::place(place)
                );
                let but = "all channels share one order";
                violation("another order on another channel", all, therefore, but)
            });
        }
    }

    /// Something that must be refused was answered.
    fn tried(&mut self, at: Nanos, client: ClientId, sent: &Sent, answer: &Answer) {
        let taken = match answer {
            Answer::Ack { .. } => true,
            Answer::Nack(_) => false,
            Answer::TimedOut | Answer::Lost => return,
        };
        let done = if taken { "taken" } else { "refused" };
        let name = self.name(sent.channel);
        let what = format!("sent over `{name}` to {}, and it was {done}", place(sent.place));
        let tried = Tried { channel: sent.channel, taken, line: exhibit(at, client, what) };
        let all = self.verdicts.entry((client, sent.place)).or_default();
        let other = all.iter().find(|one| one.channel != tried.channel && one.taken != taken);
        self.finding.observations += 1;
        if let Some(other) = other {
            let lines = vec![other.line.clone(), tried.line.clone()];
            self.finding.violate(|| {
                let therefore = "one channel takes what another one refuses";
                let but = "all channels check the same";
                violation("a check that one channel leaves out", lines, therefore, but)
            });
        }
        if all.len() < REMEMBERED {
            all.push(tried);
        }
    }

    /// Clients that were there all the time and were never pushed the message.
    fn untold(&mut self, token: Token, clients: &FxHashSet<ClientId>) {
        let Some(account) = self.accounts.get(token).filter(|account| account.stored) else {
            return;
        };
        let first = clients.iter().min().copied();
        let (lines, channel) = (account.lines.clone(), account.channel);
        let name = self.name(channel).to_owned();
        self.finding.violate(|| {
            let who = first.map_or_else(String::new, |client| format!("client {}", client.0));
            let count = clients.len();
            let therefore = format!(
                "it was sent over `{name}` and stored, and {count} who were there the whole time \
                 (such as {who}) were never told"
            );
            violation("a message that nobody tells", lines, therefore, BUT)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::notation::{fails, passes, read, stands};
    use crate::verdict::Standing;

    const IT: ChannelParity = ChannelParity;

    fn charge() -> Charge {
        let channels = vec![("rest".into(), true), ("socket".into(), false)];
        let mut charge = Charge { channels, ..Charge::default() };
        charge.traits.redelivery = false;
        charge
    }

    const TOLD: &str = "a b in #1
        a sends o1 t1 k1 #1 via=rest
        a acked o1 m1 1
        a sees t1 m1 1 #1
        b sees t1 m1 1 #1";

    fn then(what: &str) -> String {
        format!("{TOLD}\n{what}\nphase end")
    }

    #[test]
    fn a_message_by_either_channel_is_one_message() {
        let history = then(
            "b sends o2 t2 k2 #1 via=socket
             b acked o2 m2 2
             a sees t2 m2 2 #1
             b sees t2 m2 2 #1
             a sends o3 t1 k1 #1 via=socket
             a acked o3 m1 1",
        );
        assert_eq!(passes(&IT, &charge(), &history).observations, 2);
        stands(&IT, &Charge::default(), &history, Standing::NotExercised);
    }

    #[test]
    fn two_ids_of_one_message_fail() {
        let both = then("a sends o3 t1 k1 #1 via=socket\na acked o3 m2 2");
        fails(&IT, &charge(), &both, "two ids for one message");
        let pushed = TOLD.replace("b sees t1 m1", "b sees t1 m7") + "\nphase end";
        fails(&IT, &charge(), &pushed, "two ids for one message");
        let mut unkeyed = charge();
        unkeyed.traits.dedup = None;
        passes(&IT, &unkeyed, &both);
        fails(&IT, &unkeyed, &pushed, "two ids for one message");
    }

    #[test]
    fn all_channels_draw_on_one_allowance() {
        let mut limited = charge();
        limited.limits.send_rate = Some((2, std::time::Duration::from_secs(60)));
        let send = |number: u32, channel: &str, end: &str| {
            format!("a sends o{number} t{number} k{number} #1 via={channel}\na {end} o{number}\n")
        };
        let strict = send(11, "socket", "acked") + &send(12, "socket", "refused");
        let taken = |count: u32| -> String {
            (20..20 + count).map(|number| send(number, "rest", "acked")).collect()
        };
        // With the first one over `rest`, four are what a fixed window's edge can explain.
        passes(&IT, &limited, &then(&(strict.clone() + &taken(2))));
        let more = then(&(strict.clone() + &taken(3)));
        fails(&IT, &limited, &more, "a rate that binds one channel");
        passes(&IT, &charge(), &more);
        // Nobody is refused anything: that is another property's matter.
        passes(&IT, &limited, &then(&(send(11, "socket", "acked") + &taken(6))));
        passes(&IT, &limited, &more.replace("via=socket", "via=rest"));
        let both = then(&(strict + &send(20, "rest", "refused")));
        let alone = passes(&IT, &charge(), &both).observations;
        assert_eq!(passes(&IT, &limited, &both).observations, alone + 1);
    }

    #[test]
    fn a_message_is_pushed_once_to_a_connection() {
        let again = then("b sees t1 m1 1 #1");
        fails(&IT, &charge(), &again, "a message is pushed twice");
        passes(&IT, &charge(), &then("b cut\nb back\nb ready\nb sees t1 m1 1 #1"));
        let own = then("a sends o3 t1 k1 #1 via=socket\na sees t1 m1 1 #1\na acked o3 m1 1");
        passes(&IT, &charge(), &own);
        let mut redelivers = charge();
        redelivers.traits.redelivery = true;
        passes(&IT, &redelivers, &again);
    }

    #[test]
    fn who_was_there_is_told_if_it_is_stored() {
        let untold = TOLD.replace("b sees t1 m1 1 #1", "");
        let read = "b reads o9 #1\nb row o9 t1 m1 1\nb done o9\nphase end";
        fails(&IT, &charge(), &format!("{untold}\n{read}"), "a message that nobody tells");
        passes(&IT, &charge(), &format!("{untold}\nphase end"));
        passes(&IT, &charge(), &format!("{untold}\nb cut\n{read}"));
        passes(&IT, &charge(), &format!("{untold}\n{read}").replace("phase end", ""));
    }

    #[test]
    fn a_push_that_is_owed_is_waited_for() {
        let awaited = |history: &str| {
            let mut judge = IT.judge(&charge());
            read(history).iter().for_each(|entry| judge.observe(entry));
            judge.awaited_deliveries()
        };
        assert_eq!(awaited(TOLD), 0);
        assert_eq!(awaited(&TOLD.replace("b sees t1 m1 1 #1", "")), 1);
    }

    #[test]
    fn who_is_still_coming_into_a_conversation_is_not_there() {
        let history = |enters: &str| {
            format!(
                "a b in #1
                 a b in #2
                 {enters}
                 a sends o1 t1 k1 #2 via=rest
                 a acked o1 m1 1
                 a reads o9 #2
                 a row o9 t1 m1 1
                 a done o9
                 phase end"
            )
        };
        let untold = "a message that nobody tells";
        passes(&IT, &charge(), &history(""));
        passes(&IT, &charge(), &history("b syncs o8 #2"));
        fails(&IT, &charge(), &history("b syncs o8 #2\nb done o8"), untold);
        fails(&IT, &charge(), &history("b cut\nb back\nb ready"), untold);
    }

    #[test]
    fn all_channels_share_one_order() {
        let later = |order: u32| {
            then(&format!(
                "b sends o2 t2 k2 #1 via=socket\nb acked o2 m2 {order}\na sees t2 m2 {order} #1\nb sees t2 m2 {order} #1"
            ))
        };
        passes(&IT, &charge(), &later(2));
        fails(&IT, &charge(), &later(0), "another order on another channel");
        passes(&IT, &charge(), &later(0).replace("via=socket", "via=rest"));
    }

    #[test]
    fn what_one_channel_refuses_the_other_does_not_take() {
        let tries = |other: &str| {
            then(&format!(
                "c is new
                 c owes o5 refusal
                 c sends o5 t5 k5 #1 via=socket
                 c refused o5
                 c owes o6 refusal
                 c sends o6 t6 k6 #1 via=rest
                 c {other} o6"
            ))
        };
        passes(&IT, &charge(), &tries("refused"));
        fails(&IT, &charge(), &tries("acked"), "a check that one channel leaves out");
    }
}

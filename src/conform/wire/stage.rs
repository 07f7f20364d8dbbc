//! Plays a case: opens its channels, takes its steps, and looks after bystander and newcomer.

mod channels;
mod expect;

use super::script::{Act, Check, Figure, Limit, Script};
use super::site::{Site, Visitor, promises, usual};
use super::tape::{Tape, brief};
use super::text::Holes;
use super::tongue::{self, Tongue, Word};
use super::{OWN_LAG, PATIENCE, Performed, TOLERANCE, WireCase};
use crate::history::{ClientId, Nanos, PersonId};
use crate::verdict::Violation;
use crate::wire::handshake::Carrier;
use channels::Channels;
use expect::Awaited;
use std::time::Duration;

/// The names that the stage itself uses; no script can use them, for they are no single words.
const BYSTANDER: &str = "the bystander";
const NEWCOMER: &str = "the newcomer";

/// Why a case ends before its last line.
#[derive(Debug)]
enum Stop {
    /// The server did wrong: what kind of wrong, and what follows from the lines.
    Wrong { summary: String, therefore: String, by: By },
    /// Too little was seen to judge.
    Unexercised,
    /// The server does not offer what the case is about, and the spec does not promise it.
    NotSupported(String),
    /// Something other than the server stood in the way.
    Doubt(String),
}

/// By what it is known that the server did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// What came instead. Of a program that was late it may be the consequence.
    Other,
    /// Nothing came, for as long as the server has, and as long again as this program stood still.
    Silence,
}

type Done = Result<(), Stop>;

fn wrong(summary: impl Into<String>, therefore: impl Into<String>) -> Stop {
    Stop::Wrong { summary: summary.into(), therefore: therefore.into(), by: By::Other }
}

/// Performs a case that the spec does not rule out.
pub(super) async fn perform(case: &WireCase, site: &Site) -> Performed {
    let mut performed = Performed::default();
    let script = match Script::parse(case.script) {
        Ok(script) => script,
        Err(mistake) => {
            performed.finding.doubts.push(format!("the case's script has a mistake: {mistake}"));
            return performed;
        }
    };
    let start = site.clock.now();
    let mut stage = match Stage::new(case, site) {
        Ok(stage) => stage,
        Err(why) => {
            performed.not_supported = Some(why);
            return performed;
        }
    };
    let done = stage.play(&script).await;
    let lag = stage.channels.own_lag();
    let finding = &mut performed.finding;
    match done {
        Ok(()) => finding.observations = 1,
        Err(Stop::Unexercised) => {}
        Err(Stop::NotSupported(why)) => performed.not_supported = Some(why),
        Err(Stop::Doubt(why)) => finding.doubts.push(why),
        Err(Stop::Wrong { therefore, by: By::Other, .. }) if lag > OWN_LAG => {
            finding.doubts.push(format!(
                "{therefore}; but this program itself was up to {} ms late",
                lag.as_millis()
            ));
        }
        Err(Stop::Wrong { summary, therefore, .. }) => {
            finding.observations = 1;
            let exhibits = stage.tape.exhibits();
            let therefore = stage.tape.masked(&therefore);
            let but = format!("{} ({})", case.says, case.source);
            finding.violate(|| Violation { summary, exhibits, therefore, but });
        }
    }
    if site.trace {
        performed.trace = stage.tape.trace(start);
    }
    performed
}

/// A case while it is played.
struct Stage<'a> {
    case: &'a WireCase,
    site: &'a Site,
    channels: Channels,
    tape: Tape,
    holes: Holes,
    visitor: Visitor,
    bystander: Visitor,
    newcomer: Visitor,
}

impl<'a> Stage<'a> {
    fn new(case: &'a WireCase, site: &'a Site) -> Result<Self, String> {
        let person = |number| Visitor::new(&site.registry, PersonId(site.person.0 + number));
        let (visitor, bystander, newcomer) = (person(0)?, person(1)?, person(2)?);
        let holders = [&visitor, &bystander, &newcomer].map(|one| one.papers.clone());
        Ok(Self {
            case,
            site,
            channels: Channels::new(site.clock, site.person),
            tape: Tape::without(holders.to_vec()),
            holes: visitor.holes.clone(),
            visitor,
            bystander,
            newcomer,
        })
    }

    async fn play(&mut self, script: &Script) -> Done {
        self.greet(BYSTANDER).await?;
        for step in &script.steps {
            self.take(&step.act, &step.text).await?;
        }
        self.look_after_bystander().await?;
        self.greet(NEWCOMER).await.map_err(|stop| match stop {
            Stop::Wrong { therefore, by, .. } => Stop::Wrong {
                summary: "nobody else is served afterwards".into(),
                therefore: format!("a newcomer is not served: {therefore}"),
                by,
            },
            other => other,
        })
    }

    /// Takes one step.
    async fn take(&mut self, act: &Act, text: &str) -> Done {
        match act {
            Act::Open { name, over } => {
                let over = over.unwrap_or_else(|| usual(&self.site.spec));
                self.open(name, over).await
            }
            Act::Mute { name } => {
                self.note(name, "→", "answers no ping from now on");
                self.channels.mute(name);
                Ok(())
            }
            Act::Join { name } => self.join(name).await,
            Act::Request { name, method, query, body } => {
                let query = self.filled(query)?;
                let body = body.as_ref().map(|body| self.filled_bytes(body)).transpose()?;
                self.note(name, "→", text);
                let options = &self.visitor.options;
                self.channels.request(name, &self.site.endpoint, options, method, &query, body);
                Ok(())
            }
            Act::Socket { name, query } => {
                let query = self.filled(query)?;
                self.note(name, "→", text);
                let options = &self.visitor.options;
                self.channels.socket(name, &self.site.endpoint, options, &query);
                self.channels.mute(name);
                Ok(())
            }
            Act::Send { name, payload } => {
                let payload = self.filled_bytes(payload)?;
                self.note(name, "→", &String::from_utf8_lossy(&payload));
                self.channels.send(name, payload).await;
                Ok(())
            }
            Act::Frame { name, frame, payload } => {
                let payload = self.filled_bytes(payload)?;
                self.note(name, "→", text);
                self.channels.frame(name, *frame, &payload).await;
                Ok(())
            }
            Act::Leave { name, how } => {
                self.note(name, "→", text);
                self.channels.leave(name, *how).await;
                Ok(())
            }
            Act::Expect { name, wanted } => {
                let time = match wanted.within {
                    Some(limit) => self.time(limit, true),
                    None => PATIENCE,
                };
                self.expect(name, Awaited::of(wanted), time).await
            }
            Act::Quiet { name, limit } => self.quiet(name, self.time(*limit, false)).await,
            Act::Pause(limit) => {
                let until = self.channels.instant_after(self.time(*limit, false));
                self.channels.gather_until(until, &mut self.tape).await;
                Ok(())
            }
            Act::Check { hole, what } => self.check(hole, what),
        }
    }

    /// Whose words and papers a name has.
    fn visitor(&self, name: &str) -> &Visitor {
        match name {
            BYSTANDER => &self.bystander,
            NEWCOMER => &self.newcomer,
            _ => &self.visitor,
        }
    }

    /// Opens a raw WebSocket, and waits for the server's welcome.
    async fn open_frames(&mut self, name: &str, tongue: &Tongue) -> Done {
        self.note(name, "→", "opens a WebSocket");
        self.channels.frames(name, &self.site.endpoint, tongue);
        self.expect(name, Awaited::status(101), PATIENCE).await?;
        self.holes.insert(name.to_owned(), String::new());
        if let Some((interval, timeout)) = tongue::figures(&self.site.spec) {
            self.holes.insert("interval".to_owned(), interval.as_millis().to_string());
            self.holes.insert("timeout".to_owned(), timeout.as_millis().to_string());
        }
        self.await_word(name, tongue, Word::Welcome).await
    }

    async fn await_word(&mut self, name: &str, tongue: &Tongue, word: Word) -> Done {
        if tongue.awaits(word) {
            self.expect(name, Awaited::word(word), PATIENCE).await?;
        }
        Ok(())
    }

    /// Opens a session and binds its sid and the server's figures.
    async fn open(&mut self, name: &str, over: Carrier) -> Done {
        if let Some(tongue) = self.visitor(name).tongue.clone() {
            return self.open_frames(name, &tongue).await;
        }
        self.note(name, "→", &format!("opens a session over {}", over.name()));
        let visitor = match name {
            BYSTANDER => &self.bystander,
            NEWCOMER => &self.newcomer,
            _ => &self.visitor,
        };
        let (endpoint, options) = (&self.site.endpoint, &visitor.options);
        let query = format!("EIO=4&transport={}", over.name());
        match over {
            Carrier::WebSocket => {
                self.channels.socket(name, endpoint, options, &query);
                self.expect(name, Awaited::status(101), PATIENCE).await?;
            }
            Carrier::Polling => self.channels.polling(name, endpoint, options, &query),
        }
        for figure in ["interval", "timeout", "max"] {
            self.holes.remove(figure);
        }
        let open = r#"0{"sid":"$opened","pingInterval":"$interval","pingTimeout":"$timeout"}"#;
        self.holes.remove("opened");
        self.expect(name, Awaited::packet(open), PATIENCE).await?;
        let sid = self.holes.remove("opened").unwrap_or_default();
        self.holes.insert(name.to_owned(), sid);
        let max = self.channels.announced_max(name);
        self.holes.insert("max".to_owned(), max.to_string());
        Ok(())
    }

    /// Asks for the spec's namespace, and logs in there. In the chapter of Engine.IO any answer to the
    /// first will do: what it says is the other chapter's matter.
    async fn join(&mut self, name: &str) -> Done {
        let visitor = self.visitor(name);
        if let Some(tongue) = visitor.tongue.clone() {
            let Some(login) = tongue.login.clone() else { return Ok(()) };
            self.note(name, "→", &login);
            self.channels.send(name, login.into_bytes()).await;
            return self.await_word(name, &tongue, Word::LetIn).await;
        }
        let holes = &visitor.holes;
        let connect = format!("40{}{}", holes["ns"], holes["auth"]);
        self.note(name, "→", &connect);
        self.channels.send(name, connect.into_bytes()).await;
        let granted = match self.case.chapter() {
            "engine-io" => "4*",
            _ => r#"40$ns{"sid":"*"}"#,
        };
        self.expect(name, Awaited::packet(granted), PATIENCE).await?;
        self.log_in(name).await
    }

    /// Says the first message of a session of Socket.IO, where the spec has one.
    async fn log_in(&mut self, name: &str) -> Done {
        let Some(greeting) = self.visitor(name).greeting.clone() else { return Ok(()) };
        if greeting.awaits(Word::Welcome) {
            self.expect(name, Awaited::word(Word::Welcome), PATIENCE).await?;
        }
        self.note(name, "→", &greeting.login);
        self.channels.send(name, greeting.login.clone().into_bytes()).await;
        if greeting.awaits(Word::LetIn) {
            self.expect(name, Awaited::word(Word::LetIn), PATIENCE).await?;
        }
        Ok(())
    }

    /// Somebody who has nothing to do with the case connects.
    async fn greet(&mut self, name: &str) -> Done {
        self.open(name, usual(&self.site.spec)).await?;
        self.join(name).await
    }

    /// The bystander's connection stands, and its WebSocket answers.
    async fn look_after_bystander(&mut self) -> Done {
        self.channels.ping(BYSTANDER).await;
        if let Some(why) = self.channels.closed(BYSTANDER) {
            return Err(disturbed(&why, By::Other));
        }
        if usual(&self.site.spec) == Carrier::Polling {
            return Ok(());
        }
        self.expect(BYSTANDER, Awaited::pong("bystander"), PATIENCE).await.map_err(
            |stop| match stop {
                Stop::Wrong { therefore, by, .. } => disturbed(&therefore, by),
                other => other,
            },
        )
    }

    fn check(&self, hole: &str, what: &Check) -> Done {
        let value = &self.holes[hole];
        let shown = brief(value);
        let therefore = match what {
            Check::DiffersFrom(other) if value != &self.holes[other] => return Ok(()),
            Check::DiffersFrom(other) => format!("`{hole}` and `{other}` are both `{shown}`"),
            Check::IsWithin(from, to) => match value.parse::<u64>() {
                Ok(number) if (*from..=*to).contains(&number) => return Ok(()),
                _ => format!("`{hole}` is `{shown}`, which is not between {from} and {to}"),
            },
            Check::HasAtLeast(least) if value.chars().count() >= *least => return Ok(()),
            Check::HasAtLeast(least) => {
                format!("`{hole}` is `{shown}`, shorter than {least} characters")
            }
        };
        Err(wrong("a value that cannot be", therefore))
    }

    /// A limit as a time; where the server is awaited, with the tolerance.
    fn time(&self, limit: Limit, tolerated: bool) -> Duration {
        let figure = |name| self.holes.get(name).and_then(|text| text.parse::<u64>().ok());
        let (interval, timeout) =
            (figure("interval").unwrap_or(25_000), figure("timeout").unwrap_or(20_000));
        match limit {
            Limit::Fixed(time) => time,
            Limit::Share(share, of) => {
                let millis = match of {
                    Figure::Interval => interval,
                    Figure::Timeout => timeout,
                    Figure::Dead => interval.saturating_add(timeout),
                };
                // A server that announces years is not waited for.
                let millis = millis.min(600_000) as f64 * share;
                let time = Duration::from_millis(millis as u64);
                if tolerated { time + TOLERANCE } else { time }
            }
        }
    }

    fn filled(&self, template: &super::text::Template) -> Result<String, Stop> {
        template.fill_text(&self.holes).map_err(|name| unbound(&name))
    }

    fn filled_bytes(&self, template: &super::text::Template) -> Result<Vec<u8>, Stop> {
        template.fill(&self.holes).map_err(|name| unbound(&name))
    }

    fn note(&mut self, name: &str, arrow: &str, text: &str) {
        let client = client(name, self.site.person);
        let own = text.strip_prefix(name).map_or(text, str::trim_start);
        let own = own.strip_prefix("-> ").unwrap_or(own);
        self.tape.note(self.site.clock.now(), client, &format!("{name} {arrow} {own}"));
    }

    /// The sid of a refusal to open: whether the carrier is one that nobody promised.
    fn unpromised(&self, name: &str) -> Option<String> {
        let carrier = self.channels.opens_over(name)?;
        (!promises(&self.site.spec, carrier)).then(|| {
            format!(
                "the server refuses {}, and the spec's clients do not use it",
                match carrier {
                    Carrier::Polling => "long polling",
                    Carrier::WebSocket => "WebSockets",
                }
            )
        })
    }
}

/// Whose line it is: the case's person, the bystander or the newcomer.
fn client(name: &str, person: PersonId) -> ClientId {
    ClientId(match name {
        BYSTANDER => person.0 + 1,
        NEWCOMER => person.0 + 2,
        _ => person.0,
    })
}

fn disturbed(why: &str, by: By) -> Stop {
    Stop::Wrong {
        summary: "a bystander is disturbed".into(),
        therefore: format!("the connection of a bystander, who did nothing, is broken: {why}"),
        by,
    }
}

fn unbound(name: &str) -> Stop {
    Stop::Doubt(format!("`${name}` has no value that can be used"))
}

/// Seconds of a time, for a sentence.
fn seconds(time: Duration) -> String {
    format!("{} s", (time.as_secs_f64() * 10.0).round() / 10.0)
}

/// When something was heard, and by whom.
type Moment = Nanos;

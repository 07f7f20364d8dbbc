//! Who the people are to the server: ids, names, credentials, cookies.
//!
//! A [`Registry`] is made once for a run, with the keys and the file that the spec names, and shared
//! by everybody. What the server itself hands out is fetched by [`enrol`] and kept here. Start with
//! [`Registry::open`], then [`Registry::papers`].

mod enrol;
mod jar;
mod table;

pub(crate) use enrol::{Gate, ask_for, enrol, enrol_at};
pub(crate) use jar::{Jar, set_value};

use crate::engine::keys::Keys;
use crate::engine::mint::{Bearer, GARBAGE, Mint};
use crate::history::PersonId;
use crate::operation::Operation;
use crate::plan::Credential;
use crate::scalar::Scalar;
use crate::spec::{Bindings, Hole, Shape, Spec, TokenSource, UserIds};
use crate::world;
use compact_str::CompactString;
use rustc_hash::FxHashMap;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock};
use table::Table;

/// What stands in place of a secret.
const MASKED: &str = "•••";

/// Letters of a secret that tell it from other words.
const TELLING: usize = 12;

/// Knows everybody's credentials.
#[derive(Debug)]
pub struct Registry {
    spec: Arc<Spec>,
    keys: Option<Keys>,
    table: Option<Table>,
    /// What the server knows of each person, device by device.
    enrolled: RwLock<FxHashMap<PersonId, Vec<Papers>>>,
}

/// Everything that a device's requests need of its person, and its cookies.
#[derive(Clone, Debug, Default)]
pub struct Papers {
    /// Id, name and credential of the person, and the spec's constants.
    pub bindings: Bindings,
    /// The cookies, where the spec's clients keep any.
    pub(crate) jar: Option<Jar>,
}

/// Why a person has no credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoCredential(pub String);

impl Registry {
    /// The registry of a spec's people.
    ///
    /// # Errors
    /// A secret or a file is not there, or not as it should be; says where it was looked for.
    pub fn open(spec: &Arc<Spec>) -> Result<Arc<Self>, NoCredential> {
        let mut registry =
            Self { spec: Arc::clone(spec), keys: None, table: None, enrolled: RwLock::default() };
        match &spec.people.token {
            TokenSource::Jwt { algorithm, secret, .. } => {
                registry.keys = Some(Keys::of(algorithm, secret).map_err(NoCredential)?);
            }
            TokenSource::File { path, columns } => {
                let table = Table::read(path, columns, &spec.holes, &spec.people.ids);
                registry.table = Some(table.map_err(NoCredential)?);
            }
            TokenSource::None | TokenSource::ByServer => {}
        }
        Ok(Arc::new(registry))
    }

    /// The spec whose people they are.
    #[must_use]
    pub fn spec(&self) -> &Arc<Spec> {
        &self.spec
    }

    /// All that so many devices of a person hold, or try to get in with.
    pub(crate) fn held(&self, person: PersonId, devices: usize) -> Vec<Papers> {
        let all = (0..devices).map(|device| match self.papers(person, device) {
            Ok(papers) => papers,
            Err(_) => Papers { bindings: self.basics(person).unwrap_or_default(), jar: None },
        });
        all.collect()
    }

    /// The tokens and users of the spec's file.
    pub(crate) fn listed(&self) -> Vec<(String, CompactString)> {
        let rows = self.table.iter().flat_map(Table::rows);
        let pairs = rows.filter_map(|row| {
            let token = row.get(Hole::TOKEN)?.text().into_owned();
            Some((token, row.get(Hole::USER)?.id()))
        });
        pairs.collect()
    }

    /// Makes sure that these people, and no others, can be there.
    ///
    /// # Errors
    /// They stand in a file that has too few; says both figures.
    pub fn expect(&self, people: &[PersonId]) -> Result<(), NoCredential> {
        self.table.as_ref().map_or(Ok(()), |table| table.seat(people)).map_err(NoCredential)
    }

    /// How many people stand in the spec's file, if there is one.
    pub(crate) fn seats(&self) -> Option<usize> {
        self.table.as_ref().map(|table| table.rows().len())
    }

    /// A person's user id; null while the server has not said it yet.
    #[must_use]
    pub fn user(&self, person: PersonId) -> Scalar {
        let bindings = match self.known(person, 0) {
            Some(papers) => papers.bindings,
            None => self.basics(person).unwrap_or_default(),
        };
        bindings.get(Hole::USER).cloned().unwrap_or(Scalar::Null)
    }

    /// The chapter that a person belongs to: of every 32 people in a row there are two, in turn.
    #[must_use]
    pub fn chapter(&self, person: PersonId) -> Scalar {
        let number = i64::from(person.0 / 32 * 2 + person.0 % 2);
        match &self.spec.people.ids {
            UserIds::Integer { .. } => Scalar::Int(number + 1),
            UserIds::ObjectId => Scalar::Text(format!("a552{number:020x}").into()),
            _ => Scalar::Text(format!("chapter-{number}").into()),
        }
    }

    /// What one of a person's devices holds.
    ///
    /// # Errors
    /// The credential cannot be had; says why.
    pub fn papers(&self, person: PersonId, device: usize) -> Result<Papers, NoCredential> {
        self.papers_with(person, device, Credential::Good)
    }

    /// The same with a credential of this kind. Where people have none it makes no difference.
    ///
    /// # Errors
    /// As [`Registry::papers`]; and no such credential can be made without the server.
    pub fn papers_with(
        &self,
        person: PersonId,
        device: usize,
        credential: Credential,
    ) -> Result<Papers, NoCredential> {
        let mut papers = match self.known(person, device) {
            Some(known) => known,
            None => Papers { bindings: self.basics(person)?, jar: self.jar() },
        };
        if let (TokenSource::Jwt { claims, lives, .. }, Some(keys)) =
            (&self.spec.people.token, &self.keys)
        {
            let now = world::wall().as_secs();
            let mint = Mint { keys, lives: lives.as_secs(), now };
            let own = papers.bindings.clone();
            let user = own.get(Hole::USER).cloned().unwrap_or(Scalar::Null);
            let other = own.clone().with(Hole::USER, self.user(somebody_else(person)));
            let other = self.claims(claims, &other)?;
            let claims = match credential {
                Credential::Anothers => other.clone(),
                _ => self.claims(claims, &own)?,
            };
            let bearer = Bearer { claims, user: json(&user), other };
            match mint.token(&bearer, credential).map_err(unmade)? {
                Some(token) => papers.bindings.set(Hole::TOKEN, Scalar::Text(token.into())),
                None => papers.lose_token(),
            }
            return Ok(papers);
        }
        match credential {
            Credential::Good => {}
            Credential::Missing => papers.lose_token(),
            Credential::Empty => papers.spoil(&|_| String::new()),
            Credential::Garbage => papers.spoil(&|_| GARBAGE.to_owned()),
            other => {
                let about = other.about();
                return Err(NoCredential(format!("{about}: the harness mints no tokens here")));
            }
        }
        Ok(papers)
    }

    /// A jar, where the spec's clients keep cookies.
    fn jar(&self) -> Option<Jar> {
        self.spec.http.cookies.then(Jar::default)
    }

    /// What the server said of this device of a person.
    fn known(&self, person: PersonId, device: usize) -> Option<Papers> {
        let enrolled = self.enrolled.read().unwrap_or_else(PoisonError::into_inner);
        enrolled.get(&person)?.get(device).cloned()
    }

    fn devices(&self, person: PersonId) -> Vec<Papers> {
        let enrolled = self.enrolled.read().unwrap_or_else(PoisonError::into_inner);
        enrolled.get(&person).cloned().unwrap_or_default()
    }

    fn remember(&self, person: PersonId, papers: Vec<Papers>) {
        let mut enrolled = self.enrolled.write().unwrap_or_else(PoisonError::into_inner);
        enrolled.insert(person, papers);
    }

    /// What is known of a person before the server has said anything.
    fn basics(&self, person: PersonId) -> Result<Bindings, NoCredential> {
        let mut bindings = self.spec.constants.clone();
        if let Some(user) = self.chosen_id(person) {
            bindings.set(Hole::USER, user);
        }
        bindings.set(Hole::CHAPTER, self.chapter(person));
        let name = self.spec.people.names.replacen('#', &person.0.to_string(), 1);
        bindings.set(Hole::NAME, Scalar::Text(name.into()));
        bindings.set(Hole::CHAPTER, self.chapter(person));
        if self.logs_in() {
            bindings.set(Hole::PASSWORD, Scalar::Text(password(person).into()));
        }
        if let Some(table) = &self.table {
            let row = table.row(person).map_err(NoCredential)?;
            row.iter().for_each(|(hole, value)| bindings.set(hole, value.clone()));
        }
        Ok(bindings)
    }

    /// The server must be asked before a person can be there.
    fn logs_in(&self) -> bool {
        let there = |operation| self.spec.deed(operation).is_some();
        there(Operation::Register) || there(Operation::Login) || self.spec.says_password()
    }

    /// The user id that the harness chooses.
    fn chosen_id(&self, person: PersonId) -> Option<Scalar> {
        let number = i64::from(person.0);
        Some(match &self.spec.people.ids {
            UserIds::Integer { from } => Scalar::Int(from + number),
            UserIds::Text { pattern } => {
                Scalar::Text(pattern.replacen('#', &number.to_string(), 1).into())
            }
            UserIds::ObjectId => Scalar::Text(format!("a551{number:020x}").into()),
            UserIds::Uuid => Scalar::Text(uuid(&format!("assize-person-{number}")).into()),
            UserIds::ByServer => return None,
        })
    }

    fn claims(
        &self,
        claims: &Shape,
        bindings: &Bindings,
    ) -> Result<Map<String, Value>, NoCredential> {
        let mut json = String::new();
        claims.fill(bindings, &mut json).map_err(|unbound| {
            let name = self.spec.holes.name(unbound.0);
            NoCredential(format!("the token's claims need `${name}`"))
        })?;
        serde_json::from_str(&json).map_err(unmade)
    }
}

impl Papers {
    /// The text with nothing in it that proves who somebody is.
    pub(crate) fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        mask(&self.bindings, self.jar.as_ref(), text)
    }

    fn lose_token(&mut self) {
        self.bindings = self.bindings.without(Hole::TOKEN);
        self.jar = self.jar.as_ref().map(|_| Jar::default());
    }

    fn spoil(&mut self, change: &dyn Fn(&str) -> String) {
        if let Some(token) = self.bindings.get(Hole::TOKEN) {
            let spoilt = change(&token.text());
            self.bindings.set(Hole::TOKEN, Scalar::Text(spoilt.into()));
        }
        self.jar = self.jar.as_ref().map(|jar| jar.changed(change));
    }
}

/// The text with none of the secrets in it that these bindings and cookies hold, cut short or not.
pub(crate) fn mask<'t>(bindings: &Bindings, jar: Option<&Jar>, text: &'t str) -> Cow<'t, str> {
    let held = [Hole::TOKEN, Hole::PASSWORD].map(|hole| bindings.get(hole));
    let held = held.into_iter().flatten().map(|scalar| scalar.text().into_owned());
    let mut text = Cow::Borrowed(text);
    for secret in held.chain(jar.map(Jar::values).unwrap_or_default()) {
        let start: String = secret.chars().take(TELLING).collect();
        if start.len() > 3 && text.contains(&start) {
            text = Cow::Owned(without_words(&text, &start));
        }
    }
    text
}

/// The text with a mask in place of each run of letters, digits and the like that begins so.
fn without_words(text: &str, start: &str) -> String {
    let ends = |letter: char| !letter.is_alphanumeric() && !"._~+/=%:-".contains(letter);
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(start) {
        masked.push_str(&rest[..at]);
        masked.push_str(MASKED);
        let after = &rest[at + start.len()..];
        rest = &after[after.find(ends).unwrap_or(after.len())..];
    }
    masked + rest
}

/// Whose id somebody would write who wants to be taken for another person.
fn somebody_else(person: PersonId) -> PersonId {
    PersonId(person.0.checked_sub(1).unwrap_or(person.0 + 1))
}

/// The password of a person: the same in each run, for people whom a server knows from the last one.
/// It has what rules for passwords ask for, and nothing that a URL would encode.
fn password(person: PersonId) -> String {
    format!("Aa1-{}", uuid(&format!("assize-password-{}", person.0)))
}

fn uuid(name: &str) -> String {
    let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes());
    id.hyphenated().to_string()
}

fn unmade(reason: impl std::fmt::Display) -> NoCredential {
    NoCredential(format!("token could not be made: {reason}"))
}

/// A user id as it stands in a token.
fn json(user: &Scalar) -> Value {
    match user {
        Scalar::Int(number) => (*number).into(),
        Scalar::Null => Value::Null,
        other => other.text().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_masked_whole_or_cut_short_and_nothing_else_is() {
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VySWQiOjd9.c2ln";
        let bindings = Bindings::new()
            .with(Hole::USER, "ann")
            .with(Hole::TOKEN, token)
            .with(Hole::PASSWORD, "Aa1-0b7e4a5c-1111");
        let papers = Papers { bindings, jar: None };
        let said = format!("GET /x?token={token}&user=ann {{\"token\":\"{token}\"}} Aa1-0b7e4a5c…");
        let masked = papers.mask(&said);
        assert_eq!(masked, "GET /x?token=•••&user=ann {\"token\":\"•••\"} •••…");
        assert!(matches!(papers.mask("nothing of it: ann"), Cow::Borrowed(_)));
        assert!(papers.mask("Invalid token eyJhbGciOiJIUzI…").ends_with("token •••…"));
    }
}

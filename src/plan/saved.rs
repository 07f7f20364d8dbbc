//! A plan as a file that people read: the script, which property it broke, how often, and where it was
//! found.
//!
//! ```yaml
//! # Two ids for one key. To play it again: assize replay THIS-FILE
//! assize: 1
//! breaks: idempotency
//! seen: two ids for one key
//! failed: 37 of 50
//! spec: { name: callback-ack, digest: 51f0c7d2a4b9 }
//! server: { bugs: [dedup-race] }
//! found: { seed: 7, plan: 131, by: 0.1.0 }
//! script: |
//!   people: ann x2, bob
//!   ann.1 send a | ann.2 send a
//! ```
//!
//! Written by the search and the shrinker, by hand as well: all but `assize`, `breaks`, `spec` and
//! `script` may be left out; `name` and `says` are a person's. Start with [`load`] and [`Saved`]'s `Display`.

use crate::plan::script::Script;
use crate::source::{self, Diagnostic, Diagnostics, Fields, Node, Position, Span, suggestion};
use sha2::{Digest, Sha256};
use std::fmt::{self, Display, Formatter, Write as _};

/// In place of a property: the server itself ended.
pub const SURVIVAL: &str = "survival";
/// What the names of the cases begin with that saved plans are.
pub const REGRESSIONS: &str = "regressions";
/// Characters of a digest that are kept.
const DIGEST: usize = 12;

/// A plan that was saved.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    /// What its case is called; without it, as its file is.
    pub name: Option<String>,
    /// What the server must do, in one sentence, if its author said so.
    pub says: Option<String>,
    /// The property that it broke, or [`SURVIVAL`].
    pub breaks: String,
    /// What was wrong, in one sentence without times or names.
    pub seen: String,
    /// In how many of how many plays, if it was measured.
    pub failed: Option<(u32, u32)>,
    /// The spec that it is written for.
    pub spec: SpecMark,
    /// The server on which it was found.
    pub server: Server,
    /// Where it comes from, if it was found.
    pub found: Option<Found>,
    /// What happens.
    pub script: Script,
}

/// A spec, and what tells one version of it from another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpecMark {
    /// Its name or path, as the command line says it.
    pub name: String,
    /// The digest of its text; empty if nobody wrote it down.
    pub digest: String,
}

/// The server on which a plan was found, as the command line says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Server {
    /// The scenario that launched it.
    pub launch: Option<String>,
    /// The URLs of its nodes.
    pub targets: Vec<String>,
    /// The bugs of the embedded server.
    pub bugs: Vec<String>,
    /// How many nodes the embedded server had, if several.
    pub nodes: Option<u32>,
    /// The seed of the simulated worlds in which it was, if it was simulated.
    pub simulate: Option<u64>,
}

/// Where a plan comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The seed of the search.
    pub seed: u64,
    /// Which of its plans it was.
    pub plan: u64,
    /// The version of the program.
    pub by: String,
}

impl SpecMark {
    /// The mark of a spec of this name and text.
    #[must_use]
    pub fn of(name: &str, text: &str) -> Self {
        let digest = Sha256::digest(text.as_bytes());
        let digest = digest.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        Self { name: name.to_owned(), digest: digest[..DIGEST].to_owned() }
    }
}

impl Saved {
    /// The name of its file. Plans of one defect share it: the same property broken in the same way on
    /// the same spec.
    #[must_use]
    pub fn file_name(&self) -> String {
        let spec = self.spec.name.rsplit('/').next().unwrap_or_default();
        let spec = spec.trim_end_matches(".yaml");
        format!("{}.yaml", slug(&format!("{spec} {} {}", self.breaks, self.seen)))
    }

    /// The name of the case that it is, saved in this file: `regressions/two-phones`.
    #[must_use]
    pub fn case(&self, file: &str) -> String {
        let stem = file.rsplit(['/', '\\']).next().unwrap_or_default().trim_end_matches(".yaml");
        format!("{REGRESSIONS}/{}", self.name.as_deref().unwrap_or(stem))
    }

    /// What the server must do, in one sentence.
    #[must_use]
    pub fn says(&self) -> String {
        let what = if self.seen.is_empty() { &self.breaks } else { &self.seen };
        self.says
            .clone()
            .unwrap_or_else(|| format!("What failed once does not fail again: {what}."))
    }

    /// What differs from this spec, if anything.
    #[must_use]
    pub fn differs(&self, spec: &SpecMark) -> Option<String> {
        let (was, is) = (&self.spec, spec);
        if was.name != is.name {
            return Some(format!("the plan is of spec `{}`, and not of `{}`", was.name, is.name));
        }
        (!was.digest.is_empty() && was.digest != is.digest).then(|| {
            let name = &is.name;
            format!(
                "spec `{name}` is {} now, and was {} when the plan was saved",
                is.digest, was.digest
            )
        })
    }
}

impl Display for Saved {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "# {}", self.headline())?;
        writeln!(f, "assize: 1")?;
        if let Some(name) = &self.name {
            writeln!(f, "name: {name}")?;
        }
        if let Some(says) = &self.says {
            writeln!(f, "says: {}", quoted(says))?;
        }
        writeln!(f, "breaks: {}", self.breaks)?;
        if !self.seen.is_empty() {
            writeln!(f, "seen: {}", quoted(&self.seen))?;
        }
        if let Some((failed, of)) = self.failed {
            writeln!(f, "failed: {failed} of {of}")?;
        }
        let digest = match self.spec.digest.as_str() {
            "" => String::new(),
            digest => format!(", digest: {}", quoted(digest)),
        };
        writeln!(f, "spec: {{ name: {}{digest} }}", quoted(&self.spec.name))?;
        let server = self.server.words();
        if !server.is_empty() {
            writeln!(f, "server: {{ {} }}", server.join(", "))?;
        }
        if let Some(Found { seed, plan, by }) = &self.found {
            writeln!(f, "found: {{ seed: {seed}, plan: {plan}, by: {} }}", quoted(by))?;
        }
        writeln!(f, "script: |")?;
        self.script.to_string().lines().try_for_each(|line| writeln!(f, "  {line}"))
    }
}

impl Saved {
    fn headline(&self) -> String {
        let what = if self.seen.is_empty() { &self.breaks } else { &self.seen };
        format!("{what}; to play it again: assize replay {}", self.file_name())
    }
}

impl Server {
    fn words(&self) -> Vec<String> {
        let list =
            |items: &[String]| items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(", ");
        let mut words = Vec::new();
        words.extend(self.launch.iter().map(|launch| format!("launch: {}", quoted(launch))));
        words.extend(
            (!self.targets.is_empty()).then(|| format!("targets: [{}]", list(&self.targets))),
        );
        words.extend((!self.bugs.is_empty()).then(|| format!("bugs: [{}]", list(&self.bugs))));
        words.extend(self.nodes.map(|nodes| format!("nodes: {nodes}")));
        words.extend(self.simulate.map(|seed| format!("simulate: {seed}")));
        words
    }
}

/// A text as YAML has it: plain if it is a simple word, or else in quotes.
fn quoted(text: &str) -> String {
    let simple = |c: char| c.is_ascii_alphanumeric() || "-_/ ".contains(c);
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let reserved = ["true", "false", "null", "yes", "no", "on", "off"];
    match starts && text.chars().all(simple) && !text.ends_with(' ') && !reserved.contains(&text) {
        true => text.to_owned(),
        false => serde_json::Value::String(text.to_owned()).to_string(),
    }
}

/// Words in small letters with dashes between.
fn slug(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c.is_ascii_alphanumeric() {
            true => out.push(c.to_ascii_lowercase()),
            false if out.ends_with('-') || out.is_empty() => {}
            false => out.push('-'),
        }
    }
    out.trim_end_matches('-').to_owned()
}

/// Reads a plan. `known` are the ids of the properties.
///
/// # Errors
/// Everything that is wrong with it, in the order of the file.
pub fn load(file: &str, yaml: &str, known: &[&str]) -> Result<Saved, Vec<Diagnostic>> {
    let mut found = Diagnostics::new(file, yaml);
    let root = source::parse(&mut found);
    let saved = root.and_then(|root| saved(&root, known, &mut found));
    match saved {
        Some(saved) if !found.failed() => Ok(saved),
        _ => Err(found.into_sorted()),
    }
}

fn saved(root: &Node, known: &[&str], found: &mut Diagnostics<'_>) -> Option<Saved> {
    let mut fields = Fields::of(root, "plan", found)?;
    if let Some(version) = fields.require("assize", found) {
        version.read_version(found);
    }
    let name = fields.value("name").and_then(|node| case_name(node, found));
    let says = fields.value("says").and_then(|node| node.read_text("says", found));
    let says = says.map(str::to_owned);
    let breaks = fields.require("breaks", found).and_then(|node| property(node, known, found));
    let seen = fields.value("seen").and_then(|node| node.read_text("seen", found));
    let failed = fields.value("failed").and_then(|node| rate(node, found));
    let spec = fields.require("spec", found).and_then(|node| spec_mark(node, found));
    let server = fields.value("server").map(|node| server(node, found)).unwrap_or_default();
    let origin = fields.value("found").and_then(|node| origin(node, found));
    let script = fields.require("script", found).and_then(|node| script(node, found));
    fields.finish(found);
    Some(Saved {
        name,
        says,
        breaks: breaks?,
        seen: seen.unwrap_or_default().to_owned(),
        failed,
        spec: spec?,
        server,
        found: origin,
        script: script?,
    })
}

fn property(node: &Node, known: &[&str], found: &mut Diagnostics<'_>) -> Option<String> {
    let id = node.read_text("breaks", found)?;
    if known.contains(&id) || id == SURVIVAL {
        return Some(id.to_owned());
    }
    let mistake = found.error(node.span, format!("there is no property `{id}`"));
    match suggestion(id, known.iter().copied()) {
        Some(near) => mistake.hint(format!("did you mean `{near}`?")),
        None => mistake.hint("`assize list properties` names them all"),
    };
    None
}

/// `two-phones-one-key`: as the names of cases are.
fn case_name(node: &Node, found: &mut Diagnostics<'_>) -> Option<String> {
    let name = node.read_text("name", found)?;
    let of_cases = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_one = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(of_cases);
    if !is_one {
        found
            .error(node.span, format!("`{name}` is no name of a case"))
            .expected("small letters, digits and dashes, a letter first");
    }
    is_one.then(|| name.to_owned())
}

/// `37 of 50`.
fn rate(node: &Node, found: &mut Diagnostics<'_>) -> Option<(u32, u32)> {
    let text = node.read_text("failed", found)?;
    let read = text.split_once(" of ").and_then(|(failed, of)| {
        let (failed, of) = (failed.trim().parse().ok()?, of.trim().parse().ok()?);
        (failed <= of && of > 0).then_some((failed, of))
    });
    if read.is_none() {
        found.error(node.span, format!("`{text}` is no rate")).expected("`37 of 50`");
    }
    read
}

fn spec_mark(node: &Node, found: &mut Diagnostics<'_>) -> Option<SpecMark> {
    if node.text().is_some() {
        let name = node.read_text("spec", found)?.to_owned();
        return Some(SpecMark { name, digest: String::new() });
    }
    let mut fields = Fields::of(node, "spec", found)?;
    let name = fields.require("name", found).and_then(|node| node.read_text("name", found));
    let digest = fields.value("digest").and_then(|node| node.read_text("digest", found));
    let (name, digest) = (name.map(str::to_owned), digest.unwrap_or_default().to_owned());
    fields.finish(found);
    Some(SpecMark { name: name?, digest })
}

fn server(node: &Node, found: &mut Diagnostics<'_>) -> Server {
    let Some(mut fields) = Fields::of(node, "server", found) else { return Server::default() };
    let launch = fields.value("launch").and_then(|node| node.read_text("launch", found));
    let launch = launch.map(str::to_owned);
    let targets = fields.value("targets").map(|node| texts(node, "targets", found));
    let bugs = fields.value("bugs").map(|node| texts(node, "bugs", found));
    let nodes = fields.value("nodes").and_then(|node| node.read_count(1, found));
    let simulate = fields.value("simulate").and_then(|node| number(node, "simulate", found));
    fields.finish(found);
    let (targets, bugs) = (targets.unwrap_or_default(), bugs.unwrap_or_default());
    Server { launch, targets, bugs, nodes, simulate }
}

fn texts(node: &Node, what: &str, found: &mut Diagnostics<'_>) -> Vec<String> {
    let Some(items) = node.items() else {
        found.error(node.span, format!("`{what}` is {}", node.what())).expected("a list of texts");
        return Vec::new();
    };
    items.iter().filter_map(|item| item.read_text(what, found)).map(str::to_owned).collect()
}

fn origin(node: &Node, found: &mut Diagnostics<'_>) -> Option<Found> {
    let mut fields = Fields::of(node, "found", found)?;
    let seed = fields.value("seed").and_then(|node| number(node, "seed", found));
    let plan = fields.value("plan").and_then(|node| number(node, "plan", found));
    let by = fields.value("by").and_then(|node| node.read_text("by", found));
    let by = by.unwrap_or_default().to_owned();
    fields.finish(found);
    Some(Found { seed: seed.unwrap_or_default(), plan: plan.unwrap_or_default(), by })
}

fn number(node: &Node, what: &str, found: &mut Diagnostics<'_>) -> Option<u64> {
    let number = node.text().and_then(|text| text.parse().ok());
    if number.is_none() {
        found.error(node.span, format!("`{what}` is no number")).expected("a whole number");
    }
    number
}

/// The script stands in a block of lines; a mistake is shown in its line of the file.
fn script(node: &Node, found: &mut Diagnostics<'_>) -> Option<Script> {
    let text = node.read_text("script", found)?.to_owned();
    match Script::parse(&text) {
        Ok(script) => Some(script),
        Err(mistake) => {
            let wrong = text.lines().nth(mistake.line - 1).unwrap_or_default().trim();
            let span = place(node, wrong, mistake.line, found);
            found.error(span, mistake.what).hint("`docs/explore.md` has the language of scripts");
            None
        }
    }
}

/// Where the line of this number of a block stands; the block begins with its first line.
fn place(node: &Node, text: &str, number: usize, found: &Diagnostics<'_>) -> Span {
    let line = node.span.start.line + number - 1;
    match found.text().lines().nth(line - 1).filter(|there| there.trim() == text) {
        Some(there) => {
            let column = there.chars().take_while(|c| c.is_whitespace()).count() + 1;
            let end = column + text.chars().count();
            Span { start: Position { line, column }, end: Position { line, column: end } }
        }
        None => node.span,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["idempotency", "ordering"];

    fn example() -> Saved {
        Saved {
            name: None,
            says: None,
            breaks: "idempotency".into(),
            seen: "two ids for one key".into(),
            failed: Some((37, 50)),
            spec: SpecMark::of("callback-ack", "name: callback-ack"),
            server: Server { bugs: vec!["dedup-race".into()], ..Server::default() },
            found: Some(Found { seed: 7, plan: 131, by: "0.1.0".into() }),
            script: Script::parse("people: ann x2, bob\nann.1 send a | ann.2 send a").unwrap(),
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let saved = example();
        let text = saved.to_string();
        assert!(text.ends_with("script: |\n  people: ann x2, bob\n  ann send a\n"), "{text}");
        assert_eq!(load("plan", &text, KNOWN).as_ref(), Ok(&saved), "{text}");
        let launched = Saved {
            name: Some("two-phones-1".into()),
            says: Some("One key makes one message: always.".into()),
            server: Server {
                launch: Some("event-reply-node".into()),
                targets: vec!["http://127.0.0.1:3000".into()],
                nodes: Some(2),
                simulate: Some(7),
                bugs: Vec::new(),
            },
            seen: "a “quoted”: text".into(),
            failed: None,
            found: None,
            ..saved
        };
        assert_eq!(load("plan", &launched.to_string(), KNOWN), Ok(launched));
    }

    #[test]
    fn plans_of_one_defect_share_a_file() {
        let name = example().file_name();
        assert_eq!(name, "callback-ack-idempotency-two-ids-for-one-key.yaml");
        let mine = Saved { spec: SpecMark::of("my/specs/chat.yaml", ""), ..example() };
        assert_eq!(mine.file_name(), "chat-idempotency-two-ids-for-one-key.yaml");
    }

    #[test]
    fn a_plan_is_a_case_of_its_own_name_or_of_its_files() {
        let saved = example();
        assert_eq!(saved.case("a/b/twice.yaml"), "regressions/twice");
        assert_eq!(saved.says(), "What failed once does not fail again: two ids for one key.");
        let named = Saved { name: Some("two-phones".into()), says: Some("So.".into()), ..saved };
        assert_eq!(named.case("a/b/twice.yaml"), "regressions/two-phones");
        assert_eq!(named.says(), "So.");
        let wrong = named.to_string().replace("two-phones", "Two phones");
        assert!(load("plan", &wrong, KNOWN).is_err());
    }

    #[test]
    fn what_differs_from_the_spec_is_said() {
        let saved = example();
        assert_eq!(saved.differs(&saved.spec), None);
        let newer = SpecMark::of("callback-ack", "name: callback-ack # 2");
        let told = saved.differs(&newer).unwrap();
        assert!(told.contains(&newer.digest) && told.contains(&saved.spec.digest), "{told}");
        let other = saved.differs(&SpecMark::of("event-reply", "")).unwrap();
        assert!(other.contains("not of `event-reply`"), "{other}");
        let by_hand =
            Saved { spec: SpecMark { digest: String::new(), ..saved.spec.clone() }, ..saved };
        assert_eq!(by_hand.differs(&newer), None);
    }

    #[test]
    fn mistakes_are_shown_where_they_stand() {
        let text = "assize: 1\nbreaks: idempotence\nspec: callback-ack\nfailed: often\nscript: |\n  people: ann, bob\n\n  ann sends a\n";
        let found = load("plan.yaml", text, KNOWN).unwrap_err();
        let places: Vec<(usize, usize)> = found.iter().map(|d| (d.line, d.column)).collect();
        assert_eq!(places, [(2, 9), (4, 9), (8, 3)], "{}", source::render(&found));
        assert!(source::render(&found).contains("did you mean `idempotency`?"));
        assert!(load("plan", "assize: 1", KNOWN).unwrap_err().len() >= 3);
    }
}

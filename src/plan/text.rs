//! What people write: a pure function of the token, so that a receiver knows what was sent
//! without anybody having stored it.

use crate::history::{Damage, Token};
use crate::plan::dice::{Dice, mix};
use crate::plan::stream;
use crate::scenario::{Sizes, Texts};
use crate::spec::Sanitise;
use compact_str::{CompactString, ToCompactString};

/// What a text is like; three bits of its token's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A few words.
    Short,
    /// As long as the server allows.
    Long,
    /// Emoji, combining marks, right-to-left, beyond the basic plane.
    Unicode,
    /// Markup and quotes.
    Markup,
    /// One character longer than the server allows: to be refused.
    Overlong,
    /// As long as the server allows, of characters beyond the basic plane: four bytes, or two
    /// UTF-16 units, each.
    Emoji,
    /// As long as the server allows, half of it combining marks.
    Combining,
    /// As long as the server allows, of characters of two and three bytes.
    Multibyte,
}

impl Kind {
    /// Every kind there is.
    pub const ALL: &[Self] = &[
        Self::Short,
        Self::Long,
        Self::Unicode,
        Self::Markup,
        Self::Overlong,
        Self::Emoji,
        Self::Combining,
        Self::Multibyte,
    ];

    /// The word in scripts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Short => "short",
            Self::Long => "long",
            Self::Unicode => "unicode",
            Self::Markup => "markup",
            Self::Overlong => "overlong",
            Self::Emoji => "emoji",
            Self::Combining => "combining",
            Self::Multibyte => "multibyte",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// What fills a text that has no words.
    const fn filler(self) -> &'static [char] {
        match self {
            Self::Emoji => EMOJI,
            Self::Combining => COMBINING,
            Self::Multibyte => MULTIBYTE,
            _ => &[],
        }
    }

    /// The text is exactly as long as the server allows.
    #[must_use]
    pub const fn is_at_the_limit(self) -> bool {
        matches!(self, Self::Long | Self::Emoji | Self::Combining | Self::Multibyte)
    }
}

const EMOJI: &[char] = &['😀', '🧪', '🦀', '𝒻', '𐍈'];
const COMBINING: &[char] = &['e', '\u{301}', 'o', '\u{308}'];
const MULTIBYTE: &[char] = &['ü', '你', 'я', '한', 'é'];
/// The words of a short text.
pub(super) const WORDS: &[&str] = &[
    "hello", "there", "are", "you", "coming", "tonight", "the", "train", "is", "late", "again",
    "I", "will", "bring", "bread", "and", "cheese", "please", "call", "me", "when", "it", "rains",
    "fine", "see", "you", "at", "eight", "no", "problem", "thanks", "maybe", "tomorrow", "ok",
];
const UNICODE: &[&str] = &[
    "grüße",
    "Ωμέγα",
    "привет",
    "你好",
    "こんにちは",
    "안녕",
    "مرحبا",
    "שלום",
    "👩‍👩‍👧",
    "🇪🇺",
    "e\u{301}",
    "𝒻𝒶𝓃𝒸𝓎",
    "🧪",
    "ñandú",
    "\u{200d}joined",
    "ﬁne",
];
const MARKUP: &[&str] = &[
    "<b>bold</b>",
    "a < b && c > d",
    "\"quoted\"",
    "it's",
    "<script>alert(1)</script>",
    "&amp;",
    "\\back\\slash",
    "<img src=x onerror=alert(1)>",
];

/// With which a text with markup begins: something that a browser would act upon.
const TAGS: &[&str] = &["<b>bold</b>", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>"];

/// Messages of one kind that a cell can number.
pub const SEQUENCES: u32 = 1 << 24;

/// The number part of a token: what the text is like, whose cell, which message.
#[must_use]
pub fn number(kind: Kind, cell: u32, sequence: u32) -> u64 {
    (kind as u64) << 37 | u64::from(cell & 0x1fff) << 24 | u64::from(sequence & (SEQUENCES - 1))
}

/// What the text of a token is like.
#[must_use]
pub fn kind(token: Token) -> Kind {
    match token.number() >> 37 {
        0 => Kind::Short,
        1 => Kind::Long,
        2 => Kind::Unicode,
        3 => Kind::Markup,
        4 => Kind::Overlong,
        5 => Kind::Emoji,
        6 => Kind::Combining,
        _ => Kind::Multibyte,
    }
}

/// Chooses a kind by its share.
#[must_use]
pub fn choose(texts: &Texts, dice: &mut Dice) -> Kind {
    let shares = [
        (texts.short, Kind::Short),
        (texts.long, Kind::Long),
        (texts.unicode, Kind::Unicode),
        (texts.markup, Kind::Markup),
        (texts.overlong, Kind::Overlong),
    ];
    let mut place = dice.unit() * shares.iter().map(|(share, _)| share).sum::<f64>();
    for (share, kind) in shares {
        if place < share {
            return kind;
        }
        place -= share;
    }
    Kind::Short
}

/// The client message id of a message: a UUID made of the run, the token and `variant` (a second
/// message with the same text has another variant).
#[must_use]
pub fn key(run: u64, token: Token, variant: u64) -> CompactString {
    let high = mix(run, token.number(), variant);
    let low = mix(high, run, token.number());
    let bytes = (u128::from(high) << 64 | u128::from(low)).to_be_bytes();
    uuid::Builder::from_random_bytes(bytes).into_uuid().hyphenated().to_compact_string()
}

/// How long texts are: what the server takes, and what the phases of the scenario want.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lengths {
    /// The longest text the server takes, in characters.
    limit: u32,
    /// What each phase says, if any of them says something.
    sizes: Vec<Option<Sizes>>,
}

impl Lengths {
    pub(super) fn new(limit: u32, sizes: Vec<Option<Sizes>>) -> Self {
        let sizes = if sizes.iter().any(Option::is_some) { sizes } else { Vec::new() };
        Self { limit, sizes }
    }

    /// How long this text is, in characters, if its phase says it.
    fn of(&self, token: Token, dice: &mut Dice) -> Option<usize> {
        let sequence = token.number() as u32 & (SEQUENCES - 1);
        let phase = stream::phase_of(sequence, self.sizes.len())?;
        let sizes = self.sizes[phase].as_ref()?;
        Some(sizes.at(dice.unit()) as usize)
    }
}

impl From<u32> for Lengths {
    fn from(limit: u32) -> Self {
        Self { limit, sizes: Vec::new() }
    }
}

/// Appends the text of a token, the token first: as many characters as the server takes at most,
/// unless the text is meant to be overlong.
pub fn write(token: Token, lengths: &Lengths, out: &mut String) {
    let mut dice = Dice::new(token.number(), "text", 0, 0);
    let kind = kind(token);
    let limit = lengths.limit.max(crate::history::token::LENGTH as u32) as usize;
    let size = if lengths.sizes.is_empty() { None } else { lengths.of(token, &mut dice) };
    let goal = match kind {
        kind if kind.is_at_the_limit() => limit,
        Kind::Overlong => limit + 1,
        _ if let Some(size) = size => size.clamp(crate::history::token::LENGTH, limit),
        Kind::Markup => (48 + dice.below(36)).min(limit),
        _ => (24 + dice.below(60)).min(limit),
    };
    let start = out.len();
    out.push_str(&token.to_string());
    let mut characters = crate::history::token::LENGTH;
    let filler = kind.filler();
    while filler.is_empty() {
        let word = match kind {
            Kind::Unicode => *dice.pick(UNICODE),
            Kind::Markup if characters == crate::history::token::LENGTH => *dice.pick(TAGS),
            Kind::Markup if dice.chance(0.6) => *dice.pick(MARKUP),
            _ => *dice.pick(WORDS),
        };
        // All other words are ASCII.
        let length = 1 + if kind == Kind::Unicode { word.chars().count() } else { word.len() };
        if characters + length > goal {
            break;
        }
        out.push(' ');
        out.push_str(word);
        characters += length;
    }
    // A text at the limit is exactly at the limit, and does not end in a space.
    if !filler.is_empty() && characters < goal {
        out.push(' ');
        out.extend(filler.iter().cycle().take(goal - characters - 1));
    } else if size.is_some() || matches!(kind, Kind::Long | Kind::Overlong) {
        out.extend(std::iter::repeat_n('.', goal - characters));
    }
    debug_assert!(out[start..].chars().count() <= goal);
}

/// Compares a text that came with what was sent.
#[must_use]
pub fn compare(sent: &str, sanitise: Sanitise, came: &str) -> Damage {
    if sanitise == Sanitise::Html && has_live_tag(came) {
        return Damage::Alive;
    }
    let intact = came == sent
        || match sanitise {
            Sanitise::Verbatim => false,
            Sanitise::Html => {
                unescape(came, true) == sent
                    || unescape(came, false) == sent
                    || came == without_tags(sent)
            }
            Sanitise::Free => true,
        };
    if intact { Damage::Intact } else { Damage::Changed(excerpt(came, sent)) }
}

/// Whether a browser would take something in the text for a tag.
fn has_live_tag(text: &str) -> bool {
    let begins = |rest: &str| rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    text.match_indices('<').any(|(at, _)| begins(&text[at + 1..]))
}

/// Where the two part, in a few words.
fn excerpt(came: &str, sent: &str) -> CompactString {
    let same = came.chars().zip(sent.chars()).take_while(|(a, b)| a == b).count();
    let part = |text: &str| text.chars().skip(same.saturating_sub(8)).take(24).collect::<String>();
    let (came_length, sent_length) = (came.chars().count(), sent.chars().count());
    compact_str::format_compact!(
        "from character {same} on `{}` instead of `{}` ({came_length} of {sent_length} characters)",
        part(came),
        part(sent)
    )
}

/// Decodes HTML entities; `&amp;` only if `ampersands`, for some servers escape brackets alone.
fn unescape(text: &str, ampersands: bool) -> String {
    const ENTITIES: &[(&str, &str)] = &[
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&#x2F;", "/"),
        ("&#47;", "/"),
        ("&amp;", "&"),
    ];
    let mut rest = text;
    let mut out = String::with_capacity(text.len());
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let entity = ENTITIES
            .iter()
            .find(|(entity, plain)| rest.starts_with(entity) && (ampersands || *plain != "&"));
        let (length, plain) = entity.map_or((1, "&"), |(entity, plain)| (entity.len(), *plain));
        out.push_str(plain);
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}

fn without_tags(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        match rest[open..].find('>') {
            Some(close) => {
                out.push_str(&rest[..open]);
                rest = &rest[open + close + 1..];
            }
            None => break,
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(token: Token, limit: u32) -> String {
        let mut out = String::new();
        write(token, &limit.into(), &mut out);
        out
    }

    #[test]
    fn sizes_have_the_percentiles_that_were_asked_for() {
        let sizes = Sizes::new(vec![(0.0, 14), (0.5, 40), (0.95, 300), (1.0, 900)]);
        let lengths = Lengths::new(1_000, vec![None, Some(sizes)]);
        let length = |kind, sequence| {
            let mut out = String::new();
            write(Token::new(9, number(kind, 3, sequence)), &lengths, &mut out);
            out.chars().count()
        };
        // The first stream of each of two phases.
        let [first, second] = [0, 5].map(|ordinal| move |sent| stream::sequence(ordinal, 2, sent));
        for kind in [Kind::Short, Kind::Unicode, Kind::Markup] {
            let mut all: Vec<usize> = (0..4_000).map(|sent| length(kind, second(sent))).collect();
            all.sort_unstable();
            let at = |share: f64| all[(share * 4_000.0) as usize];
            assert!(at(0.5).abs_diff(40) <= 3, "{kind:?}: median {}", at(0.5));
            assert!(at(0.95).abs_diff(300) <= 40, "{kind:?}: p95 {}", at(0.95));
            assert!(all[0] >= 14 && all[3_999] <= 900 && all[3_999] > 600, "{}", all[3_999]);
        }
        let unsized_phase = (0..100).map(|sent| length(Kind::Short, first(sent))).max();
        assert!(unsized_phase.is_some_and(|most| most < 84), "the first phase says nothing");
        assert_eq!(length(Kind::Long, second(0)), 1_000);
    }

    #[test]
    fn texts_carry_their_token_and_keep_the_limit() {
        for &kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.name()), Some(kind));
            for sequence in 0..200 {
                let token = Token::new(9, number(kind, 3, sequence));
                let text = text(token, 1_000);
                assert_eq!(Token::find(&text), Some(token));
                assert_eq!(super::kind(token), kind);
                match (kind, text.chars().count()) {
                    (kind, length) if kind.is_at_the_limit() => assert_eq!(length, 1_000),
                    (Kind::Overlong, length) => assert_eq!(length, 1_001),
                    (_, length) => assert!(length < 1_000),
                }
            }
        }
    }

    #[test]
    fn documented_escaping_is_no_damage_and_truncation_is() {
        for sequence in 0..200 {
            let token = Token::new(9, number(Kind::Markup, 3, sequence));
            let sent = text(token, 1_000);
            let brackets = sent.replace('<', "&lt;").replace('>', "&gt;");
            let everything = sent
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('"', "&quot;")
                .replace('\'', "&#39;");
            for came in [&brackets, &everything, &without_tags(&sent)] {
                let damage = compare(&sent, Sanitise::Html, came);
                assert_eq!(damage, Damage::Intact, "{sent} came as {came}");
            }
            let raw = compare(&sent, Sanitise::Html, &sent);
            assert_eq!(raw, Damage::Alive, "each text with markup has a tag: {sent}");
            let cut = &sent[..sent.len() - 1];
            let damage = compare(&sent, Sanitise::Verbatim, cut);
            assert!(matches!(damage, Damage::Changed(_)));
        }
    }

    #[test]
    fn keys_are_uuids_and_differ_by_run_token_and_variant() {
        let token = Token::new(1, 5);
        let base = key(1, token, 0);
        assert!(uuid::Uuid::parse_str(&base).is_ok());
        assert_ne!(base, key(2, token, 0));
        assert_ne!(base, key(1, token, 1));
        assert_ne!(base, key(1, Token::new(1, 6), 0));
    }
}

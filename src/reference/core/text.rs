//! Texts: how long they may be, what becomes of markup, and what bugs do to them.

use super::Core;
use crate::reference::bugs::Bug;
use crate::reference::model::*;
use crate::spec::Sanitise;

impl Core {
    pub(super) fn check_text(&self, text: &str) -> Result<(), Refusal> {
        if text.trim().is_empty() {
            return Err(Refusal::malformed("the text is empty"));
        }
        let Some(most) = self.rules.text_characters.map(|most| most as usize) else {
            return Ok(());
        };
        // A text of fewer bytes has fewer characters: most need not be counted.
        if self.is_longer(text, most) {
            let text = format!("the text is longer than {most} characters");
            return Err(Refusal::malformed(text));
        }
        Ok(())
    }

    fn is_longer(&self, text: &str, most: usize) -> bool {
        if self.bugs.is_none() {
            return text.len() > most && text.chars().count() > most;
        }
        let length = match () {
            () if self.bugs.has(Bug::LimitMissing) => 0,
            () if self.bugs.has(Bug::LimitInBytes) => text.len(),
            () if self.bugs.has(Bug::LimitInUtf16) => text.encode_utf16().count(),
            () if self.bugs.has(Bug::LimitOneLess) => text.chars().count() + 1,
            () if self.bugs.has(Bug::LimitOneMore) => text.chars().count().saturating_sub(1),
            () => text.chars().count(),
        };
        length > most
    }

    pub(super) fn sanitised(&self, text: &str) -> String {
        let how =
            if self.bugs.has(Bug::MarkupAlive) { Sanitise::Verbatim } else { self.rules.sanitise };
        sanitised(how, text)
    }

    pub(super) fn damage(&self, text: &mut String) {
        if self.bugs.has(Bug::Truncate)
            && let Some((end, _)) = text.char_indices().nth(100)
        {
            text.truncate(end);
        }
        if self.bugs.has(Bug::Charset) {
            *text = text.replace(|c: char| !c.is_ascii(), "?");
        }
        if self.bugs.has(Bug::CharsetNarrow) {
            *text = text.replace(|c: char| c > '\u{ffff}', "?");
        }
        if self.bugs.has(Bug::EscapedTwice) {
            *text = self.sanitised(text);
        }
    }
}

fn sanitised(how: Sanitise, text: &str) -> String {
    if how != Sanitise::Html || !text.contains(['&', '<', '>', '"', '\'']) {
        return text.to_owned();
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            plain => safe.push(plain),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Chat, rules};
    use super::*;

    #[test]
    fn limits_count_characters_and_arrivals() {
        let mut chat = Chat::new(rules(), &[]);
        let place = chat.create("ann", &["bob"]);
        let emoji = "\u{1f600}".repeat(1000);
        assert!(chat.send("ann", place, &emoji, "full").is_ok());
        for text in ["", " \n\t", &"x".repeat(1001)] {
            let refusal = chat.send("ann", place, text, "bad").unwrap_err();
            assert_eq!(refusal.kind, RefusalKind::Malformed);
        }
        for number in 1..10 {
            chat.send("ann", place, "hi", &number.to_string()).unwrap();
        }
        let refusal = chat.send("ann", place, "hi", "eleven").unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::TooMany);
        assert!(chat.send("ann", place, "hi", "5").unwrap().1, "a repetition is free");
        assert!(chat.send("bob", place, "hi", "a").is_ok(), "per person");
        chat.now += 980;
        let refusal = chat.send("ann", place, "hi", "eleven").unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::TooMany, "the window slides");
        chat.now += 20;
        assert!(chat.send("ann", place, "hi", "eleven").is_ok());
    }

    #[test]
    fn markup_comes_back_inert() {
        let mut chat = Chat::new(rules(), &[]);
        let place = chat.create("ann", &["bob"]);
        let (message, _) = chat.send("ann", place, "<b>\"A&B\"</b>", "k").unwrap();
        assert_eq!(message.text, "&lt;b&gt;&quot;A&amp;B&quot;&lt;/b&gt;");
        let mut chat = Chat::new(rules(), &[Bug::EscapedTwice]);
        let place = chat.create("ann", &["bob"]);
        assert_eq!(chat.send("ann", place, "<", "k").unwrap().0.text, "&amp;lt;");
    }
}

//! `people:` who the people are to the server.

use crate::source::{Fields, Node};
use crate::spec::load::{Loader, Place};
use crate::spec::model::{People, Secret, TokenSource, UserIds};
use std::time::Duration;

/// The algorithms that tokens are signed with.
const ALGORITHMS: [&str; 5] = ["HS256", "HS384", "HS512", "RS256", "ES256"];

impl Loader<'_> {
    pub(super) fn people(&mut self, node: Option<&Node>) -> People {
        self.place = Place::People;
        let mut people = People {
            ids: UserIds::Text { pattern: "assize-#".to_owned() },
            names: "Person #".to_owned(),
            token: TokenSource::None,
        };
        let fields = node.and_then(|node| Fields::of(node, "people", &mut self.found));
        let Some(mut fields) = fields else {
            return people;
        };
        if let Some(ids) = fields.value("ids") {
            people.ids = self.ids(ids).unwrap_or(people.ids);
        }
        if let Some(names) = fields.value("names") {
            people.names = self.pattern(names, "names", "Person #");
        }
        if let Some(token) = fields.value("token") {
            people.token = self.token(token).unwrap_or(TokenSource::None);
        }
        fields.finish(&mut self.found);
        people
    }

    fn ids(&mut self, node: &Node) -> Option<UserIds> {
        if node.text().is_some() {
            let choices = [
                ("object-id", Some(UserIds::ObjectId)),
                ("uuid", Some(UserIds::Uuid)),
                ("by-server", Some(UserIds::ByServer)),
                ("integer", None),
                ("text", None),
            ];
            let places = [0, 1, 2, 3, 4].map(|index: usize| (choices[index].0, index));
            let index = node.read_choice(&places, &mut self.found)?;
            let ids = choices[index].1.clone();
            if ids.is_none() {
                self.found
                    .error(node.span, "this form of ids needs a figure")
                    .expected("`{ integer: { from: 1 } }` or `{ text: assize-# }`");
            }
            return ids;
        }
        let mut fields = Fields::of(node, "ids", &mut self.found)?;
        let entry = fields.one_of(&["integer", "text"], &mut self.found);
        fields.finish(&mut self.found);
        let entry = entry?;
        if entry.key == "text" {
            let pattern = self.pattern(&entry.value, "text", "assize-#");
            return Some(UserIds::Text { pattern });
        }
        let mut integer = Fields::of(&entry.value, "integer", &mut self.found)?;
        let from = integer.require("from", &mut self.found);
        let from = from.and_then(|node| node.read_count(0, &mut self.found));
        integer.finish(&mut self.found);
        let from = i64::from(from?);
        Some(UserIds::Integer { from })
    }

    /// A text with one `#` for the person's number.
    fn pattern(&mut self, node: &Node, what: &str, example: &str) -> String {
        let pattern = self.text_of(Some(node), what);
        if pattern.matches('#').count() != 1 {
            self.found.error(node.span, format!("`{pattern}` doesn't tell people apart")).expected(
                format!("a text with one `#` for the person's number, such as `{example}`"),
            );
        }
        pattern
    }

    fn token(&mut self, node: &Node) -> Option<TokenSource> {
        if node.text().is_some() {
            let choices = [("none", false), ("by-server", true)];
            let by_server = node.read_choice(&choices, &mut self.found)?;
            return Some(if by_server { TokenSource::ByServer } else { TokenSource::None });
        }
        let mut fields = Fields::of(node, "token", &mut self.found)?;
        let entry = fields.one_of(&["jwt", "file"], &mut self.found);
        fields.finish(&mut self.found);
        let entry = entry?;
        if entry.key == "jwt" { self.jwt(&entry.value) } else { self.people_file(&entry.value) }
    }

    fn jwt(&mut self, node: &Node) -> Option<TokenSource> {
        let mut fields = Fields::of(node, "jwt", &mut self.found)?;
        let algorithms = ALGORITHMS.map(|name| (name, name));
        let algorithm = fields.require("algorithm", &mut self.found);
        let algorithm = algorithm.and_then(|node| node.read_choice(&algorithms, &mut self.found));
        // An HMAC has a secret, a signature a private key.
        let kind = match algorithm {
            Some(name) if !name.starts_with("HS") => "key",
            _ => "secret",
        };
        let secret = fields.require(kind, &mut self.found);
        let secret = secret.and_then(|node| self.secret(node, kind));
        let claims = fields.require("claims", &mut self.found);
        let claims = claims.map(|node| self.sent_shape(node));
        let lives = fields.value("lives");
        let lives = lives.map_or(Some(Duration::from_secs(3600)), |node| self.positive(node));
        fields.finish(&mut self.found);
        Some(TokenSource::Jwt {
            algorithm: algorithm?.to_owned(),
            secret: secret?,
            claims: claims?,
            lives: lives?,
        })
    }

    fn secret(&mut self, node: &Node, kind: &'static str) -> Option<Secret> {
        let mut fields = Fields::of(node, kind, &mut self.found)?;
        let variable = fields.value("env");
        let variable = variable.map(|node| self.text_of(Some(node), "env"));
        let file = fields.value("file");
        let file = file.map(|node| self.text_of(Some(node), "file"));
        let default = fields.value("default");
        let default = default.map(|node| self.text_of(Some(node), "default"));
        if variable.is_none() && file.is_none() && default.is_none() {
            self.found
                .error(node.span, format!("this names no {kind}"))
                .expected("one or more of `env`, `file` and `default`");
        }
        fields.finish(&mut self.found);
        let file = file.map(|path| self.folder.join(path));
        Some(Secret { variable, file, default })
    }

    fn people_file(&mut self, node: &Node) -> Option<TokenSource> {
        let mut fields = Fields::of(node, "file", &mut self.found)?;
        let path = fields.require("path", &mut self.found);
        let path = self.text_of(path, "path");
        let columns = fields.require("columns", &mut self.found);
        fields.finish(&mut self.found);
        let columns = columns?;
        let Some(items) = columns.items() else {
            self.found
                .error(columns.span, format!("`columns` is {}", columns.what()))
                .expected("a list of column names, such as `[user, token]`");
            return None;
        };
        let columns = items.iter().map(|item| {
            let name = self.text_of(Some(item), "columns");
            self.holes.intern(name.trim_start_matches('$'))
        });
        let columns = columns.collect();
        Some(TokenSource::File { path: self.folder.join(path), columns })
    }
}

//! An argument as a space-time diagram: a line per client and one for the server, time running down, a
//! numbered stone for each line of the argument, an arrow where something travelled.
//!
//! A history knows only the client's end of each way, so the other end of an arrow is drawn a little
//! earlier or later. Pauses are drawn longer if they were longer, but not in proportion: a diagram of
//! microseconds and seconds would show neither. The last line, with which the contradiction is complete,
//! is marked.

use crate::history::ClientId;
use crate::metric::quantity;
use crate::outcome::exploration::Scene;
use crate::report::html::markup::{Markup, classed, element, text};
use crate::report::html::motion::{Motion, Way, motion};
use crate::report::layout::clean;
use crate::verdict::{Exhibit, Violation};

/// What stands left of the first line: the pauses.
const GUTTER: f64 = 60.0;
/// Between the first line and the pauses, and right of the last line: half of a name.
const SIDE: f64 = 32.0;
/// Between two lines: two of them and the server's fit on a phone.
const LANE: f64 = 102.0;
/// And if they are many.
const NARROW_LANE: f64 = 86.0;
/// Where the first stone lies.
const TOP: f64 = 56.0;
/// How much later an arrow ends than it begins.
const SLOPE: f64 = 12.0;
/// How far above its arrow a word stands.
const LIFT: f64 = 8.0;
/// The radius of a stone.
const STONE: f64 = 8.5;
/// Clients that have a line of their own.
const MOST_LANES: usize = 8;

/// The diagram of a violation; nothing if there is not at least one line. `name` says what a client is
/// called, `list` is the id of the argument in words.
pub(super) fn diagram(
    violation: &Violation,
    name: &dyn Fn(ClientId) -> String,
    list: &str,
) -> Option<Markup> {
    let title = format!("Space-time diagram: {}", violation.summary);
    let last = violation.exhibits.len().saturating_sub(1);
    drawn(&title, &violation.exhibits, |row| row == last, name, list)
}

/// The diagram of a whole play, in which the lines of the argument are marked.
pub(in crate::report) fn play(
    scene: &Scene,
    name: &dyn Fn(ClientId) -> String,
    list: &str,
) -> Option<Markup> {
    let is_argued = |row: usize| scene.argued.contains(&row);
    drawn("Space-time diagram of the play", &scene.exhibits, is_argued, name, list)
}

fn drawn(
    title: &str,
    exhibits: &[Exhibit],
    is_marked: impl Fn(usize) -> bool,
    name: &dyn Fn(ClientId) -> String,
    list: &str,
) -> Option<Markup> {
    let clients = clients(exhibits);
    if clients.is_empty() || clients.len() > MOST_LANES {
        return None;
    }
    let stage = Stage::of(clients, exhibits);
    let last = exhibits.len() - 1;
    let events = exhibits.iter().enumerate().map(|(row, exhibit)| {
        event(&stage, row, is_marked(row), exhibit.client, &motion(&exhibit.text))
    });
    let parts = [stage.lanes(name), stage.pauses(exhibits), stage.rule(last)];
    let size = (number(stage.width), number(stage.height));
    let inside = [element("title", &[], [text(title)])].into_iter().chain(parts).chain(events);
    Some(element(
        "svg",
        &[
            ("class", "diagram"),
            ("viewBox", &format!("0 0 {} {}", size.0, size.1)),
            ("width", &size.0),
            ("height", &size.1),
            ("role", "img"),
            ("aria-label", title),
            ("aria-describedby", list),
        ],
        inside,
    ))
}

/// Where everything stands.
struct Stage {
    /// The first client stands left of the server, the others right of it.
    clients: Vec<ClientId>,
    lane: f64,
    width: f64,
    height: f64,
    /// How far down each line's stone lies.
    rows: Vec<f64>,
}

impl Stage {
    fn of(clients: Vec<ClientId>, exhibits: &[Exhibit]) -> Self {
        let lane = if clients.len() > 3 { NARROW_LANE } else { LANE };
        let mut down = TOP;
        let mut before = exhibits[0].at;
        let rows: Vec<f64> = exhibits
            .iter()
            .enumerate()
            .map(|(row, exhibit)| {
                if row > 0 {
                    down += pause(exhibit.at.saturating_sub(before));
                }
                before = exhibit.at;
                down
            })
            .collect();
        let width = GUTTER + SIDE + lane * clients.len() as f64 + SIDE;
        Self { lane, width, height: down + 44.0, rows, clients }
    }

    /// The server's place; clients are counted from 0, and the first is left of it.
    fn server(&self) -> f64 {
        self.across(1)
    }

    fn client(&self, client: ClientId) -> f64 {
        let number = self.clients.iter().position(|known| *known == client).unwrap_or(0);
        self.across(if number == 0 { 0 } else { number + 1 })
    }

    fn across(&self, place: usize) -> f64 {
        GUTTER + SIDE + self.lane * place as f64
    }

    fn lanes(&self, name: &dyn Fn(ClientId) -> String) -> Markup {
        let lane = |x: f64, class: &str, name: &str| {
            let line = line(class, x, TOP - 22.0, x, self.height - 18.0);
            let name: String = match clean(name) {
                name if name.chars().count() > 14 => name.chars().take(13).chain(['…']).collect(),
                name => name,
            };
            let name = element(
                "text",
                &[
                    ("class", "lane-name"),
                    ("x", &number(x)),
                    ("y", "20"),
                    ("text-anchor", "middle"),
                ],
                [text(&name)],
            );
            [line, name]
        };
        let clients = self
            .clients
            .iter()
            .flat_map(|client| lane(self.client(*client), "lane", &name(*client)));
        clients.chain(lane(self.server(), "lane server", "server")).collect()
    }

    /// How long it took from line to line, where that is not drawn in proportion.
    fn pauses(&self, exhibits: &[Exhibit]) -> Markup {
        let pairs = exhibits.windows(2).zip(self.rows.windows(2));
        pairs
            .map(|(pair, rows)| {
                let took = quantity::duration(pair[1].at.saturating_sub(pair[0].at));
                let middle = f64::midpoint(rows[0], rows[1]) + 4.0;
                let attributes =
                    [("class", "gap"), ("x", "60"), ("y", &number(middle)), ("text-anchor", "end")];
                element("text", &attributes, [text(&format!("+{took}"))])
            })
            .collect()
    }

    /// The mark of the contradiction.
    fn rule(&self, last: usize) -> Markup {
        let down = self.rows[last] + 24.0;
        let words = element(
            "text",
            &[("class", "verdict"), ("x", &number(GUTTER)), ("y", &number(down + 15.0))],
            [text("✗ here it contradicts")],
        );
        [line("rule", GUTTER, down, self.width - 8.0, down), words].into_iter().collect()
    }
}

fn event(stage: &Stage, row: usize, is_marked: bool, client: ClientId, motion: &Motion) -> Markup {
    let (x, down, server) = (stage.client(client), stage.rows[row], stage.server());
    let way = match motion.way {
        Way::ToServer => arrow((x, down), (server, down + SLOPE), 1.5),
        Way::FromServer => arrow((server, down - SLOPE), (x, down), STONE + 1.0),
        Way::Moment => Markup::default(),
    };
    // Just above its arrow, in the lane beside its client, so that it stands on nobody's line.
    let towards = if x < server { 1.0 } else { -1.0 };
    let (word_at, anchor) = match motion.way {
        Way::Moment => (x + STONE + 5.0, "start"),
        _ => (x + towards * stage.lane * 0.52, "middle"),
    };
    let share = stage.lane * 0.52 / (x - server).abs().max(1.0);
    let lift = match motion.way {
        Way::Moment => 4.0,
        Way::ToServer => SLOPE * share - LIFT,
        Way::FromServer => -SLOPE * share - LIFT,
    };
    let word = element(
        "text",
        &[
            ("class", "word"),
            ("x", &number(word_at)),
            ("y", &number(down + lift)),
            ("text-anchor", anchor),
        ],
        [text(&motion.word)],
    );
    let (x, y) = (number(x), number(down));
    let circle = element("circle", &[("cx", &x), ("cy", &y), ("r", &number(STONE))], []);
    let label = element(
        "text",
        &[("x", &x), ("y", &number(down + 3.5)), ("text-anchor", "middle")],
        [text(&(row + 1).to_string())],
    );
    let class = match (is_marked, motion.way) {
        (true, _) => "event contra",
        (false, Way::Moment) => "event moment",
        (false, _) => "event",
    };
    element(
        "g",
        &[("class", class), ("data-row", &row.to_string())],
        [way, word, classed("g", "stone", [circle, label])],
    )
}

/// An arrow that ends so much before its end: at the edge of a stone or of the server's line.
fn arrow(from: (f64, f64), to: (f64, f64), before: f64) -> Markup {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx.hypot(dy).max(1.0);
    let (ux, uy) = (dx / length, dy / length);
    let tip = (to.0 - ux * before, to.1 - uy * before);
    let base = (tip.0 - ux * 8.0, tip.1 - uy * 8.0);
    let side = (-uy * 3.6, ux * 3.6);
    let points = format!(
        "{},{} {},{} {},{}",
        number(tip.0),
        number(tip.1),
        number(base.0 + side.0),
        number(base.1 + side.1),
        number(base.0 - side.0),
        number(base.1 - side.1),
    );
    let head = element("polygon", &[("class", "head"), ("points", &points)], []);
    [line("arrow", from.0, from.1, base.0, base.1), head].into_iter().collect()
}

fn line(class: &str, x1: f64, y1: f64, x2: f64, y2: f64) -> Markup {
    let [x1, y1, x2, y2] = [x1, y1, x2, y2].map(number);
    element("line", &[("class", class), ("x1", &x1), ("y1", &y1), ("x2", &x2), ("y2", &y2)], [])
}

/// The clients in the order in which they come up.
fn clients(exhibits: &[Exhibit]) -> Vec<ClientId> {
    let mut clients = Vec::new();
    for exhibit in exhibits {
        if !clients.contains(&exhibit.client) {
            clients.push(exhibit.client);
        }
    }
    clients
}

/// How much room a pause takes.
fn pause(nanos: u64) -> f64 {
    let millis = nanos as f64 / 1e6;
    30.0 + (10.0 * (1.0 + millis).log10()).min(40.0)
}

fn number(number: f64) -> String {
    format!("{}", (number * 10.0).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violation(lines: &[(u64, u32, &str)]) -> Violation {
        let exhibits = lines
            .iter()
            .map(|(at, client, text)| Exhibit {
                at: *at,
                client: ClientId(*client),
                text: (*text).into(),
            })
            .collect();
        Violation {
            summary: "two <ids>".into(),
            exhibits,
            therefore: String::new(),
            but: String::new(),
        }
    }

    #[test]
    fn in_a_whole_play_the_lines_of_the_argument_are_marked() {
        let lines = violation(&[
            (1, 3, "sent \"a\""),
            (2, 3, "asked for `join`"),
            (3, 8, "was pushed \"a\" with id 1"),
            (4, 8, "was pushed \"a\" with id 2"),
        ]);
        let scene = Scene { exhibits: lines.exhibits, argued: vec![2, 3] };
        let svg = play(&scene, &|client| client.0.to_string(), "list").unwrap().into_string();
        assert_eq!(svg.matches("event contra").count(), 2);
        assert_eq!(svg.matches("<circle").count(), 4);
        assert_eq!(svg.matches("class=\"rule\"").count(), 1);
    }

    fn svg_of(violation: &Violation) -> Option<String> {
        let name = |client: ClientId| format!("client {}", client.0);
        diagram(violation, &name, "list").map(Markup::into_string)
    }

    #[test]
    fn there_is_a_line_for_each_client_and_the_server_and_a_stone_for_each_event() {
        let svg = svg_of(&violation(&[
            (1_000, 3, "sent \"qz\" as key 7, attempt 1"),
            (2_000, 8, "was pushed \"qz\" with id 1"),
            (9_000_000, 8, "was pushed \"qz\" with id 2"),
        ]))
        .unwrap();
        assert_eq!(svg.matches("class=\"lane\"").count(), 2);
        assert_eq!(svg.matches("class=\"lane server\"").count(), 1);
        assert_eq!(svg.matches("<circle").count(), 3);
        assert_eq!(svg.matches("class=\"head\"").count(), 3);
        assert_eq!(svg.matches("event contra").count(), 1);
        assert!(svg.contains("+9.00 ms") && svg.contains("push qz 2"), "{svg}");
        assert!(svg.contains("two &lt;ids&gt;"));
    }

    #[test]
    fn a_crowd_or_nothing_is_not_drawn() {
        assert_eq!(svg_of(&violation(&[])), None);
        let crowd: Vec<_> = (0..20).map(|client| (1, client, "saw \"qz\"")).collect();
        assert_eq!(svg_of(&violation(&crowd)), None);
    }
}

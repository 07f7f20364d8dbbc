//! The places where charts are drawn: a title, a sentence, room for the drawing and for its table.

use crate::report::html::markup::{Markup, classed, element, text};

/// A chart's place.
pub(super) struct Figure {
    /// Its id, `chart-` in front.
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// What it shows.
    pub(super) says: &'static str,
    pub(super) is_wide: bool,
    /// It shows the latency that was chosen, and says which.
    pub(super) of_series: bool,
}

/// Some charts beside and below each other.
pub(super) fn charts(figures: &[Figure]) -> Markup {
    classed("div", "charts", figures.iter().map(figure))
}

fn figure(figure: &Figure) -> Markup {
    let id = format!("chart-{}", figure.id);
    let title_id = format!("{id}-title");
    let chosen = match figure.of_series {
        true => element("small", &[], [text(" of "), classed("span", "chosen", [])]),
        false => Markup::default(),
    };
    let title = element("h3", &[("id", &title_id)], [text(figure.title), chosen]);
    let says = element("p", &[], [text(figure.says)]);
    let summary = element("summary", &[], [text("As a table")]);
    let label = format!("Table: {}", figure.title);
    let room = element(
        "div",
        &[("class", "scroll"), ("role", "region"), ("tabindex", "0"), ("aria-label", &label)],
        [],
    );
    let class = if figure.is_wide { "chart wide" } else { "chart" };
    element(
        "figure",
        &[("class", class), ("id", &id), ("aria-labelledby", &title_id)],
        [
            element("figcaption", &[], [title, says]),
            classed("div", "legend", []),
            classed("div", "plot", []),
            classed("details", "numbers", [summary, room]),
        ],
    )
}

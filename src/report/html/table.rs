//! A table that a screen reader can walk: a caption, heads of columns, a head in each row.

use crate::report::html::markup::{Markup, classed, element, text};

/// What a column holds.
pub(in crate::report) struct Column {
    head: &'static str,
    class: &'static str,
    /// Its cells are the heads of their rows.
    is_head: bool,
}

impl Column {
    /// One sign.
    pub(in crate::report) const fn sign() -> Self {
        Self { head: "", class: "sign", is_head: false }
    }

    /// What the rows are about.
    pub(in crate::report) const fn head(head: &'static str) -> Self {
        Self { head, class: "", is_head: true }
    }

    /// A word or two.
    pub(in crate::report) const fn words(head: &'static str) -> Self {
        Self { head, class: "nowrap", is_head: false }
    }

    /// A figure.
    pub(in crate::report) const fn figures(head: &'static str) -> Self {
        Self { head, class: "figure", is_head: false }
    }

    /// A sentence.
    pub(in crate::report) const fn remark(head: &'static str) -> Self {
        Self { head, class: "remark", is_head: false }
    }
}

/// A table of these columns; `caption` is for who does not see where it stands.
pub(in crate::report) fn table(
    caption: &str,
    columns: &[Column],
    rows: impl IntoIterator<Item = Vec<Markup>>,
) -> Markup {
    table_of(caption, columns, rows.into_iter().map(|row| ("", row)))
}

/// The same, where rows have classes.
pub(in crate::report) fn table_of(
    caption: &str,
    columns: &[Column],
    rows: impl IntoIterator<Item = (&'static str, Vec<Markup>)>,
) -> Markup {
    let head = columns.iter().map(|column| match column.head {
        "" => element("td", &[], []),
        head => element("th", &[("scope", "col"), ("class", column.class)], [text(head)]),
    });
    let body = rows.into_iter().map(|(class, cells)| {
        let cells = columns.iter().zip(cells).map(|(column, cell)| match column.is_head {
            true => element("th", &[("scope", "row")], [cell]),
            false => classed("td", column.class, [cell]),
        });
        classed("tr", class, cells)
    });
    let table = element(
        "table",
        &[],
        [
            classed("caption", "unseen", [text(caption)]),
            element("thead", &[], [element("tr", &[], head)]),
            element("tbody", &[], body),
        ],
    );
    let label = format!("Table: {caption}");
    let attributes =
        [("class", "scroll"), ("role", "region"), ("tabindex", "0"), ("aria-label", &*label)];
    element("div", &attributes, [table])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_columns_have_heads() {
        let columns = [Column::sign(), Column::head("latency"), Column::figures("p50")];
        let rows = [vec![text("✓"), text("ack"), text("1 ms")]];
        let html = table("Latencies", &columns, rows).into_string();
        assert!(html.contains("<th scope=\"col\" class=\"figure\">p50</th>"), "{html}");
        assert!(html.contains("<th scope=\"row\">ack</th><td class=\"figure\">1 ms</td>"));
        assert!(html.contains("<caption class=\"unseen\">Latencies</caption>"));
    }
}

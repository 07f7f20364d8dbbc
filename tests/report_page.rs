//! The page of a report as a file: however hostile what a server said, and however long the run.

#[path = "support/pages.rs"]
mod pages;

use assize::outcome::Conformance;
use assize::outcome::conformance::{Case, End, SCHEMA};
use assize::report::{conformance, html};
use assize::verdict::{Severity, Standing};
use pages::HOSTILE;

/// What a page may weigh, whatever the run was.
const MOST: usize = 2_000_000;

/// It has the markup of the program, and none of a server.
fn is_inert(page: &str) {
    assert_eq!(page.matches("<script").count(), page.matches("</script>").count());
    assert!(page.matches("<script").count() <= 2);
    assert!(!page.contains("<img") && !page.contains("window.owned = 1</script>"));
    assert!(!page.contains('\u{202e}') && !page.contains('\u{7}'));
    // The data stands in a script, where nothing but the end of a script, or a comment, is understood.
    if let Some((_, data)) = page.split_once("id=\"figures\">") {
        let (data, _) = data.split_once("</script>").unwrap();
        assert!(!data.contains('<'));
        serde_json::from_str::<serde_json::Value>(data).unwrap();
    }
}

#[test]
fn a_hostile_text_stays_a_text() {
    let page = html::render(&pages::hostile());
    is_inert(&page);
    assert!(page.contains("&lt;/script&gt;&lt;script&gt;window.owned = 1&lt;/script&gt;"));
}

#[test]
fn a_hostile_case_stays_a_text() {
    let violation = pages::hostile().verdicts.remove(0).finding;
    let text = || HOSTILE.to_owned();
    let case = Case {
        name: text(),
        property: text(),
        says: text(),
        severity: Severity::Must,
        promised: true,
        promise: text(),
        source: text(),
        end: End::Judged(Standing::Fail),
        copies: 1,
        failed: 1,
        nanos: 0,
        finding: violation,
        also: Vec::new(),
        known: None,
        names: vec![(assize::history::ClientId(0), text())],
        again: text(),
        trace: vec![text()],
    };
    let run = Conformance {
        schema: SCHEMA,
        spec: text(),
        target: text(),
        cases: vec![case],
        notes: vec![text()],
        sources: pages::hostile().sources,
        ..Conformance::default()
    };
    let page = conformance::html::render(&run);
    is_inert(&page);
    assert!(page.contains("&lt;/script&gt;&lt;script&gt;window.owned = 1&lt;/script&gt;"));
}

#[test]
fn a_page_is_small_however_long_the_run() {
    let page = html::render(&pages::long());
    assert!(page.len() < MOST, "{} bytes", page.len());
    assert!(page.contains("more, some of each kind in report.json"));
    assert!(page.contains("It goes on; the whole is in the folder of the run."));
}

#[test]
fn a_page_of_a_whole_catalogue_that_fails_is_small() {
    let finding = pages::long().verdicts.remove(0).finding;
    let case = |number: usize| Case {
        name: format!("ordering/case-{number}"),
        property: "ordering".into(),
        says: "what the server must do, in a sentence of usual length, as the catalogue has it"
            .into(),
        severity: Severity::Must,
        promised: true,
        promise: "p".into(),
        source: "s".into(),
        end: End::Judged(Standing::Fail),
        copies: 1,
        failed: 1,
        nanos: 0,
        finding: finding.clone(),
        also: Vec::new(),
        known: None,
        names: Vec::new(),
        again: "assize conform".into(),
        trace: Vec::new(),
    };
    let run = Conformance { cases: (0..600).map(case).collect(), ..Conformance::default() };
    let page = conformance::html::render(&run);
    assert!(page.len() < MOST, "{} bytes", page.len());
    assert!(page.contains("more, in the list below and in report.json."));
}

#[test]
fn nothing_at_all_is_a_page_too() {
    let page = html::render(&pages::empty());
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    assert!(page.contains("No latency was measured.") && page.contains("Nothing was judged"));
}

//! The walls inside the crate: who may use whom, and what the pure layers may not touch.
//!
//! A module may use modules of its own layer and of earlier ones. Who adds a module adds it here.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The layers, lowest first.
const LAYERS: &[&[&str]] = &[
    &["scalar", "operation"],
    &["history", "verdict", "outcome"],
    &["source", "spec", "fault", "scenario"],
    &["plan", "wire", "dialect", "client", "property", "metric", "capacity", "comparison"],
    &["world", "transport"],
    &["engine", "reference"],
    &["conform", "explore"],
    &["report"],
    &["cli", "main"],
];

/// The modules that may know a runtime, a clock and randomness of their own.
const IMPURE: &[&str] =
    &["world", "transport", "engine", "reference", "conform", "explore", "cli", "main"];

/// What the others may not touch.
const FORBIDDEN: &[&str] =
    &["tokio::", "Instant::now", "SystemTime::now", "thread_rng", "rand::rng", "std::net::Tcp"];

/// Names that say nothing.
const EMPTY_NAMES: &[&str] = &["util", "utils", "common", "helper", "helpers", "manager", "misc"];

/// A source file: its path from the crate's root, the module at the top it belongs to, its text.
struct Source {
    path: String,
    module: String,
    text: String,
}

impl Source {
    /// The code by line, from 1, without comments.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let without_comment = |line| match line {
            (number, line) if is_comment(line) => (number, ""),
            (number, line) => (number, line.split(" // ").next().unwrap_or(line)),
        };
        self.text.lines().enumerate().map(|(n, line)| (n + 1, line)).map(without_comment)
    }
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn sources(folder: &str) -> Vec<Source> {
    let folder = root().join(folder);
    rust_files(&folder)
        .into_iter()
        .map(|path| {
            let inside = path.strip_prefix(&folder).unwrap();
            let first = inside.components().next().unwrap();
            let module = Path::new(first.as_os_str()).file_stem().unwrap();
            Source {
                path: path.strip_prefix(root()).unwrap().display().to_string(),
                module: module.to_str().unwrap().to_owned(),
                text: fs::read_to_string(&path).unwrap(),
            }
        })
        .collect()
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// The modules at the top that a file names, each with its line: `crate::a` and `crate::{a, b}`.
fn uses(source: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut code = String::new();
    let mut line_starts = Vec::new();
    for (number, line) in source.code() {
        line_starts.push((code.len(), number));
        code.push_str(line);
        code.push('\n');
    }
    for (start, path) in code.match_indices("crate::") {
        let line = line_starts.iter().rev().find(|(at, _)| *at <= start).unwrap().1;
        let is_own = !code[..start].ends_with(|c: char| c.is_alphanumeric() || "_$".contains(c));
        if is_own {
            let names = first_names(&code[start + path.len()..]);
            found.extend(names.into_iter().map(|name| (line, name)));
        }
    }
    found
}

/// The first segments of what stands behind `crate::`.
fn first_names(path: &str) -> Vec<String> {
    let name_of = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let Some(group) = path.strip_prefix('{') else {
        return vec![name_of(path)];
    };
    let mut names = vec![name_of(group)];
    let mut depth = 0;
    for (index, char) in group.char_indices() {
        match char {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(name_of(&group[index + 1..])),
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn report(complaints: &str) {
    assert!(complaints.is_empty(), "\n{complaints}");
}

#[test]
fn dependencies_point_downwards() {
    let mut complaints = String::new();
    for source in sources("src").iter().filter(|source| source.module != "lib") {
        let Some(own) = layer(&source.module) else {
            let _ = writeln!(complaints, "{}: its module is in no layer", source.path);
            continue;
        };
        for (line, used) in uses(source) {
            if layer(&used).is_some_and(|used| used > own) {
                let Source { path, module, .. } = source;
                let _ = writeln!(complaints, "{path}:{line}: `{module}` may not use `{used}`");
            }
        }
    }
    report(&complaints);
}

#[test]
fn pure_layers_take_time_and_randomness_as_arguments() {
    let mut complaints = String::new();
    for source in sources("src").iter().filter(|s| !IMPURE.contains(&s.module.as_str())) {
        for (line, code) in source.code() {
            for forbidden in FORBIDDEN.iter().filter(|forbidden| code.contains(**forbidden)) {
                let _ = writeln!(complaints, "{}:{line}: `{forbidden}`", source.path);
            }
        }
    }
    report(&complaints);
}

#[test]
fn every_file_says_what_it_is() {
    let mut complaints = String::new();
    for source in sources("src").iter().chain(&sources("tests")) {
        if !source.text.starts_with("//! ") {
            let _ = writeln!(complaints, "{}:1: no `//!` that says what it is", source.path);
        }
    }
    report(&complaints);
}

#[test]
fn no_module_has_an_empty_name() {
    let mut complaints = String::new();
    for source in sources("src") {
        let file = Path::new(&source.path);
        let names = file.with_extension("");
        let is_empty = |name: &std::ffi::OsStr| EMPTY_NAMES.iter().any(|empty| name == *empty);
        if names.iter().any(is_empty) {
            let _ = writeln!(complaints, "{}: the name says nothing", source.path);
        }
    }
    report(&complaints);
}

#[test]
fn the_walls_see_through_every_spelling() {
    let text = "//! x\nuse crate::cli;\nuse crate::{\n    history::{A, B}, outcome,\n};\n\
                // crate::report\nfn f() { other_crate::wire::x(); crate::spec::y() }\n";
    let source = Source { path: "x.rs".into(), module: "x".into(), text: text.into() };
    let expected = [(2, "cli"), (3, "history"), (3, "outcome"), (7, "spec")];
    assert_eq!(uses(&source), expected.map(|(line, name)| (line, name.to_owned())));
}

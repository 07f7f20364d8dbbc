//! Who people are to a server: accounts, tokens from a file, keys from a file or the environment;
//! and that nothing that proves who somebody is ever leaves the program.

#[path = "support/program.rs"]
mod program;
#[path = "support/tcp_server.rs"]
mod tcp_server;

use program::{Case, Ended, program};
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tcp_server::serve;

const TALK: &str = "phases:
  - connect: { lasts: 200ms, connect: 100% }
  - talk: { lasts: 800ms, send: 40/s in all, repeat: 20%, texts: { short: 100% } }
patience: 2s";

/// A spec like a bundled one, with something replaced.
fn like(case: &Case, spec: &str, name: &str, pairs: &[(&str, &str)]) -> String {
    let mut yaml = fs::read_to_string(format!("specs/{spec}.yaml")).unwrap();
    for (from, to) in
        pairs.iter().chain(&[(format!("name: {spec}").as_str(), format!("name: {name}").as_str())])
    {
        assert!(yaml.contains(from), "{from}");
        yaml = yaml.replace(from, to);
    }
    let path = case.path(&format!("{name}.yaml"));
    fs::write(&path, yaml).unwrap();
    path.to_str().unwrap().to_owned()
}

/// `callback-ack` with people from a file of so many rows.
fn listed(case: &Case, rows: usize) -> String {
    let rows: String =
        (0..rows).map(|row| format!("token-of-person-{row},{},x\n", 500 + row)).collect();
    fs::write(case.path("people.csv"), format!("token,user,region\n{rows}")).unwrap();
    let jwt = "    jwt: { algorithm: HS256, secret: { env: JWT_SECRET, default: assize-callback-ack }, claims: { userId: $user }, lives: 1h }";
    let file = "    file: { path: people.csv, columns: [user, token] }";
    like(case, "callback-ack", "listed", &[(jwt, file)])
}

fn passes(ended: &Ended, property: &str) -> bool {
    let mut lines = ended.stdout.lines();
    lines.any(|line| line.starts_with("✓") && line.contains(property))
}

#[test]
fn who_registers_and_logs_in_talks_with_a_cookie() {
    let ended = Case::new(TALK).run(&["--spec", "sessions"]).expect(0);
    for property in ["idempotency", "at-least-once"] {
        assert!(passes(&ended, property), "{}", ended.stdout);
    }
}

#[test]
fn who_registers_and_logs_in_by_messages_talks_and_comes_back() {
    let faults = "faults: [{ at: 500ms, for: 200ms, cut: { share: 50%, how: rst } }]";
    let case = Case::new(&format!("{TALK}\n{faults}"));
    let ended = case.run(&["--spec", "lobby"]).expect(0);
    for property in ["idempotency", "at-least-once", "no-loss-on-reconnect"] {
        assert!(passes(&ended, property), "{}", ended.stdout);
    }
    // On a server that runs already they are known from the last time, and simply log in.
    let told = conform("lobby", "authentication", &[]).expect(0);
    assert!(told.stdout.contains("5 cases passed"), "{}", told.stdout);
    for (bug, case) in [
        ("login-any-password", "authentication/wrong-password"),
        ("logout-forgotten", "authentication/after-logout"),
        ("resume-forgets", "no-loss-on-reconnect/one-away"),
    ] {
        let told = conform("lobby", case, &["--bug", bug]).expect(1);
        assert!(told.stdout.contains(&format!("{case}  failed")), "{}", told.stdout);
    }
}

#[test]
fn bad_tokens_in_a_first_message_are_told_from_good_ones() {
    let case = Case::new(TALK);
    let yaml = fs::read_to_string("specs/lobby.yaml").unwrap();
    let part = |from: &str, to: &str| &yaml[yaml.find(from).unwrap()..yaml.find(to).unwrap()];
    let people = "people:
  ids: { text: \"user-#\" }
  token:
    jwt: { algorithm: HS256, secret: { env: JWT_SECRET, default: x }, claims: { sub: $user } }

";
    let accounts = part("  # Before the first message", "  create:\n");
    let pairs = [(accounts, ""), (part("people:\n", "do:\n"), people)];
    let spec = like(&case, "lobby", "hello", &pairs);
    let told = conform(&spec, "authentication", &[]).expect(0);
    assert!(told.stdout.contains("16 cases passed"), "{}", told.stdout);
    for (bug, name) in [
        ("token-missing", "no-token"),
        ("token-garbage", "garbage-token"),
        ("token-expired", "expired-token"),
        ("token-late", "wrong-key"),
        ("token-wrong-error", "no-token"),
    ] {
        let case = format!("authentication/{name}");
        let told = conform(&spec, &case, &["--bug", bug]).expect(1);
        assert!(told.stdout.contains(&format!("{case}  failed")), "{}", told.stdout);
    }
}

fn conform(spec: &str, case: &str, more: &[&str]) -> Ended {
    let out = tempfile::tempdir().unwrap();
    let mut command = program();
    command.args(["conform", "--spec", spec, case]).args(more).arg("--out").arg(out.path());
    Ended::of(command.output().unwrap())
}

#[test]
fn a_first_message_that_lets_nobody_in_is_told_in_the_servers_words() {
    let case = Case::new(TALK);
    let pair = ("[hello, { token: $token, after: $cursor? }]", "[hello, { token: nobody }]");
    let spec = like(&case, "lobby", "nobody", &[pair]);
    let ended = case.run(&["--spec", &spec]).expect(69);
    assert!(ended.stderr.contains("the server refused the login"), "{}", ended.stderr);
    assert!(ended.stderr.contains("there is no token"), "{}", ended.stderr);
}

/// The private key of `signed-tokens`, and the spec with a file in its place.
fn signed_from(case: &Case, name: &str) -> (String, String) {
    let yaml = fs::read_to_string("specs/signed-tokens.yaml").unwrap();
    let at = yaml.find("        default: |").unwrap();
    let end = yaml.find("      claims:").unwrap();
    let key: String =
        yaml[at..end].lines().skip(1).map(|line| format!("{}\n", line.trim())).collect();
    let place = format!("        file: {name}.pem\n");
    let spec = like(case, "signed-tokens", name, &[(&yaml[at..end], &place)]);
    (spec, key)
}

#[test]
fn tokens_signed_with_a_key_from_a_file_let_in() {
    let case = Case::new(TALK);
    let (spec, key) = signed_from(&case, "filed");
    fs::write(case.path("filed.pem"), key).unwrap();
    let ended = case.run(&["--spec", &spec]).expect(0);
    assert!(passes(&ended, "idempotency"), "{}", ended.stdout);
}

#[test]
fn people_from_a_file_talk_if_they_are_enough() {
    let case = Case::new(TALK);
    let spec = listed(&case, 6);
    let ended = case.run(&["--spec", &spec]).expect(0);
    assert!(passes(&ended, "idempotency"), "{}", ended.stdout);
}

#[test]
fn a_file_with_too_few_people_is_told_before_with_both_figures() {
    let case = Case::new(TALK);
    let spec = listed(&case, 5);
    let ended = case.run(&["--spec", &spec]).expect(69);
    assert!(
        ended.stderr.contains("people.csv` has 5 people, and 6 are needed"),
        "{}",
        ended.stderr
    );
    let cases = ["conform", "--spec", &spec, "authentication/no-token"];
    let ended = Ended::of(program().args(cases).output().unwrap()).expect(0);
    assert!(ended.stdout.contains("1 case passed"), "{}", ended.stdout);
    let cases = ["conform", "--spec", &spec, "idempotency"];
    let ended = Ended::of(program().args(cases).output().unwrap()).expect(69);
    assert!(ended.stderr.contains("people.csv` has 5 people, and "), "{}", ended.stderr);
}

#[test]
fn a_file_with_too_few_people_to_play_cases_again_is_told_before() {
    let case = Case::new(TALK);
    let listed = |rows| {
        let spec = listed(&case, rows);
        conform(&spec, "presence/comes-online", &["--quiet"]).expect(0).stderr
    };
    let told = listed(4);
    assert!(
        told.contains("warning: the file has 4 people: 4 are needed, and up to 3 more"),
        "{told}"
    );
    assert_eq!(listed(7), "");
}

#[test]
fn a_key_that_is_missing_or_none_is_told_before() {
    let case = Case::new(TALK);
    let (none, _) = signed_from(&case, "none");
    let ended = case.run(&["--spec", &none]).expect(69);
    assert!(ended.stderr.contains("none.pem` cannot be read"), "{}", ended.stderr);
    fs::write(case.path("odd.pem"), "top-secret-but-no-key").unwrap();
    let (odd, _) = signed_from(&case, "odd");
    let ended = case.run(&["--spec", &odd]).expect(69);
    assert!(ended.stderr.contains("odd.pem` holds no private key for RS256"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("top-secret"), "{}", ended.stderr);
}

/// A server that hands out forms and answers whatever is sent with this; and how often it was asked.
fn turns_everybody_away(answer: &'static str) -> (String, Arc<AtomicUsize>) {
    const FORM: &str = "HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n{\"csrfToken\":\"abc\"}";
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let address = serve(move |mut stream| {
        let mut request = [0; 4096];
        while stream.read(&mut request).is_ok_and(|read| read > 0) {
            counted.fetch_add(1, Ordering::Relaxed);
            let answer = if request.starts_with(b"GET") { FORM } else { answer };
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (format!("http://{address}"), asked)
}

#[test]
fn a_login_that_fails_names_the_user_and_the_step_and_ends_the_run_at_once() {
    let no =
        "HTTP/1.1 401 Unauthorized\r\nContent-Length: 26\r\n\r\n{\"error\":\"no such person\"}";
    let (url, asked) = turns_everybody_away(no);
    let case = Case::of("people: { count: 600 }\nconversations: { pairs: 300 }", TALK);
    let ended = case.run(&["--spec", "sessions", "--target", &url]).expect(69);
    let told = "`visitor-0` cannot register: step 2 of 2, `POST /api/accounts`: the server refused: \
        status 401 no such person";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
    assert!(asked.load(Ordering::Relaxed) < 20, "600 people would ask more often");
}

/// Everything that lies in a folder, as text.
fn everything(folder: &Path, all: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            everything(&path, all);
        } else {
            all.push_str(&String::from_utf8_lossy(&fs::read(&path).unwrap()));
        }
    }
}

/// None of this is in what a run and a run of the catalogue print and write; hands back all that is.
#[track_caller]
fn nowhere(spec: &str, bugs: &str, environment: (&str, &str), secrets: &[&str]) -> String {
    let case = Case::new(TALK);
    let reports = case.path("reports");
    let reports = reports.to_str().unwrap();
    let mut conform = program();
    conform.args(["conform", "--spec", spec, "--bug", bugs, "--trace", "--out", reports]);
    conform.args(["authentication", "idempotency/at-once-on-two-devices", "engine-io"]);
    conform.arg("socket-io");
    let mut run = case.command(&["--spec", spec, "--bug", bugs]);
    let mut all = String::new();
    for command in [&mut conform, &mut run] {
        let ended = Ended::of(command.env(environment.0, environment.1).output().unwrap());
        assert!(ended.code <= 5, "{}\n{}", ended.stdout, ended.stderr);
        all.push_str(&ended.stdout);
        all.push_str(&ended.stderr);
    }
    everything(Path::new(reports), &mut all);
    assert!(all.contains("shard-0") || all.contains("\"schema\""), "something was written");
    for secret in secrets {
        if let Some(at) = all.find(secret) {
            let line = all[..at].lines().last().unwrap_or_default().to_owned();
            panic!("`{secret}` stands after `{line}`");
        }
    }
    all
}

#[test]
fn no_secret_and_no_minted_token_is_printed_or_written() {
    // Each token begins so: a header in JSON.
    let secrets = ["a-secret-of-the-environment", "eyJ"];
    let all = nowhere("callback-ack", "token-wrong-error", ("JWT_SECRET", secrets[0]), &secrets);
    assert!(all.contains("•••"), "what was masked is marked");
}

#[test]
fn no_password_is_printed_or_written() {
    nowhere("sessions", "csrf-unchecked", ("UNUSED", ""), &["Aa1-"]);
}

//! A server that is not the spec's is told at once: which operation failed, and what came instead.

#[path = "support/program.rs"]
#[expect(dead_code, reason = "runs of scenarios belong to other tests")]
mod program;

use assize::reference::{Hosted, Options};
use assize::{property, spec};
use program::{Ended, program};
use std::sync::Arc;

const SYSTEMS: [&str; 5] = ["event-reply", "callback-ack", "broadcast", "rest-first", "sequenced"];
/// Where each spec finds the secret of its tokens.
const SECRET: (&str, &str) = ("JWT_SECRET", "one-secret-for-all-of-them");

/// The embedded server of a spec, whose tokens have the same secret as those of all others.
fn serve(name: &str) -> Hosted {
    let path = format!("specs/{name}.yaml");
    let yaml = std::fs::read_to_string(&path).unwrap();
    let mut spec = spec::load(&path, &yaml, &property::ids()).unwrap().spec;
    if let spec::TokenSource::Jwt { secret, .. } = &mut spec.people.token {
        (secret.variable, secret.default) = (None, Some(SECRET.1.into()));
    }
    Hosted::start(Arc::new(spec), Options::default(), 1).unwrap()
}

/// The program with the secret that all share.
fn with_secret(arguments: &[&str]) -> Ended {
    let mut command = program();
    command.args(arguments).envs([SECRET, ("JWT_SECRET_KEY", SECRET.1)]);
    Ended::of(command.output().unwrap())
}

fn conform(spec: &str, url: &str) -> Ended {
    let case = "idempotency/at-once-on-two-devices";
    with_secret(&["conform", "-q", "--spec", spec, "--target", url, case])
}

/// It was told before anything was judged: what failed, and what to do.
#[track_caller]
fn told(ended: &Ended, what: &[&str]) {
    let Ended { code, stdout, stderr } = ended;
    let named = what.iter().any(|word| stderr.contains(word));
    assert!(*code == 69 && named && stderr.contains("hint: "), "{code}\n{stdout}\n{stderr}");
    assert_eq!(stdout, "");
}

#[test]
fn each_system_is_told_from_each_other() {
    for (index, served) in SYSTEMS.into_iter().enumerate() {
        let server = serve(served);
        for spec in SYSTEMS.into_iter().filter(|spec| *spec != served) {
            // At the door already, or with the first conversation.
            let ended = conform(spec, server.url());
            told(&ended, &["namespace `/` refused: `", "a conversation could not be made: "]);
        }
        let ended = conform(served, server.url());
        assert!(ended.code <= 4, "{served} on itself: {}\n{}", ended.code, ended.stderr);
        let next = SYSTEMS[(index + 1) % SYSTEMS.len()];
        let reports = tempfile::tempdir().unwrap();
        let out = reports.path().to_str().unwrap();
        let run = ["run", "trial", "--spec", next, "--target", server.url(), "-q", "--out", out];
        let ended = with_secret(&run);
        told(&ended, &["namespace `/` refused: `", "a conversation could not be made: "]);
    }
}

/// `callback-ack` with something replaced, as a file in this folder.
fn altered(folder: &tempfile::TempDir, from: &str, to: &str) -> String {
    let yaml = std::fs::read_to_string("specs/callback-ack.yaml").unwrap();
    assert!(yaml.contains(from));
    let yaml = yaml.replace(from, to).replace("name: callback-ack", "name: altered");
    let path = folder.path().join("altered.yaml");
    std::fs::write(&path, yaml).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_send_that_nothing_answers_is_told_with_what_was_sent() {
    let server = serve("callback-ack");
    let folder = tempfile::tempdir().unwrap();
    let spec = altered(&folder, "\"message:send\"", "\"message:post\"");
    let ended = conform(&spec, server.url());
    told(&ended, &["nothing that it says answers `send`"]);
    assert!(ended.stderr.contains("ann → 42"), "{}", ended.stderr);
    assert!(ended.stderr.contains("message:post"), "{}", ended.stderr);
    assert!(ended.stderr.contains("and nothing came back"), "{}", ended.stderr);
}

#[test]
fn an_answer_of_another_shape_alone_is_for_the_judges() {
    let server = serve("callback-ack");
    let folder = tempfile::tempdir().unwrap();
    let spec = altered(&folder, "messageId: $message }]\n    nack", "id: $message }]\n    nack");
    // What is sent arrives, and is pushed: it is this server, with a fault.
    let ended = conform(&spec, server.url());
    assert!(ended.code <= 5 && !ended.stdout.is_empty(), "{}\n{}", ended.code, ended.stderr);
}

/// The lines of a run of these cases that speak of the case and of what came.
fn without_list(server: &Hosted, refusal: &str, more: &[(&str, &str)]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let yaml = std::fs::read_to_string("specs/callback-ack.yaml").unwrap();
    let list = "get: /api/conversations\n    ok: { 200: { conversations: [{ id: $conversation }, ...] } }\n    fail: { 400-499: { error: $error } }";
    let nowhere = list.replace("/api/conversations", "/nowhere").replace("error: $error", refusal);
    assert!(yaml.contains(list));
    let mut yaml = yaml.replace(list, &nowhere).replace("name: callback-ack", "name: altered");
    more.iter().for_each(|(from, to)| yaml = yaml.replace(from, to));
    let path = folder.path().join("altered.yaml");
    std::fs::write(&path, yaml).unwrap();
    let cases = ["conversation-identity/both-at-once", "idempotency/at-once-on-two-devices"];
    let path = path.to_str().unwrap();
    with_secret(
        &[&["conform", "-q", "--spec", path, "--target", server.url()], &cases[..]].concat(),
    )
}

#[test]
fn an_operation_that_the_server_lacks_is_not_supported_or_fails_as_the_spec_promises() {
    let server = serve("callback-ack");
    // Its 404 is no answer of the spec's, or a refusal.
    for (refusal, came) in [("no: $error", "status 404"), ("error: $error", "the refusal `")] {
        let ended = without_list(&server, refusal, &[]).expect(0);
        assert!(ended.stdout.contains("1 case passed"), "{}", ended.stdout);
        let folded = "neither promised nor supported: conversation-identity";
        assert!(ended.stdout.contains(folded), "{}", ended.stdout);
        let promise =
            "promise:\n  conversation-identity: { says: One conversation for two., source: test }";
        let ended = without_list(&server, refusal, &[("promise:", promise)]).expect(1);
        assert!(ended.stdout.contains("the server has no `list`: "), "{}", ended.stdout);
        assert!(ended.stdout.contains(came), "{}", ended.stdout);
    }
}

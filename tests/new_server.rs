//! The way of a server that nobody has a spec for: `init` writes one, `trace` says where it differs.

#[path = "support/program.rs"]
#[expect(dead_code, reason = "runs of scenarios belong to other tests")]
mod program;
#[path = "support/served.rs"]
mod served;

use program::{Ended, program};
use served::Served;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

fn ended(folder: &Path, arguments: &[&str]) -> Ended {
    Ended::of(program().current_dir(folder).args(arguments).output().unwrap())
}

#[test]
fn a_spec_is_written_once_and_plays() {
    let folder = tempfile::tempdir().unwrap();
    let written = ended(folder.path(), &["init", "mine", "--yes"]).expect(0);
    assert!(written.stderr.contains("wrote specs/mine.yaml"), "{}", written.stderr);
    assert!(ended(folder.path(), &["lint"]).expect(0).stderr.contains("1 file without a mistake"));
    let again = ended(folder.path(), &["init", "mine", "--yes"]).expect(64);
    assert!(again.stderr.contains("`--force`"), "{}", again.stderr);
    let traced = ended(folder.path(), &["trace", "--spec", "mine"]).expect(0);
    assert!(traced.stdout.contains("steps went as the spec says"), "{}", traced.stdout);
    // What the harness sees and what it makes of it stand together.
    assert!(traced.stdout.contains("= yes to `send`: $message 1"), "{}", traced.stdout);
}

#[test]
fn answers_that_make_no_spec_are_shown_and_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = ["init", "mine", "--yes", "--set", "send=emit: [say, $txt]"];
    let told = ended(folder.path(), &wrong).expect(65).stderr;
    assert!(told.contains("did you mean `$text`?"), "{told}");
    assert!(!folder.path().join("specs").exists());
    let unknown = ["init", "mine", "--yes", "--set", "tokn=-"];
    assert!(ended(folder.path(), &unknown).expect(64).stderr.contains("`token`"));
}

#[test]
fn a_shape_that_does_not_match_is_told_with_its_place() {
    let served = Served::start();
    let folder = tempfile::tempdir().unwrap();
    let spec = fs::read_to_string("specs/callback-ack.yaml").unwrap();
    let spec = spec.replace(
        "ack: [{ success: true, messageId: $message }]",
        "ack: [{ ok: true, messageId: $message }]",
    );
    fs::write(folder.path().join("other.yaml"), spec).unwrap();
    let arguments =
        ["trace", "--spec", "other.yaml", "--patience", "1", "--target", served.url.as_str()];
    let told = ended(folder.path(), &arguments).expect(1).stdout;
    assert!(told.contains("✗ ann says something"), "{told}");
    assert!(told.contains("at `/0/ok` expected `true`, found nothing"), "{told}");
    assert!(told.contains("✓ bob sees it"), "what is pushed fits: {told}");
}

/// The server of docs/add-your-server.md, which ends with its value.
struct Parlour(Child, String);

impl Parlour {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new("node");
        command.arg("servers/parlour/server.js").args(arguments).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim_end().strip_prefix("listening on ").unwrap().to_owned();
        Self(child, url)
    }
}

impl Drop for Parlour {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The answers of the documents' walk.
const PARLOUR: &[&str] = &[
    "about=Socket.IO, callbacks with an error first, everything in memory.",
    "token=auth: { nick: $user }",
    "ids={ text: \"guest-#\" }",
    "create=emit: [open, $members], ack: [null, { room: $conversation }], nack: [$error]",
    "join=-",
    "send=emit: [say, $conversation, { body: $text, nonce: $key }], ack: [null, { id: $message, ts: $at }], nack: [$error]",
    "message=[said, { id: $message, room: $conversation, by: $sender, body: $text, nonce: $key?, ts: $at }]",
    "history=emit: [log, $conversation, $since?], ack: [null, [{ id: $message, by: $sender, body: $text, nonce: $key?, ts: $at }, ...]], nack: [$error]",
    "typing=-",
];

#[test]
fn the_walk_of_the_documents_finds_the_bugs_and_their_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut init = vec!["init", "parlour", "--yes"];
    init.extend(PARLOUR.iter().flat_map(|answer| ["--set", *answer]));
    ended(folder.path(), &init).expect(0);
    let cases = ["idempotency/at-once-on-two-devices", "idempotency/twice-in-a-row"];
    let conform = ["conform", "--spec", "parlour", "-q", "--target"];
    let (bad, good) = (Parlour::start(&[]), Parlour::start(&["--fixed"]));
    ended(folder.path(), &["trace", "--spec", "parlour", "--target", &bad.1]).expect(0);
    let found = ended(folder.path(), &[&conform[..], &[&bad.1], &cases].concat()).expect(1);
    assert!(found.stdout.contains("one message is known by the ids"), "{}", found.stdout);
    ended(folder.path(), &[&conform[..], &[&good.1], &cases].concat()).expect(0);
}

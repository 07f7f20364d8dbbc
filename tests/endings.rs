//! Runs that end early or badly: in every stage they end in order, and nothing is left running.

#[path = "support/live.rs"]
mod live;
#[path = "support/program.rs"]
mod program;
#[path = "support/tcp_server.rs"]
mod tcp_server;

use live::Live;
use program::{Case, Ended, program};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use std::fs;
use std::io::{BufRead, BufReader, Read, copy};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use tcp_server::serve;

const ENDLESS: &str = "phases:
  - connect: { lasts: 100ms, connect: 100% }
  - talk: { lasts: 1h, send: 40/s in all, repeat: 30%, texts: { short: 100% } }";

/// Talk after which nobody comes to rest: the acks are withheld.
const RESTLESS: &str = "phases:
  - connect: { lasts: 100ms, connect: 100% }
  - talk: { lasts: 500ms, send: 40/s in all, texts: { short: 100% } }
faults: [{ at: 200ms, for: 1s, withhold-acks: { share: 100% } }]";

/// The reference server as a process of its own, and its URL.
struct Served {
    child: Child,
    url: String,
}

impl Served {
    fn start(arguments: &[&str]) -> Self {
        let mut command = program();
        command.args(["serve", "--spec", "callback-ack"]).args(arguments);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim_end().strip_prefix("listening on ").unwrap().to_owned();
        Self { child, url }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn serve_serves_until_it_is_asked_to_stop() {
    for signal in [Signal::INT, Signal::TERM] {
        let mut served = Served::start(&["--bug", "dedup-off"]);
        let case = Case::new(&ENDLESS.replace("1h", "500ms"));
        case.run(&["--target", &served.url]).expect(1);
        served.signal(signal);
        assert_eq!(served.child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn serve_says_why_it_cannot() {
    let served = Served::start(&[]);
    let (_, port) = served.url.rsplit_once(':').unwrap();
    for (arguments, code, told) in [
        (["--port", port], 69, "hint: `--port 0` takes any free port"),
        (["--bug", "dedup-of"], 64, "hint: did you mean `dedup-off`?"),
        (["--data", "/none/chat.db"], 65, "error: `/none/chat.db`: "),
        (["--spec", "none"], 65, "hint: `specs` has actionhero, broadcast, callback-ack"),
    ] {
        let mut command = program();
        command.arg("serve").args(arguments);
        if arguments[0] != "--spec" {
            command.args(["--spec", "callback-ack"]);
        }
        let ended = Ended::of(command.output().unwrap()).expect(code);
        assert!(ended.stderr.contains(told), "{}", ended.stderr);
    }
}

/// Only the first connection gets through; on the others nobody answers.
fn deaf_after_the_first(server: &str) -> SocketAddr {
    let server: SocketAddr = server.strip_prefix("http://").unwrap().parse().unwrap();
    let count = AtomicUsize::new(0);
    serve(move |mut client| {
        if count.fetch_add(1, Ordering::Relaxed) > 0 {
            let _ = client.read_to_end(&mut Vec::new());
            return;
        }
        let mut server = TcpStream::connect(server).unwrap();
        let (mut up, mut asked) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        std::thread::spawn(move || copy(&mut asked, &mut up));
        let _ = copy(&mut server, &mut client);
    })
}

#[test]
fn an_interrupted_rehearsal_has_nothing_to_judge() {
    let served = Served::start(&[]);
    let target = format!("http://{}", deaf_after_the_first(&served.url));
    let case = Case::new(ENDLESS);
    let mut run = Live::start(&mut case.command(&["--target", &target]));
    run.wait_for(" rehearsal ");
    run.signal(Signal::INT);
    let ended = run.end().expect(130);
    assert!(ended.stderr.contains("interrupted before the first phase"), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
}

#[test]
fn an_interrupted_first_connection_does_not_wait_for_its_timeout() {
    let (accepted, seen) = std::sync::mpsc::channel();
    let address = serve(move |mut stream| {
        let _ = accepted.send(());
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let case = Case::new(ENDLESS);
    let run = Live::start(&mut case.command(&["--target", &format!("http://{address}")]));
    seen.recv().unwrap();
    run.signal(Signal::TERM);
    run.end().expect(130);
}

#[test]
fn an_interrupted_recovery_is_judged() {
    let case = Case::new(&format!("{RESTLESS}\npatience: 1h"));
    let mut run = Live::start(&mut case.command(&["--shards", "2"]));
    run.wait_for(" recovery ");
    run.signal(Signal::INT);
    let ended = run.end().expect(130);
    assert!(ended.stdout.contains("interrupted in phase `recovery`"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("patience"), "{}", ended.stdout);
}

#[test]
fn an_interrupted_final_read_is_judged() {
    // The server is stopped while it lives, so that nothing comes to its end.
    let served = Served::start(&[]);
    let case = Case::new(&format!("{RESTLESS}\npatience: 3s"));
    let mut run = Live::start(&mut case.command(&["--target", &served.url]));
    run.wait_for(" recovery ");
    served.signal(Signal::STOP);
    run.wait_for(" final-read ");
    run.signal(Signal::INT);
    let ended = run.end().expect(130);
    assert!(ended.stdout.contains("interrupted in phase `final-read`"), "{}", ended.stdout);
}

#[test]
fn a_server_that_dies_under_way_does_not_take_the_run_along() {
    let served = Served::start(&[]);
    let case = Case::new(&format!("{RESTLESS}\npatience: 500ms"));
    let mut run = Live::start(&mut case.command(&["--target", &served.url]));
    run.wait_for(" talk ");
    served.signal(Signal::KILL);
    let ended = run.end().expect(3);
    assert!(ended.stdout.contains("no connection: connection to 127.0.0.1"), "{}", ended.stdout);
    assert!(ended.stdout.contains("had not come to rest"), "{}", ended.stdout);
}

#[test]
fn a_server_that_dies_at_load_is_a_result_with_its_second_and_what_was_under_way() {
    let served = Served::start(&[]);
    let case = Case::new(
        "phases:
  - connect: { lasts: 1200ms, connect: 100% }
  - talk: { lasts: 3s, send: 40/s in all, texts: { short: 100% } }
patience: 500ms",
    );
    let mut run = Live::start(&mut case.command(&["--target", &served.url]));
    run.wait_for(" talk ");
    served.signal(Signal::KILL);
    let ended = run.end();
    assert!([3, 5].contains(&ended.code), "in doubt, or too busy to tell: {ended:?}");
    let told = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("the server went away in phase `talk`, between"), "{told}");
    assert!(told.contains("the last of 6 connections was lost, and none came back"), "{told}");
    assert!(told.contains("more found nobody"), "{told}");
}

/// A scenario that launches this script, in which `$SERVE` serves. It leaves ids in files.
fn launched(rest: &str, script: &str) -> Case {
    let case = Case::new("");
    let serve = format!("'{}' serve --spec callback-ack", env!("CARGO_BIN_EXE_assize"));
    let script =
        script.replace("$SERVE", &serve).replace("$IDS", &case.path("id").display().to_string());
    let yaml = fs::read_to_string(case.path("tiny.yaml")).unwrap();
    let launch = format!(
        "launch:\n  command: [sh, -c, \"{script}\"]\n  ready: {{ line: \"listening on \" }}\n  \
         stop-within: 1h\n"
    );
    fs::write(case.path("tiny.yaml"), format!("{yaml}{rest}\n{launch}")).unwrap();
    case
}

fn id(case: &Case) -> Pid {
    let id = fs::read_to_string(case.path("id")).unwrap();
    Pid::from_raw(id.trim().parse().unwrap()).unwrap()
}

/// It runs no more, or will not for long: who was killed may outlive its killer by a moment. A dead process that
/// nobody has buried yet counts as gone.
fn is_gone(id: Pid) -> bool {
    let Ok(process) = pidfd_open(id, PidfdFlags::empty()) else { return true };
    let patience = Timespec { tv_sec: 30, tv_nsec: 0 };
    poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&patience)).unwrap() == 1
}

#[test]
fn a_launched_server_that_dies_is_told_with_its_last_words() {
    let case = launched(
        &format!("{RESTLESS}\npatience: 500ms"),
        "echo disk is almost full; echo $$ > $IDS; exec $SERVE",
    );
    let mut run = Live::start(&mut case.command(&[]));
    run.wait_for(" talk ");
    kill_process(id(&case), Signal::KILL).unwrap();
    let ended = run.end().expect(3);
    let told = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("ended by itself: signal: 9 (SIGKILL)"), "{}", ended.stdout);
    assert!(told.contains("it said last: disk is almost full / listening on"), "{}", ended.stdout);
}

#[test]
fn a_server_that_does_not_start_is_told_with_its_last_words() {
    let ended = launched(ENDLESS, "echo no database >&2; exit 3").run(&[]).expect(69);
    assert!(ended.stderr.contains("before it"), "{}", ended.stderr);
    assert!(ended.stderr.contains("hint: it said last: no database"), "{}", ended.stderr);
}

#[test]
fn nothing_of_a_launched_server_is_left_after_a_signal() {
    // The shell is the one that was launched; the server is its child.
    let case = launched(ENDLESS, "$SERVE & echo $! > $IDS; wait");
    let mut run = Live::start(&mut case.command(&[]));
    run.wait_for(" talk ");
    run.signal(Signal::TERM);
    run.end().expect(130);
    assert!(is_gone(id(&case)));
}

#[test]
fn a_second_signal_ends_at_once_even_with_a_server_that_does_not_want_to() {
    let case = launched(ENDLESS, "$SERVE & trap '' TERM; echo $$ > $IDS; exec tail -f /dev/null");
    let mut run = Live::start(&mut case.command(&[]));
    run.wait_for(" talk ");
    run.signal(Signal::INT);
    run.wait_for("stopping");
    run.signal(Signal::INT);
    let ended = run.end().expect(130);
    assert!(ended.stderr.contains("stopped at once; nothing was judged"), "{}", ended.stderr);
    assert!(is_gone(id(&case)));
}

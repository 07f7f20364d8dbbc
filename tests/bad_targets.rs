//! Targets that are none, or turn bad: each ends with a clear word, and none takes the run down.

#[path = "support/meddler.rs"]
mod meddler;
#[path = "support/program.rs"]
mod program;
#[path = "support/tcp_server.rs"]
mod tcp_server;

use assize::reference::{Hosted, Options};
use assize::verdict::Standing;
use assize::{property, report, spec};
use meddler::text;
use program::{Case, Ended};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use tcp_server::serve;

const SPEC: &str = include_str!("../specs/callback-ack.yaml");

const TALK: &str = "phases:
  - connect: { lasts: 200ms, connect: 100% }
  - talk: { lasts: 800ms, send: 40/s in all, repeat: 20%, texts: { short: 100% } }
patience: 1s";

/// An honest server in this process.
fn honest() -> (Hosted, SocketAddr) {
    let spec = spec::load("callback-ack.yaml", SPEC, &property::ids()).unwrap().spec;
    let hosted = Hosted::start(Arc::new(spec), Options::default(), 1).unwrap();
    let address = hosted.url().strip_prefix("http://").unwrap().parse().unwrap();
    (hosted, address)
}

/// It cannot be tried, and that is said with a hint.
#[track_caller]
fn unreachable(target: &str, arguments: &[&str], told: &str, hint: &str) {
    let case = Case::new(TALK);
    let ended = case.run(&[&["--target", target], arguments].concat()).expect(69);
    assert!(ended.stderr.contains(&format!("error: `{target}`: ")), "{}", ended.stderr);
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
    assert!(ended.stderr.contains(&format!("hint: {hint}")), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
}

/// Reads a request, and answers with this status and body.
fn says(status: &'static str, body: &'static str) -> String {
    let address = serve(move |mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let length = body.len();
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}");
        let _ = stream.write_all(answer.as_bytes());
        let _ = stream.read_to_end(&mut Vec::new());
    });
    format!("http://{address}")
}

#[test]
fn one_that_never_answers() {
    let address = serve(|mut stream| {
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let case = Case::new(TALK);
    let impatient = case.path("impatient.yaml");
    let yaml = SPEC.replace("timeout: 10s", "timeout: 300ms");
    fs::write(&impatient, yaml.replace("name: callback-ack", "name: impatient")).unwrap();
    unreachable(
        &format!("http://{address}"),
        &["--spec", impatient.to_str().unwrap()],
        "timed out after 300 ms while waiting for the HTTP response",
        "the server accepts connections but does not answer",
    );
}

#[test]
fn ones_that_speak_something_else() {
    let ssh = serve(|mut stream| {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.6\r\n");
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let told = "does not speak HTTP, it begins with `SSH-2.0-OpenSSH";
    unreachable(&format!("http://{ssh}"), &[], told, "this port does not speak HTTP");
    let missing = says("404 Not Found", "No such");
    unreachable(&missing, &[], "with 404: `No such`", "check the path");
    let page = says("200 OK", "<html>Welcome!</html>");
    unreachable(&page, &[], "with 200: `<html>Welcome!</html>`", "check the path");
    let polled = "the server does not speak Socket.IO";
    unreachable(&page, &["--transport", "polling"], polled, "check the path");
}

#[test]
fn one_that_closes_in_the_handshake() {
    let address = serve(|mut stream| {
        let _ = stream.read(&mut [0; 4096]);
    });
    let told = "closed the connection while waiting for the HTTP response";
    unreachable(&format!("http://{address}"), &[], told, "the server may speak TLS");
}

#[test]
fn one_of_an_older_socket_io() {
    let open =
        "71:0{\"sid\":\"x\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":500000000}2:40";
    let old = says("200 OK", open);
    let told = "the server speaks Engine.IO 3";
    unreachable(&old, &["--transport", "polling"], told, "a Socket.IO server of version 2");
}

#[test]
fn tls_that_is_none_and_tls_that_is_not_trusted() {
    let (_server, address) = honest();
    let secure = format!("https://{address}");
    unreachable(&secure, &[], "TLS", "check the certificate and the host's name, or whether");

    let certificate =
        CertificateDer::from_pem_slice(include_bytes!("../src/transport/tests/localhost.pem"));
    let key =
        PrivateKeyDer::from_pem_slice(include_bytes!("../src/transport/tests/localhost.key.pem"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.unwrap()], key.unwrap())
        .unwrap();
    let config = Arc::new(config);
    let tls = serve(move |mut stream| {
        let mut session = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
        while session.complete_io(&mut stream).is_ok_and(|(read, _)| read > 0) {}
    });
    let port = tls.port();
    let told = "TLS failed: ";
    unreachable(&format!("https://localhost:{port}"), &[], told, "check the certificate");
    let told = "the server does not speak HTTP";
    unreachable(&format!("http://localhost:{port}"), &[], told, "this port does not speak HTTP");
}

#[test]
fn a_secret_that_the_server_does_not_know() {
    let (_server, address) = honest();
    let case = Case::new(TALK);
    let target = format!("http://{address}");
    let mut command = case.command(&["--target", &target]);
    let ended = Ended::of(command.env("JWT_SECRET", "wrong").output().unwrap()).expect(69);
    let told = "namespace `/` refused: `{\"message\":\"Invalid or expired token\"}`";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
    assert!(ended.stderr.contains("hint: check the token and the namespace"), "{}", ended.stderr);
}

/// Runs through a proxy that meddles, and reads the report. Memory stays within bounds.
fn meddled(
    meddle: impl Fn(&mut TcpStream, usize) -> io::Result<()> + Send + Sync + 'static,
) -> (Case, Ended, assize::outcome::Outcome) {
    let (server, address) = honest();
    let proxy = meddler::before(address, meddle);
    let case = Case::new(TALK);
    let target = format!("http://{proxy}");
    let ended = Ended::of(case.command(&["--target", &target]).output().unwrap());
    drop(server);
    let text = fs::read_to_string(case.path("reports/latest/report.json")).unwrap();
    let outcome = report::json::parse(&text).unwrap();
    assert!(outcome.generator.peak_rss < 400 << 20, "{} bytes", outcome.generator.peak_rss);
    assert!(ended.stdout.contains("ack-timeout"), "{}", ended.stdout);
    (case, ended, outcome)
}

fn history(case: &Case) -> String {
    let files = fs::read_dir(case.path("reports/latest/history")).unwrap();
    files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect()
}

#[test]
fn one_that_turns_to_garbage_is_told_and_judged_all_the_same() {
    let (case, ended, outcome) = meddled(|client, number| {
        if number > 2 {
            for garbage in ["42[\"message:new\",{", "99", "4", "43999[{\"success\":true}]"] {
                client.write_all(&text(garbage))?;
            }
            client.write_all(&text("42[\"message:new\",{\"id\":\"no fields\"}]"))?;
            client.write_all(&text("42[\"no:such:event\",[[[[]]]]]"))?;
        }
        Ok(())
    });
    assert!(outcome.notes.iter().any(|note| note.contains("an ack that answers nothing")));
    assert!(ended.stdout.contains("garbage "), "{}", ended.stdout);
    assert!(history(&case).contains("\"garbage\""));
    ended.expect(0);
}

#[test]
fn one_that_sends_huge_frames_is_survived() {
    let (_case, ended, outcome) = meddled(|client, number| {
        if number == 4 {
            client.write_all(&text(&format!("42[\"huge\",\"{}\"]", "x".repeat(3 << 20))))?;
            // The head of a frame of 64 MiB, and more of it as long as it is taken.
            client.write_all(&[0x81, 127, 0, 0, 0, 0, 4, 0, 0, 0])?;
            loop {
                client.write_all(&[b'x'; 1 << 16])?;
            }
        }
        Ok(())
    });
    // Each such frame ends its connection; what was under way on it is in doubt.
    assert!([0, 3].contains(&ended.code), "{}", ended.stdout);
    let told = |note: &&String| note.contains("connection lost: ") && note.contains("the limit is");
    assert!(outcome.notes.iter().any(|note| told(&note)), "{}", ended.stdout);
}

#[test]
fn one_that_never_stops_talking_is_survived() {
    let (_case, ended, outcome) = meddled(|client, number| {
        if number != 4 {
            return Ok(());
        }
        let mut id = 1_000_000_000;
        loop {
            let events = (0..100).map(|_| {
                id += 1;
                text(&format!(
                    "42[\"message:new\",{{\"id\":{id},\"conversationId\":1,\"senderId\":1,\"text\":\"on\",\
                     \"createdAt\":\"2026-01-01T00:00:00.000Z\"}}]"
                ))
            });
            client.write_all(&events.collect::<Vec<_>>().concat())?;
        }
    });
    // Who must read all that has no time for the plan, and says so. To a client who is not in that
    // conversation it is a leak, and whoever hears it never hears who comes; nothing else is broken.
    assert!([1, 3, 5].contains(&ended.code), "{}", ended.stdout);
    let broken = outcome.verdicts.iter().filter(|verdict| verdict.standing == Standing::Fail);
    let broken: Vec<_> = broken.map(|verdict| verdict.property.as_str()).collect();
    assert!(broken.iter().all(|id| ["authorization", "presence"].contains(id)), "{broken:?}");
    let deliveries = outcome.counts.iter().find(|(name, _)| name == "deliveries");
    assert!(deliveries.is_some_and(|(_, number)| *number > 1_000), "{}", ended.stdout);
}

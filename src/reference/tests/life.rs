//! Restarts, halts and closes: what was acked outlives them.

use super::*;

#[tokio::test]
async fn a_restart_ends_connections_and_keeps_what_was_acked() {
    let folder = tempfile::tempdir().unwrap();
    let file = Some(folder.path().join("chat.db"));
    let options = Options { file, ..Options::default() };
    let mut server = Hosted::start(spec(), options, 1).unwrap();
    let place = create(&server, &[1, 2]).await;
    let mut ann = Client::connect(&server, 1).await;
    let first = ann.send(&place, "before", "k").await;
    let url = server.url().to_owned();
    server.restart().unwrap();
    assert_eq!(server.url(), url);
    while !ann.packet().await.is_empty() {}
    let mut ann = Client::connect(&server, 1).await;
    let mut bob = Client::connect(&server, 2).await;
    assert_eq!(ann.send(&place, "before", "k").await, first);
    assert_eq!(ann.send(&place, "after", "k2").await["success"], true);
    assert_eq!(bob.event("message:new").await["text"], "after");
    let rows = history(&server, 2, &place, "").await;
    assert!(rows.iter().map(|row| &row["text"]).eq(["before", "after"]));
    assert_eq!((server.figures().messages, server.figures().connections), (2, 2));
    server.stop();
    assert!(TcpStream::connect(&url["http://".len()..]).await.is_err());
}

#[tokio::test]
async fn a_halted_server_answers_when_it_goes_on() {
    let mut server = Hosted::start(spec(), Options::default(), 2).unwrap();
    let place = create(&server, &[1, 2]).await;
    let mut ann = Client::connect(&server, 1).await;
    server.halt().unwrap();
    server.halt().unwrap();
    let mut answer = Box::pin(ann.send(&place, "hello", "k"));
    for _ in 0..100 {
        tokio::select! {
            biased;
            answer = &mut answer => panic!("a halted server answered: {answer}"),
            () = tokio::task::yield_now() => {}
        }
    }
    server.go_on().unwrap();
    assert_eq!(answer.await["success"], true);
    server.halt().unwrap();
    server.pause().unwrap();
    server.resume().unwrap();
    server.halt().unwrap();
    drop(server);
}

#[tokio::test]
async fn a_closed_server_comes_up_again_with_what_was_acked() {
    let mut server = Hosted::start(spec(), Options::default(), 1).unwrap();
    let place = create(&server, &[1, 2]).await;
    let mut ann = Client::connect(&server, 1).await;
    let first = ann.send(&place, "before", "k").await;
    server.close().unwrap();
    while !ann.packet().await.is_empty() {}
    server.resume().unwrap();
    let mut ann = Client::connect(&server, 1).await;
    assert_eq!(ann.send(&place, "before", "k").await, first);
}

#[tokio::test]
async fn a_pause_here_frees_the_port_and_memory_survives_it() {
    let mut server = server(&[]).await;
    let place = create(&server, &[1, 2]).await;
    let mut ann = Client::connect(&server, 1).await;
    ann.send(&place, "before", "k").await;
    server.pause().await;
    while !ann.packet().await.is_empty() {}
    let address = server.url().replace("http://", "");
    assert!(TcpStream::connect(&address).await.is_err());
    server.resume().await.unwrap();
    assert_eq!(server.url(), format!("http://{address}"));
    assert_eq!(history(&server, 2, &place, "").await.len(), 1);
}

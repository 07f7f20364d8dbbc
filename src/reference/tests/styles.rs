//! Specs of other styles, and those that come with the program, played.

use super::*;

/// A server of another style: answers are events, ids are hexadecimal, positions are numbers.
const OTHER_STYLE: &str = r#"
assize: 1
name: other-style
about: Answers by event.
connect:
  socket.io: { path: /ws/, namespace: /chat }
  query: { token: $token }
people:
  ids: object-id
  token: { jwt: { algorithm: HS256, secret: { default: s }, claims: { sub: $user }, lives: 1h } }
http: { headers: { x-token: $token } }
do:
  create:
    emit: [direct, { with: $peer }]
    reply: ["direct:made", { success: true, data: { _id: $conversation, avatar: $avatar } }]
    error: ["direct:failed", { error: $error }]
  send:
    emit: [say, { to: $conversation, content: $text, key: $key }]
    reply: [said, { key: $key, data: { _id: $message, number: $seq } }]
    error: ["say:failed", { key: $key, error: $error }]
  history:
    get: /messages/$conversation
    query: { after: $cursor?, limit: $limit? }
    ok: { 200: { rows: [{ _id: $message, content: $text, number: $seq }, ...], next: $cursor?, more: $more } }
    pages: cursor
see:
  message: [heard, { success: true, data: { _id: $message, content: $text, number: $seq } }]
traits:
  order: { by: $seq }
  echo: others
"#;

#[tokio::test]
async fn another_style_of_server_is_played_from_its_spec() {
    let server = Server::start(load(OTHER_STYLE), Options::default()).await.unwrap();
    let (one, two) = ("5f0000000000000000000001", "5f0000000000000000000002");
    let token = |user| token_of(&json!({ "sub": user, "exp": 4_000_000_000_u64 }), "s");
    let path = |user| format!("/ws/?EIO=4&transport=websocket&token={}", token(user));
    let mut ann = Client::open(&server, &path(one)).await;
    let mut bob = Client::open(&server, &path(two)).await;
    for client in [&mut ann, &mut bob] {
        client.raw("40/chat,").await;
        assert!(client.packet().await.starts_with("40/chat,{"));
    }
    let emit = |event: Value| format!("42/chat,{event}");
    ann.raw(&emit(json!(["direct", { "with": two }]))).await;
    let made = ann.find(r#"42/chat,["direct:made""#).await;
    let place = made[1]["data"]["_id"].as_str().unwrap().to_owned();
    assert_eq!((place.len(), &made[1]["data"]["avatar"]), (24, &Value::Null));
    for (number, key) in [(1, "a"), (2, "b"), (3, "c")] {
        let say = json!(["say", { "to": place, "content": key, "key": key }]);
        ann.raw(&emit(say)).await;
        let said = ann.find(r#"42/chat,["said""#).await;
        assert_eq!((&said[1]["key"], &said[1]["data"]["number"]), (&json!(key), &json!(number)));
        let heard = bob.find(r#"42/chat,["heard""#).await;
        assert_eq!(heard[1]["data"]["_id"], said[1]["data"]["_id"]);
    }
    ann.raw(&emit(json!(["say", { "to": one, "content": "x", "key": "d" }]))).await;
    let failed = ann.find(r#"42/chat,["say:failed""#).await;
    assert_eq!(failed[1]["key"], "d");
    assert!(ann.seen.is_empty(), "own messages are not echoed: {:?}", ann.seen);
    let header = format!("x-token: {}\r\n", token(two));
    let read = |query: &str| format!("/messages/{place}?limit=2{query}");
    let (_, page) = request(&server, "GET", &read(""), &header, "").await;
    assert_eq!((&page["rows"][1]["number"], &page["more"]), (&json!(2), &json!(true)));
    let next = read(&format!("&after={}", page["next"]));
    let (_, page) = request(&server, "GET", &next, &header, "").await;
    assert_eq!((&page["rows"][1]["number"], &page["more"]), (&json!(3), &json!(false)));
    assert_eq!(page.get("next"), None, "a last page names no next one");
}

#[tokio::test]
async fn every_spec_that_comes_with_assize_is_played() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
    let mut played = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let yaml = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let server = Server::start(load(&yaml), Options::default()).await.unwrap();
        assert_eq!(request(&server, "GET", "/no/such/thing", "", "").await.0, 404);
        server.stop().await;
        played += 1;
    }
    assert!(played >= 5);
}

#[tokio::test]
async fn whoever_has_the_answer_to_the_handshake_is_in_the_room() {
    let spec = load(include_str!("../../../specs/rooms.yaml"));
    // Whatever the desk does takes so long that who is not in the room yet would show.
    let options = Options { delay: Duration::from_millis(50), ..Options::default() };
    let server = Server::start(spec, options).await.unwrap();
    let claims = json!({ "user": 300_001, "exp": 4_000_000_000_u64 });
    let token = token_of(&claims, "assize-rooms");
    let header = format!("authorization: Bearer {token}\r\n");
    let members = json!({ "members": [300_001, 300_002] }).to_string();
    let (status, made) = request(&server, "POST", "/rooms", &header, &members).await;
    assert_eq!(status, 201);
    let url = format!("{}/rooms/{}/live?token={token}", server.url(), made["room"]);
    let stream = TcpStream::connect(server.url().strip_prefix("http://").unwrap()).await.unwrap();
    let url = url.replacen("http", "ws", 1);
    let _socket = tokio_tungstenite::client_async(url, stream).await.unwrap();
    assert_eq!(server.figures().connections, 1);
}

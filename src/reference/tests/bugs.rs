//! Bugs that show on the wire, looked at by hand.

use super::*;

/// Whether two attempts at once were taken for two sends, and how many rows they made.
async fn race(server: &impl At, place: &Value, ann: &mut Client, key: i64) -> (bool, usize) {
    let said = json!({ "text": "hi", "clientMessageId": key });
    let event = json!(["message:send", place, said]);
    let (one, two) = (ann.ask(&event).await, ann.ask(&event).await);
    let (one, two) = (ann.ack(one).await, ann.ack(two).await);
    let rows = history(server, 2, place, "").await;
    (one != two, rows.iter().filter(|row| row["clientMessageId"] == json!(key.to_string())).count())
}

#[tokio::test]
async fn racing_attempts_meet_the_race() {
    for (bug, rows) in [(Bug::DedupRace, 2), (Bug::DedupRaceError, 1)] {
        let server = server(&[bug]).await;
        let place = create(&server, &[1, 2]).await;
        let mut ann = Client::connect(&server, 1).await;
        // On a busy machine the attempts may come too far apart to meet: some of ten pairs do.
        let mut key = 0;
        while race(&server, &place, &mut ann, key).await != (true, rows) {
            key += 1;
            assert!(key < 10, "{bug} was never met");
        }
    }
}

#[tokio::test]
async fn bugs_of_delivery_show_on_the_wire() {
    let server = server(&[Bug::StampPerReceiver, Bug::NoRejoin]).await;
    let place = create(&server, &[1, 2]).await;
    let mut ann = Client::connect(&server, 1).await;
    let mut bob = Client::connect(&server, 2).await;
    ann.send(&place, "hi", "k").await;
    let (one, two) = (ann.event("message:new").await, bob.event("message:new").await);
    assert_ne!(one["createdAt"], two["createdAt"]);
    let mut again = Client::connect(&server, 2).await;
    again.emit(&json!(["conversation:join", place])).await;
    ann.send(&place, "and now", "k2").await;
    assert_eq!(again.silence(&place).await, [] as [String; 0]);
}

//! The webhook receiver: signatures and moods.

use std::time::Duration;

use maibo_sim::sink::{Headers, Mode, Verdict, key, verify};
use maibo_sim::{Sink, SinkOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

// Protects P12, Standard Webhooks: the published vector and the rules around it.
#[test]
#[allow(clippy::print_stdout, reason = "a skipped test says so")]
fn published_vectors_are_verified() {
    let Some(folder) = std::env::var_os("MAIBO_FIXTURES").map(std::path::PathBuf::from) else {
        println!("skipped: MAIBO_FIXTURES is not set");
        return;
    };
    let text = std::fs::read_to_string(folder.join("standard-webhooks/vectors.json")).expect("the vectors");
    let file: serde_json::Value = serde_json::from_str(&text).expect("json");
    let v = &file["vectors"][0];
    let word = |name: &str| v[name].as_str().expect("text");
    let at = v["webhook-timestamp"].as_i64().expect("a number");
    let (stamp, body) = (at.to_string(), word("body_utf8").as_bytes());
    let k = key(word("secret")).expect("base64");
    assert_eq!(k, key(word("secret").trim_start_matches("whsec_")).expect("base64"));
    let good = Headers {
        id: Some(word("webhook-id")),
        timestamp: Some(&stamp),
        signature: Some(word("expected_webhook_signature")),
    };
    assert_eq!(verify(&k, good, body, at), Verdict::Valid);
    assert_eq!(verify(&k, good, body, at + 300), Verdict::Valid);
    assert_eq!(verify(&k, good, body, at + 301), Verdict::OutsideTolerance);
    assert_eq!(verify(&k, good, body, at - 301), Verdict::OutsideTolerance);
    assert_eq!(verify(&k, good, b"{\"test\": 2432232315}", at), Verdict::BadSignature);
    let several = file["verify_rules"][0]["header"].as_str().expect("a header");
    assert_eq!(verify(&k, Headers { signature: Some(several), ..good }, body, at), Verdict::Valid);
    let asymmetric = word("expected_webhook_signature").replace("v1,", "v1a,");
    assert_eq!(verify(&k, Headers { signature: Some(&asymmetric), ..good }, body, at), Verdict::BadSignature);
    for missing in
        [Headers { id: None, ..good }, Headers { timestamp: None, ..good }, Headers { signature: None, ..good }]
    {
        assert_eq!(verify(&k, missing, body, at), Verdict::MissingHeader);
    }
    assert_eq!(verify(&k, Headers { timestamp: Some("now"), ..good }, body, at), Verdict::BadTimestamp);
}

async fn post(sink: &Sink, headers: &str, body: &str) -> Option<String> {
    let mut stream = TcpStream::connect(sink.addr()).await.expect("the sink listens");
    let length = body.len();
    let request = format!(
        "POST /alerts HTTP/1.1\r\nhost: sink\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.expect("written");
    let mut answer = String::new();
    let read = tokio::time::timeout(Duration::from_millis(300), stream.read_to_string(&mut answer)).await;
    read.ok().map(|_| answer.to_ascii_lowercase())
}

// Protects the delivery tests: each mood answers as named, every delivery is noted with its verdict, in memory and file.
#[tokio::test]
async fn every_mood_answers_as_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let record = folder.path().join("deliveries.jsonl");
    let options =
        SinkOptions { secret: Some(SECRET.to_owned()), record: Some(record.clone()), ..SinkOptions::default() };
    let sink = Sink::start(options).await.expect("a sink");
    for (mode, status) in
        [(Mode::Ok, "401"), (Mode::Fail, "500"), (Mode::Redirect, "302"), (Mode::Gone, "410"), (Mode::TooMany, "429")]
    {
        sink.set_mode(mode);
        let answer = post(&sink, "webhook-id: m1\r\n", "{}").await.expect("an answer");
        assert!(answer.starts_with(&format!("http/1.1 {status}")), "{mode:?} {answer}");
        assert_eq!(answer.contains("retry-after: 2"), mode == Mode::TooMany);
        assert_eq!(answer.contains("location: http://127.0.0.1"), mode == Mode::Redirect);
    }
    sink.set_mode(Mode::Hang);
    assert_eq!(post(&sink, "", "hang").await, None);
    assert!(sink.wait_for(6, Duration::from_secs(5)).await);
    let kept = sink.deliveries();
    assert!(kept.iter().all(|d| d.verdict == Verdict::MissingHeader && d.path == "/alerts"));
    assert_eq!((kept[0].id.as_deref(), kept[5].answer, kept[5].body.as_str()), (Some("m1"), 0, "hang"));
    sink.stop().await;
    assert_eq!(std::fs::read_to_string(record).expect("the record").lines().count(), 6);
}

// Protects the demonstration's receiver: without a secret everything is taken, and said to be unchecked.
#[tokio::test]
async fn without_a_secret_nothing_is_checked() {
    let sink = Sink::start(SinkOptions::default()).await.expect("a sink");
    let answer = post(&sink, "", "{}").await.expect("an answer");
    assert!(answer.starts_with("http/1.1 204"), "{answer}");
    assert_eq!(sink.deliveries()[0].verdict, Verdict::Unchecked);
}

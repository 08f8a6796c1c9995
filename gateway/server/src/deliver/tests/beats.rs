//! Signs of life for people, over real sockets: a robot and a mail server.

use std::sync::Arc;
use std::time::Duration;

use maibo_core::notify::Answer;
use maibo_core::time::{Millis, Timestamp};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::liveness::until;
use super::mails::{carrier as mailer, header, server, settings};
use super::robots::robot;
use super::support::{Ear, Reply, SECRET};
use crate::clock::{EngineClock, SystemClock};
use crate::deliver::carrier::{Carrier, Limits};
use crate::deliver::heartbeat::{Rhythm, run};
use crate::deliver::{Liveness, ReceiverSettings, validate};

/// Taken, and not.
const OK: Reply = Reply::Says(200, r#"{"errcode":0,"errmsg":"ok"}"#);
const BUSY: Reply = Reply::Says(200, r#"{"errcode":-1,"errmsg":"busy"}"#);

/// Beats to a robot, a day apart, with waits behind failures that are short enough for a test.
fn beating(entry: &ReceiverSettings) -> (Liveness, AbortOnDropHandle<()>) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("robot"), "SECthisisnosecret").unwrap();
    std::fs::write(dir.path().join("secret"), SECRET).unwrap();
    let target = validate(std::slice::from_ref(entry), &Arc::default(), dir.path()).unwrap().remove(0);
    let usual = Rhythm::of(&target).unwrap();
    assert_eq!((usual.first, usual.again), (Duration::from_mins(1), Duration::from_secs(10)), "as people have them");
    let rhythm = Rhythm { first: Duration::ZERO, again: Duration::from_millis(20), ..usual };
    let wall = Arc::new(SystemClock::default());
    let carrier = Arc::new(Carrier::new(target, Limits::default(), wall.clone(), "").unwrap());
    let clock = Arc::new(EngineClock::new(Box::<SystemClock>::default(), None));
    let alive = Liveness::default();
    let beating = run(carrier, alive.clone(), rhythm, (clock, wall), CancellationToken::new());
    (alive, AbortOnDropHandle::new(tokio::spawn(beating)))
}

fn daily(ear: &Ear) -> ReceiverSettings {
    ReceiverSettings { heartbeat: Some("1d".to_owned()), ..robot("group", "dingtalk", ear) }
}

// P: a robot is told that the way is open, signed like any message; a beat that is lost is made up for at once and is no silence.
#[tokio::test]
async fn one_that_is_lost_is_no_silence() {
    let ear = Ear::new(|n, _| if n == 0 { BUSY } else { OK }).await;
    let (alive, _beating) = beating(&daily(&ear));
    let heard = ear.heard(2).await;
    assert_eq!(alive.failing(), None, "one that failed says nothing yet");
    for one in &heard {
        assert!(one.path.contains("&sign="), "{}", one.path);
        let text = one.json()["markdown"]["text"].as_str().unwrap().to_owned();
        assert!(text.contains("这不是预警") && text.contains("到 group 的通知渠道畅通"), "{text}");
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!((ear.so_far().len(), alive.failing()), (2, None), "the next one is a day away");
}

// P: a robot that takes none is silent since the first that failed, and well as soon as it takes one, long before the next is due.
#[tokio::test]
async fn one_that_takes_none_is_silent() {
    let ear = Ear::new(|n, _| if n < 4 { BUSY } else { OK }).await;
    let (alive, _beating) = beating(&daily(&ear));
    let failing = until(&alive, Option::is_some).await.unwrap();
    assert!(ear.so_far().len() >= 2, "not after one");
    assert_eq!(failing.error.as_deref(), Some("the receiver has a fault (-1 busy)"));
    until(&alive, Option::is_none).await;
    assert_eq!(ear.heard(5).await.len(), 5);
}

// P: what waiting does not mend counts at once, and too many messages are an answer.
#[tokio::test]
async fn what_a_robot_says() {
    let refusing = Ear::new(|_, _| Reply::Says(200, r#"{"errcode":310000,"errmsg":"keywords not in content"}"#)).await;
    let (alive, beats) = beating(&daily(&refusing));
    assert!(until(&alive, Option::is_some).await.unwrap().needs_operator);
    drop(beats);
    let full = Ear::new(|_, _| Reply::Says(200, r#"{"errcode":130101,"errmsg":"send too fast"}"#)).await;
    let (alive, _beats) = beating(&daily(&full));
    full.heard(1).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!((full.so_far().len(), alive.failing()), (1, None));
}

// P: by mail the subject says that it is no alert; all of them stand in a thread of their own.
#[tokio::test]
async fn by_mail() {
    let (port, mut mails) = server(&[]).await;
    let entry = ReceiverSettings { heartbeat: Some("1d".to_owned()), ..settings(port) };
    let (carrier, day, at) = (mailer(&entry), Millis::from_secs(86_400), Timestamp(1_795_435_200_450));
    for n in 0..2 {
        assert_eq!(carrier.beat("beat_1", day, Timestamp(at.0 + n * day.0)).await, Answer::Taken);
    }
    let (first, second) = (mails.recv().await.unwrap(), mails.recv().await.unwrap());
    assert_eq!(header(&first, "Date"), "Mon, 23 Nov 2026 12:00:00 +0000");
    assert_eq!(header(&first, "Auto-Submitted"), "auto-generated");
    assert_eq!(header(&first, "References"), header(&second, "References"));
    assert_ne!(header(&first, "Message-ID"), header(&second, "Message-ID"));
    let parsed = |mail: &str, name: &str| words_of(&mail.replace("\n ", " "), name);
    let subject = parsed(&first, "Subject");
    assert_eq!(subject, "【心跳】脉搏在运行，这不是预警 [HEARTBEAT] Maibo is alive; this is no alert");
    let text = body_of(&first);
    let zh = "2026-11-23 20:00:00（+08:00）：脉搏城市运行感知网关到 duty 的通知渠道畅通，无须处置；下一条约在 2026-11-24 20:00";
    assert!(text.contains(zh) && text.contains("is open, nothing has to be done"), "{text}");
}

/// A header of encoded words (RFC 2047, `B`) and plain ones.
fn words_of(mail: &str, name: &str) -> String {
    use base64::Engine as _;
    let decode = |text: &str| base64::engine::general_purpose::STANDARD.decode(text).unwrap();
    let (mut bytes, mut encoded_before) = (Vec::new(), false);
    for word in header(mail, name).split(' ') {
        let encoded = word.strip_prefix("=?utf-8?b?").and_then(|w| w.strip_suffix("?="));
        // Between two encoded words a space is none.
        if !(bytes.is_empty() || encoded_before && encoded.is_some()) {
            bytes.push(b' ');
        }
        bytes.extend(encoded.map_or_else(|| word.as_bytes().to_vec(), decode));
        encoded_before = encoded.is_some();
    }
    String::from_utf8(bytes).unwrap()
}

/// The text of a mail in base64.
fn body_of(mail: &str) -> String {
    use base64::Engine as _;
    let (_, body) = mail.split_once("\n\n").unwrap();
    assert_eq!(header(mail, "Content-Transfer-Encoding"), "base64");
    String::from_utf8(base64::engine::general_purpose::STANDARD.decode(body.replace(['\n', '\r'], "")).unwrap())
        .unwrap()
}

//! By mail, against a scripted server: delivered when taken after DATA, threaded, and every way to fail is named.

use std::sync::Arc;
use std::time::Duration;

use maibo_core::notify::{Answer, Refusal, Transport, message_id};
use maibo_core::time::Timestamp;
use maibo_store::outbox::Stamp;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::support::{episode, letter, told, transition};
use crate::clock::SystemClock;
use crate::deliver::carrier::Carrier;
use crate::deliver::format::Letter;
use crate::deliver::{Limits, ReceiverSettings, body};

/// A server that answers a verb with a line of its own, or hangs (`""`), or hangs up (`"!"`); keeps the mails.
pub(super) async fn server(script: &'static [(&'static str, &'static str)]) -> (u16, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, mails) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let sender = sender.clone();
            tokio::spawn(async move {
                let (read, mut write) = stream.into_split();
                let mut lines = BufReader::new(read).lines();
                write.write_all(b"220 mail.test ESMTP\r\n").await.unwrap();
                let (mut mail, mut in_data) = (String::new(), false);
                while let Ok(Some(line)) = lines.next_line().await {
                    let verb = if in_data { "." } else { line.split(' ').next().unwrap_or_default() };
                    if in_data && line != "." {
                        mail.push_str(&line);
                        mail.push('\n');
                        continue;
                    }
                    let usual = match verb {
                        "EHLO" => "250-mail.test\r\n250-AUTH PLAIN\r\n250 8BITMIME",
                        "DATA" => "354 go on",
                        "AUTH" => "235 welcome",
                        "QUIT" => "221 bye",
                        _ => "250 ok",
                    };
                    let said = script.iter().find(|(v, _)| *v == verb).map_or(usual, |(_, answer)| *answer);
                    match said {
                        "" => continue,
                        "!" => return,
                        _ => {}
                    }
                    in_data = verb == "DATA" && said.starts_with("354");
                    if verb == "." && said.starts_with('2') {
                        sender.send(std::mem::take(&mut mail)).unwrap();
                    }
                    write.write_all(format!("{said}\r\n").as_bytes()).await.unwrap();
                }
            });
        }
    });
    (port, mails)
}

pub(super) fn settings(port: u16) -> ReceiverSettings {
    ReceiverSettings {
        name: "duty".to_owned(),
        url: format!("smtp://127.0.0.1:{port}"),
        from: Some("Maibo <maibo@city.example>".to_owned()),
        to: vec!["duty@city.example".to_owned(), "值班 <chief@city.example>".to_owned()],
        allow: vec!["127.0.0.1".to_owned()],
        ..ReceiverSettings::default()
    }
}

pub(super) fn carrier(settings: &ReceiverSettings) -> Carrier {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("password"), "pass word\n").unwrap();
    let target = settings.parse(&Arc::default(), dir.path()).unwrap();
    let limits = Limits { mail: Duration::from_millis(700), ..Limits::default() };
    Carrier::new(target, limits, Arc::new(SystemClock::default()), "").unwrap()
}

fn kept(version: u32, before: Option<u32>) -> Letter {
    let stamp = |version| Stamp { version, ..letter().stamp };
    let body = body::native(&told(&transition(1, version)), true);
    Letter { body, stamp: Stamp { at: Timestamp(1_795_435_200_450), ..stamp(version) }, before: before.map(stamp) }
}

pub(super) fn header<'a>(mail: &'a str, name: &str) -> &'a str {
    let line = mail.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(": "));
    line.unwrap_or_else(|| panic!("no {name} in {mail}"))
}

// One text in both languages; repeats are the same mail; what follows stands in the thread of what went before.
#[tokio::test]
async fn a_mail_is_taken() {
    let (port, mut mails) = server(&[]).await;
    let carrier = carrier(&settings(port));
    let key = |version| message_id("duty", episode(1), version);
    for _ in 0..2 {
        assert_eq!(carrier.deliver(key(1), &[kept(1, None)]).await, Answer::Taken);
    }
    assert_eq!(carrier.deliver(key(3), &[kept(3, Some(1))]).await, Answer::Taken);
    let (first, again, third) = (mails.recv().await.unwrap(), mails.recv().await.unwrap(), mails.recv().await.unwrap());
    assert_eq!(first, again, "a repeat is the same mail");
    let (one, root) = (format!("<{}@maibo>", key(1)), format!("<{}@maibo>", episode(1)));
    assert_eq!((header(&first, "Message-ID"), header(&first, "References")), (&*one, &*root));
    assert_eq!(header(&third, "In-Reply-To"), one);
    assert!(third.replace("\n ", " ").contains(&format!("References: {root} {one}")), "{third}");
    assert_eq!(header(&first, "Auto-Submitted"), "auto-generated");
    assert_eq!(header(&first, "Date"), "Mon, 23 Nov 2026 12:00:00 +0000");
    assert!(header(&first, "Subject").starts_with("=?utf-8?"), "{first}");
    assert!(header(&first, "Content-Type").starts_with("text/plain; charset=utf-8"));
    assert!(first.is_ascii(), "it passes servers without 8BITMIME");
}

#[tokio::test]
async fn what_the_server_says_is_judged() {
    let refused = |refusal, words: &str| Answer::Refused { refusal, words: words.to_owned() };
    let cases: [(&'static [(&'static str, &'static str)], Answer); 7] = [
        (&[("RCPT", "550 no such user")], refused(Refusal::Message, "SMTP 550 no such user")),
        (&[("RCPT", "450 come later")], refused(Refusal::Busy, "SMTP 450 come later")),
        (&[(".", "554 looks like spam")], refused(Refusal::Message, "SMTP 554 looks like spam")),
        (&[(".", "!")], Answer::Failed(Transport::Broken)),
        (&[(".", "")], Answer::Failed(Transport::Deadline)),
        (&[("DATA", "421 closing")], refused(Refusal::Busy, "SMTP 421 closing")),
        (&[("QUIT", "!")], Answer::Taken),
    ];
    for (script, wanted) in cases {
        let (port, _mails) = server(script).await;
        let answer = carrier(&settings(port)).deliver("msg_a".to_owned(), &[kept(1, None)]).await;
        assert_eq!(answer, wanted, "{script:?}");
    }
    let gone = carrier(&settings(1)).deliver("msg_a".to_owned(), &[kept(1, None)]).await;
    assert_eq!(gone, Answer::Failed(Transport::Connect));
}

// Nothing is said in the clear that should not be: neither mail nor password before TLS.
#[tokio::test]
async fn no_tls_no_mail() {
    let (port, mut mails) = server(&[]).await;
    let strict = ReceiverSettings { allow_plain: Some(false), ..settings(port) };
    let answer = carrier(&strict).deliver("msg_a".to_owned(), &[kept(1, None)]).await;
    assert_eq!(answer, Answer::Failed(Transport::Plain));
    assert!(mails.try_recv().is_err());
    let implicit = ReceiverSettings { url: format!("smtps://127.0.0.1:{port}"), ..settings(port) };
    let answer = carrier(&implicit).deliver("msg_a".to_owned(), &[kept(1, None)]).await;
    assert!(matches!(answer, Answer::Failed(Transport::Certificate | Transport::Broken)), "{answer:?}");
}

#[tokio::test]
async fn a_login_is_given_and_judged() {
    let login = |port| ReceiverSettings {
        user: Some("maibo".to_owned()),
        password_file: Some("password".to_owned()),
        ..settings(port)
    };
    let (port, mut mails) = server(&[]).await;
    assert_eq!(carrier(&login(port)).deliver("msg_a".to_owned(), &[kept(1, None)]).await, Answer::Taken);
    assert!(mails.recv().await.is_some());
    let (port, _mails) = server(&[("AUTH", "535 who are you")]).await;
    let answer = carrier(&login(port)).deliver("msg_a".to_owned(), &[kept(1, None)]).await;
    let words = "SMTP 535 who are you".to_owned();
    assert_eq!(answer, Answer::Refused { refusal: Refusal::Credentials, words });
}

//! Sessions of `/ws` on sockets made of channels.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::ws::{Message, Utf8Bytes};
use futures_util::{Sink, Stream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, PollSender};

use super::*;
use crate::clock::{EngineClock, SystemClock};
use crate::live::client::{INBOUND_MAX, Limits, serve};

/// The server's end.
struct Socket {
    inbound: mpsc::Receiver<Message>,
    outbound: PollSender<Message>,
}

impl Stream for Socket {
    type Item = Result<Message, Infallible>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.inbound.poll_recv(cx).map(|m| m.map(Ok))
    }
}

impl Sink<Message> for Socket {
    type Error = ();
    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), ()>> {
        Pin::new(&mut self.outbound).poll_ready(cx).map_err(drop)
    }
    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), ()> {
        Pin::new(&mut self.outbound).start_send(message).map_err(drop)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), ()>> {
        Pin::new(&mut self.outbound).poll_flush(cx).map_err(drop)
    }
    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), ()>> {
        Pin::new(&mut self.outbound).poll_close(cx).map_err(drop)
    }
}

/// The page's end.
struct Peer {
    to: mpsc::Sender<Message>,
    from: mpsc::Receiver<Message>,
    session: JoinHandle<()>,
    stop: CancellationToken,
}

impl Peer {
    fn connect(stage: &Stage, room: usize, limits: Limits) -> Self {
        let (to, inbound) = mpsc::channel(64);
        let (outbound, from) = mpsc::channel(room);
        let socket = Socket { inbound, outbound: PollSender::new(outbound) };
        let (picture, stop) = (Arc::clone(&stage.picture), CancellationToken::new());
        let token = stop.clone();
        let session = tokio::spawn(async move {
            let clock = EngineClock::new(Box::<SystemClock>::default(), None);
            serve(socket, &picture, &Scope::everything(), &clock, limits, &token).await;
        });
        Self { to, from, session, stop }
    }

    async fn say(&self, text: &str) {
        self.to.send(Message::Text(Utf8Bytes::from(text.to_owned()))).await.expect("a session");
    }

    /// The next frame, pings left out.
    async fn hear(&mut self) -> ServerFrame {
        loop {
            match self.from.recv().await {
                Some(Message::Text(text)) => return serde_json::from_str(&text).expect("a frame"),
                Some(Message::Ping(_)) => {}
                other => panic!("no frame but {other:?}"),
            }
        }
    }

    /// Everything up to the close, and its code.
    async fn close(self) -> u16 {
        tokio::time::timeout(Duration::from_secs(20), self.closed()).await.expect("closes")
    }

    async fn closed(mut self) -> u16 {
        let mut code = 0;
        while let Some(message) = self.from.recv().await {
            if let Message::Close(Some(frame)) = message {
                code = frame.code;
            }
        }
        self.session.await.expect("ends");
        code
    }
}

const HELLO: &str = r#"{"t":"hello","v":1,"view":"city","resume":null}"#;

fn resume(epoch: &str, seq: u64) -> String {
    format!(r#"{{"t":"hello","v":1,"view":"city","resume":{{"epoch":"{epoch}","seq":{seq}}}}}"#)
}

fn welcome(frame: ServerFrame) -> (u64, api::WelcomeMode) {
    match frame {
        ServerFrame::Welcome(w) => (w.seq, w.mode),
        other => panic!("{other:?}"),
    }
}

// P: who says nothing in time, or something else than hello, is shown the door with 4401.
#[tokio::test]
async fn hello_is_needed() {
    let stage = Stage::new();
    let hurried = Limits { hello: Duration::from_millis(20), ..Limits::default() };
    let silent = Peer::connect(&stage, 8, hurried);
    assert_eq!(silent.close().await, 4401);
    for wrong in ["hallo", "{}", r#"{"t":"hello"}"#, r#"{"t":"ack","id":1}"#] {
        let peer = Peer::connect(&stage, 8, Limits::default());
        peer.say(wrong).await;
        assert_eq!(peer.close().await, 4401, "{wrong}");
    }
    for wrong in [r#"{"t":"hello","v":1,"view":"moon"}"#, r#"{"t":"hello","v":2,"view":"city"}"#] {
        let peer = Peer::connect(&stage, 8, Limits::default());
        peer.say(wrong).await;
        assert_eq!(peer.close().await, 1008, "{wrong}");
    }
}

// P: too many frames, a frame too long, and binary frames end the session with 1008.
#[tokio::test]
async fn inbound_limits() {
    let stage = Stage::new();
    let many = Peer::connect(&stage, 8, Limits::default());
    for _ in 0..21 {
        many.say(HELLO).await;
    }
    assert_eq!(many.close().await, 1008);
    for wrong in [Message::Text("x".repeat(INBOUND_MAX + 1).into()), Message::Binary(vec![1].into())] {
        let peer = Peer::connect(&stage, 8, Limits::default());
        peer.say(HELLO).await;
        peer.to.send(wrong).await.expect("a session");
        assert_eq!(peer.close().await, 1008);
    }
}

// P: a page that comes back inside the ring gets exactly what it missed; one of another start takes a snapshot.
#[tokio::test]
async fn resume_or_snapshot() {
    let stage = Stage::new();
    for n in 1..=3 {
        stage.tell(2_000, &[transition("wl-1", n, Level::Red, State::Firing)]);
    }
    let mut peer = Peer::connect(&stage, 8, Limits::default());
    peer.say(&resume("e", 1)).await;
    assert_eq!(welcome(peer.hear().await), (3, api::WelcomeMode::Resumed));
    for seq in [2, 3] {
        let frame = peer.hear().await;
        assert!(matches!(&frame, ServerFrame::Al(al) if al.s == seq), "{frame:?}");
    }
    let mut other = Peer::connect(&stage, 8, Limits::default());
    other.say(&resume("d", 1)).await;
    assert_eq!(welcome(other.hear().await), (3, api::WelcomeMode::Snapshot));
    stage.tell(3_000, &[transition("wl-1", 4, Level::Red, State::Firing)]);
    let frame = other.hear().await;
    assert!(matches!(&frame, ServerFrame::Al(al) if al.s == 4), "{frame:?}");
}

// P: a page that stops reading neither holds up others nor keeps the server; when it reads again it is told of the gap.
#[tokio::test]
async fn slow_client_blocks_nobody() {
    let stage = Stage::new();
    let mut slow = Peer::connect(&stage, 1, Limits::default());
    let stuck_limits = Limits { send: Duration::from_millis(50), ..Limits::default() };
    let stuck = Peer::connect(&stage, 1, stuck_limits);
    let mut quick = Peer::connect(&stage, 8, Limits::default());
    slow.say(HELLO).await;
    stuck.say(HELLO).await;
    quick.say(HELLO).await;
    welcome(quick.hear().await);
    welcome(slow.hear().await);
    for n in 0..400 {
        stage.read(2_000 + n, "wl-1", 0.1);
        stage.flush();
        let frame = quick.hear().await;
        assert!(matches!(&frame, ServerFrame::Dv(dv) if dv.s == n as u64 + 1), "{frame:?}");
    }
    let mut heard = Vec::new();
    while !heard.contains(&ServerFrame::Gap) {
        heard.push(slow.hear().await);
        assert!(heard.len() < 20, "no gap was told");
    }
    stage.read(9_000, "wl-1", 0.1);
    stage.flush();
    let frame = slow.hear().await;
    assert!(matches!(&frame, ServerFrame::Dv(dv) if dv.s == 401), "{frame:?}");
    // Nobody ever reads this one's frames: its session ends by itself.
    let Peer { session, from, to, .. } = stuck;
    session.await.expect("ends");
    drop((from, to));
}

// P: when the server stops, pages are told to come back, and when.
#[tokio::test]
async fn goodbye() {
    let stage = Stage::new();
    let mut peer = Peer::connect(&stage, 8, Limits::default());
    peer.say(HELLO).await;
    welcome(peer.hear().await);
    peer.stop.cancel();
    assert_eq!(peer.hear().await, ServerFrame::Bye(api::Bye { code: api::ByeCode::Restart, retry_ms: 1_000 }));
    assert_eq!(peer.close().await, 1001);
}

// P: heartbeats reach a quiet client, and a page that leaves ends its session.
#[tokio::test]
async fn heartbeat_and_leave() {
    let stage = Stage::new();
    let mut peer = Peer::connect(&stage, 8, Limits::default());
    peer.say(HELLO).await;
    welcome(peer.hear().await);
    stage.beat();
    assert!(matches!(peer.hear().await, ServerFrame::Hb(hb) if hb.devices == 4));
    drop(peer.to);
    peer.session.await.expect("ends");
}

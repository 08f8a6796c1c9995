//! One client of `/ws`: hello, then frames from where its cursor stands.
//!
//! The client has no queue. While its socket does not take a frame, its cursor stays; others are not affected.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use maibo_api as api;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_util::sync::CancellationToken;

use super::hub::{Cursor, Hub, Next};
use super::view::encode;
use super::{Picture, Scope, ticker};
use crate::clock::EngineClock;

/// Longest frame from a client, in bytes.
pub const INBOUND_MAX: usize = 64 * 1024;
/// Close code: no `hello` in time, or not one.
const NO_HELLO: u16 = 4401;
/// Close code: a limit was broken.
const POLICY: u16 = 1008;
/// Close code: the server goes away.
const AWAY: u16 = 1001;
/// Close code: try again later.
const LATER: u16 = 1013;

/// Limits of one client.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Wait for the first frame.
    pub hello: Duration,
    /// Wait for one frame to be taken.
    pub send: Duration,
    /// Between pings.
    pub ping: Duration,
    /// Frames from the client in one second.
    pub inbound: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            hello: Duration::from_secs(5),
            send: Duration::from_secs(30),
            ping: Duration::from_secs(10),
            inbound: 20,
        }
    }
}

/// Why a session ends.
enum End {
    /// Close with this code and word.
    Close(u16, &'static str),
    /// Say goodbye, then close.
    Bye(api::ByeCode),
    /// The socket is gone, or takes nothing.
    Gone,
}

/// Serves one client until it leaves, breaks a limit, or `stop`.
pub async fn serve<S, E>(
    socket: S,
    picture: &Picture,
    scope: &Scope,
    clock: &EngineClock,
    limits: Limits,
    stop: &CancellationToken,
) where
    S: Stream<Item = Result<Message, E>> + Sink<Message> + Unpin,
    E: Display,
{
    let mut session = Session { socket, limits, window: (Instant::now(), 0) };
    let end = tokio::select! {
        end = session.run(picture, scope, clock) => end,
        () = stop.cancelled() => End::Bye(api::ByeCode::Restart),
    };
    session.end(end).await;
}

/// Tells a client that there are too many.
pub async fn refuse<S: Sink<Message> + Unpin>(mut socket: S) {
    // Whether it hears this makes no difference here.
    let _ = timeout(Duration::from_secs(1), async {
        socket.send(bye(api::ByeCode::Overload, 5_000)).await?;
        socket.send(close(LATER, "overload")).await
    })
    .await;
}

struct Session<S> {
    socket: S,
    limits: Limits,
    /// Begin of the present second, and frames in it.
    window: (Instant, u32),
}

impl<S, E> Session<S>
where
    S: Stream<Item = Result<Message, E>> + Sink<Message> + Unpin,
    E: Display,
{
    async fn run(&mut self, picture: &Picture, scope: &Scope, clock: &EngineClock) -> End {
        match self.stream(picture, scope, clock).await {
            Ok(never) => match never {},
            Err(end) => end,
        }
    }

    async fn stream(
        &mut self,
        picture: &Picture,
        scope: &Scope,
        clock: &EngineClock,
    ) -> Result<std::convert::Infallible, End> {
        let hello = match timeout(self.limits.hello, self.hello()).await {
            Ok(hello) => hello?,
            Err(_) => return Err(End::Close(NO_HELLO, "hello")),
        };
        let Some(hub) = picture.hub(&hello.view, scope).filter(|_| hello.v == 1) else {
            return Err(End::Close(POLICY, "view"));
        };
        // Subscribed before joining, so that no publication in between goes unnoticed.
        let mut wake = hub.subscribe();
        let mut cursor = self.welcome(&hub, &hello, picture, clock).await?;
        let mut ping = interval_at(Instant::now() + self.limits.ping, self.limits.ping);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            wake.mark_unchanged();
            self.catch_up(&hub, &mut cursor).await?;
            tokio::select! {
                changed = wake.changed() => changed.map_err(|_| End::Bye(api::ByeCode::Restart))?,
                message = self.socket.next() => {
                    // After `hello` there is nothing to say; what comes is held against the limits and passed over.
                    self.inbound(message)?;
                }
                _ = ping.tick() => self.send(Message::Ping(axum::body::Bytes::new())).await?,
            }
        }
    }

    /// Waits for the first text frame.
    async fn hello(&mut self) -> Result<api::Hello, End> {
        loop {
            let message = self.socket.next().await;
            if let Some(text) = self.inbound(message)? {
                return match serde_json::from_str(&text) {
                    Ok(api::ClientFrame::Hello(hello)) => Ok(hello),
                    Err(_) => Err(End::Close(NO_HELLO, "hello")),
                };
            }
        }
    }

    async fn welcome(
        &mut self,
        hub: &Arc<Hub>,
        hello: &api::Hello,
        picture: &Picture,
        clock: &EngineClock,
    ) -> Result<Cursor, End> {
        let joined = hub.join(hello.resume.as_ref().map(|r| (r.epoch.as_str(), r.seq)));
        let welcome = api::ServerFrame::Welcome(api::Welcome {
            v: 1,
            view: hello.view.clone(),
            epoch: hub.epoch().to_owned(),
            seq: joined.seq,
            now: picture.now(clock.now()).0,
            hb: ticker::HEARTBEAT_MS,
            mode: if joined.resumed { api::WelcomeMode::Resumed } else { api::WelcomeMode::Snapshot },
        });
        self.send(text(&welcome)).await?;
        Ok(joined.cursor)
    }

    /// Sends everything there is for the cursor.
    async fn catch_up(&mut self, hub: &Hub, cursor: &mut Cursor) -> Result<(), End> {
        loop {
            match hub.next(cursor) {
                Next::Frame(frame) => self.send(Message::Text(frame)).await?,
                Next::Gap => self.send(text(&api::ServerFrame::Gap)).await?,
                Next::Idle => return Ok(()),
            }
        }
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        match timeout(self.limits.send, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => Err(End::Bye(api::ByeCode::Slow)),
        }
    }

    /// Holds a message against the limits; gives its text.
    fn inbound(&mut self, message: Option<Result<Message, E>>) -> Result<Option<Utf8Bytes>, End> {
        let message = match message {
            None | Some(Ok(Message::Close(_))) => return Err(End::Gone),
            // Among others a message longer than the socket takes.
            Some(Err(_)) => return Err(End::Close(POLICY, "frame")),
            Some(Ok(message)) => message,
        };
        let now = Instant::now();
        if now.duration_since(self.window.0) >= Duration::from_secs(1) {
            self.window = (now, 0);
        }
        self.window.1 += 1;
        if self.window.1 > self.limits.inbound {
            return Err(End::Close(POLICY, "rate"));
        }
        match message {
            Message::Text(text) if text.len() <= INBOUND_MAX => Ok(Some(text)),
            Message::Text(_) | Message::Binary(_) => Err(End::Close(POLICY, "frame")),
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => Ok(None),
        }
    }

    async fn end(&mut self, end: End) {
        let last = async {
            let (code, word) = match end {
                End::Gone => return,
                End::Close(code, word) => (code, word),
                End::Bye(code) => {
                    let (close, word) = match code {
                        api::ByeCode::Restart => (AWAY, "restart"),
                        api::ByeCode::Slow => (POLICY, "slow"),
                        api::ByeCode::Overload => (LATER, "overload"),
                    };
                    if self.socket.send(bye(code, 1_000)).await.is_err() {
                        return;
                    }
                    (close, word)
                }
            };
            // The peer may be gone by now; there is nobody to tell.
            let _ = self.socket.send(close(code, word)).await;
        };
        // A socket that takes nothing is dropped.
        let _ = timeout(Duration::from_secs(1), last).await;
    }
}

fn text(frame: &api::ServerFrame) -> Message {
    Message::Text(Utf8Bytes::from(encode(frame)))
}

fn bye(code: api::ByeCode, retry_ms: u32) -> Message {
    text(&api::ServerFrame::Bye(api::Bye { code, retry_ms }))
}

fn close(code: u16, word: &'static str) -> Message {
    Message::Close(Some(CloseFrame { code, reason: Utf8Bytes::from_static(word) }))
}

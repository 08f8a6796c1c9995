//! Over HTTP: a POST with a deadline, and what came of it.

use std::error::Error;
use std::sync::Arc;

use maibo_core::notify::{Answer, Transport};
use maibo_core::time::Millis;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, redirect};
use tokio::time::Instant;

use super::Limits;
use super::format::Outgoing;
use super::network::{Allow, Guard, NameError};
use super::robot;
use super::secret::sign;
use super::settings::{HttpWay, Seal};
use crate::clock::Clock;

/// Posts to one receiver, over connections of its own.
pub(super) struct Poster {
    way: HttpWay,
    client: Client,
    limits: Limits,
    wall: Arc<dyn Clock>,
}

impl Poster {
    pub(super) fn new(
        way: HttpWay,
        allow: &Allow,
        limits: Limits,
        wall: Arc<dyn Clock>,
    ) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .user_agent(concat!("maibo/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .referer(false)
            .http1_only()
            // Roots are read from the operating system; a receiver without TLS needs none.
            .tls_built_in_root_certs(way.url.scheme() == "https")
            .pool_max_idle_per_host(limits.parallel)
            .dns_resolver(Arc::new(Guard(allow.clone())))
            .build()?;
        Ok(Self { way, client, limits, wall })
    }

    /// Makes one attempt to deliver a message under its key; ends within the deadline.
    pub(super) async fn post(&self, message: &str, outgoing: Outgoing) -> Answer {
        let end = Instant::now() + self.limits.deadline;
        let Some(request) = self.request(message, outgoing) else { return Answer::Failed(Transport::Unreadable) };
        match tokio::time::timeout_at(end, request.send()).await {
            Err(_) => Answer::Failed(Transport::Deadline),
            Ok(Err(error)) => Answer::Failed(transport(&error)),
            Ok(Ok(response)) => {
                let code = response.status().as_u16();
                let retry_after = self.retry_after(response.headers());
                // Read also where the status is the answer, so that the connection can be used again; no further than the limit.
                let read = tokio::time::timeout_at(end, read(response, self.limits.response)).await;
                let by_status = Answer::Status { code, retry_after };
                match (self.way.robot, read) {
                    (None, _) => by_status,
                    // A robot that is slow with its words may have taken the message, and may have not.
                    (Some(_), Err(_)) => Answer::Failed(Transport::Deadline),
                    (Some(platform), Ok(body)) => {
                        robot::read(platform, code, &body, &self.way.url).unwrap_or(by_status)
                    }
                }
            }
        }
    }

    /// The request of an attempt, signed as the receiver wants it.
    fn request(&self, message: &str, outgoing: Outgoing) -> Option<RequestBuilder> {
        let Outgoing { content_type, headers, mut body } = outgoing;
        let (mut url, now) = (self.way.url.clone(), self.wall.wall());
        let mut signature = None;
        match &self.way.seal {
            Seal::None => {}
            Seal::Webhook(secrets) => {
                let timestamp = now.0.div_euclid(1_000);
                signature = Some((timestamp, sign(secrets, message, timestamp, &body)));
            }
            Seal::DingTalk(secret) => url = robot::dingtalk(&url, secret, now),
            Seal::Feishu(secret) => body = robot::feishu(&body, secret, now)?,
        }
        let mut request = self.client.post(url).headers(headers.into_iter().collect());
        request = request.header(CONTENT_TYPE, content_type).header("webhook-id", message);
        if let Some((timestamp, signature)) = signature {
            request = request.header("webhook-timestamp", timestamp).header("webhook-signature", signature);
        }
        Some(request.body(body))
    }

    /// `Retry-After` in seconds or as a date, as a wait from now.
    fn retry_after(&self, headers: &HeaderMap) -> Option<Millis> {
        let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        if let Ok(seconds) = text.parse::<u32>() {
            return Some(Millis::from_secs(i64::from(seconds)));
        }
        let date = jiff::fmt::rfc2822::parse(text).ok()?;
        Some(Millis((date.timestamp().as_millisecond() - self.wall.wall().0).max(0)))
    }
}

async fn read(mut response: Response, limit: usize) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = limit.saturating_sub(body.len());
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if room < chunk.len() {
            break;
        }
    }
    body
}

/// Why there was no answer. What the guard said lies at the bottom of the chain of causes.
fn transport(error: &reqwest::Error) -> Transport {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        match error.downcast_ref::<NameError>() {
            Some(NameError::Unknown) => return Transport::Name,
            Some(NameError::Forbidden) => return Transport::Forbidden,
            None => {}
        }
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            // TLS reports whatever it does not like as data that are not valid.
            if io.kind() == std::io::ErrorKind::InvalidData {
                return Transport::Certificate;
            }
            // The source of a wrapping I/O error is that of what it wraps: look at what it wraps first.
            if let Some(inner) = io.get_ref() {
                cause = Some(inner);
                continue;
            }
        }
        cause = error.source();
    }
    if error.is_connect() { Transport::Connect } else { Transport::Broken }
}

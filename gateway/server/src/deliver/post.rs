//! One attempt: a POST with a deadline, and what came of it.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use maibo_core::notify::{Answer, Receiver, Transport};
use maibo_core::time::Millis;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, Response, redirect};
use tokio::time::Instant;
use tracing::warn;

use super::format::{Letter, Outgoing, render};
use super::network::{Guard, NameError};
use super::secret::sign;
use super::settings::Target;
use crate::clock::Clock;

/// Bounds of delivery to one receiver.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Time for one attempt, from the name's resolution to the end of the response.
    pub deadline: Duration,
    /// Episodes under way at once.
    pub parallel: usize,
    /// Bytes of a response that are read; what is longer is cut off, and the status counts.
    pub response: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { deadline: Duration::from_secs(5), parallel: 8, response: 64 * 1024 }
    }
}

/// A receiver's HTTP client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("make the HTTP client of receiver {receiver}")]
pub struct ClientError {
    /// Whose.
    pub receiver: String,
    /// Why.
    #[source]
    pub source: reqwest::Error,
}

/// Posts to one receiver, over connections of its own.
pub(super) struct Poster {
    target: Target,
    client: Client,
    limits: Limits,
    wall: Arc<dyn Clock>,
}

impl Poster {
    pub(super) fn new(target: Target, limits: Limits, wall: Arc<dyn Clock>) -> Result<Self, ClientError> {
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
            .tls_built_in_root_certs(target.url.scheme() == "https")
            .pool_max_idle_per_host(limits.parallel)
            .dns_resolver(Arc::new(Guard(target.allow.clone())))
            .build()
            .map_err(|source| ClientError { receiver: target.receiver.name.clone(), source })?;
        Ok(Self { target, client, limits, wall })
    }

    /// The receiver's name.
    pub(super) fn receiver(&self) -> &str {
        &self.target.receiver.name
    }

    /// What the receiver is and wants.
    pub(super) fn wants(&self) -> &Receiver {
        &self.target.receiver
    }

    /// Makes one attempt to deliver a message under its key; ends within the deadline.
    pub(super) async fn post(&self, message: String, letter: &Letter) -> Answer {
        let target = &self.target;
        let answered = target.links.as_ref().map(|links| letter.clone().answered(links, &target.receiver.name));
        let letter = answered.as_ref().unwrap_or(letter);
        let Outgoing { content_type, headers, body } = match render(
            target.format,
            letter,
            &target.receiver.name,
            &target.sender,
        ) {
            Ok(outgoing) => outgoing,
            Err(error) => {
                warn!(receiver = self.receiver(), message, error = %crate::Chain(&error), "a message cannot be sent");
                return Answer::Failed(Transport::Unreadable);
            }
        };
        let end = Instant::now() + self.limits.deadline;
        let timestamp = self.wall.wall().0.div_euclid(1_000);
        let signature = sign(&self.target.secrets, &message, timestamp, &body);
        let request = self
            .client
            .post(self.target.url.clone())
            .headers(headers.into_iter().collect())
            .header(CONTENT_TYPE, content_type)
            .header("webhook-id", message)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .body(body);
        match tokio::time::timeout_at(end, request.send()).await {
            Err(_) => Answer::Failed(Transport::Deadline),
            Ok(Err(error)) => Answer::Failed(transport(&error)),
            Ok(Ok(response)) => {
                let code = response.status().as_u16();
                let retry_after = self.retry_after(response.headers());
                // The status is the answer. The body is read so that the connection can be used again, no further.
                let _ = tokio::time::timeout_at(end, drain(response, self.limits.response)).await;
                Answer::Status { code, retry_after }
            }
        }
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

async fn drain(mut response: Response, limit: usize) {
    let mut read = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        if read > limit {
            return;
        }
    }
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

//! To the server and back: lines in, one of five answers out.
//!
//! [`Transport`] is what the sink knows; [`Influx2`] is one, over the crate `influxdb2`, of which only the plain write
//! call is used: its builder of points escapes too little, and it neither retries nor limits time.
//!
//! Each request: gzip level 1 (a fifth of the bytes for little processor time), precision ns, no redirects (a token must
//! not travel on), no proxy from the environment, a limit for connecting and one for the whole. Certificates are checked
//! against the operating system's store.
//!
//! **Limits of the crate:** the header `Retry-After` does not come through (its errors have no headers, and the builder it
//! takes no hook for answers), so waits are our own; the text of an error is
//! read whole, within the time limit and from a server that the operator chose.

use std::error::Error as _;
use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use influxdb2::api::write::TimestampPrecision;
use influxdb2::{Client, ClientBuilder, RequestError};
use reqwest011::header::{CONTENT_ENCODING, HeaderMap, HeaderValue};
use reqwest011::redirect;

use super::settings::Target;
use super::status::words;

/// What came of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// All lines are stored.
    Stored,
    /// Too many bytes in one request.
    TooLarge(String),
    /// Some line is not as it must be; others may be stored.
    Malformed(String),
    /// The server will not have anything from us: a matter of configuration. In words.
    Refused(String),
    /// Nothing is known, or not now. In words.
    Again(String),
}

impl Answer {
    /// The word on every interface.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::TooLarge(_) => "too_large",
            Self::Malformed(_) => "malformed",
            Self::Refused(_) => "refused",
            Self::Again(_) => "again",
        }
    }
}

/// Carries lines to a server.
pub trait Transport: Send + Sync + 'static {
    /// Sends whole lines. Sending the same lines again changes nothing at the server.
    fn write(&self, lines: Vec<u8>) -> impl Future<Output = Answer> + Send;
}

/// An InfluxDB 2 server, or one that speaks like it.
pub struct Influx2 {
    client: Client,
    org: String,
    bucket: String,
    timeout: Duration,
}

impl Influx2 {
    /// For this server.
    ///
    /// # Errors
    /// Where an HTTP client cannot be made, as without any trusted certificates for `https`.
    pub fn new(target: &Target) -> Result<Self, influxdb2::BuildError> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        let builder = reqwest011::Client::builder()
            .user_agent(concat!("maibo/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .http1_only()
            // Roots are read from the operating system; a server without TLS needs none.
            .tls_built_in_root_certs(target.url.scheme() == "https")
            .pool_max_idle_per_host(1)
            // Shorter than servers wait: a connection that they close just now would look like trouble.
            .pool_idle_timeout(Duration::from_secs(15))
            .connect_timeout(target.timeout.min(Duration::from_secs(5)))
            .timeout(target.timeout);
        let client =
            ClientBuilder::with_builder(builder, target.url.as_str(), &target.org, target.token.expose()).build()?;
        let (org, bucket) = (target.org.clone(), target.bucket.clone());
        Ok(Self { client, org, bucket, timeout: target.timeout })
    }
}

impl Transport for Influx2 {
    async fn write(&self, lines: Vec<u8>) -> Answer {
        // Ten milliseconds of work for a full batch.
        let Ok(body) = tokio::task::spawn_blocking(move || pack(&lines)).await else {
            return Answer::Again("the process is ending".to_owned());
        };
        let precision = TimestampPrecision::Nanoseconds;
        match self.client.write_line_protocol_with_precision(&self.org, &self.bucket, body, precision).await {
            Ok(()) => Answer::Stored,
            Err(RequestError::Http { status, text }) => answer(status.as_u16(), &text),
            Err(RequestError::ReqwestProcessing { source }) => Answer::Again(transport(&source, self.timeout)),
            Err(error) => Answer::Again(words(&error.to_string())),
        }
    }
}

/// gzip, level 1.
fn pack(lines: &[u8]) -> Vec<u8> {
    let mut gz = GzEncoder::new(Vec::with_capacity(lines.len() / 4), Compression::fast());
    // Writing to memory does not fail.
    let _ = gz.write_all(lines);
    gz.finish().unwrap_or_default()
}

/// What a status other than 204 means for the lines.
fn answer(status: u16, text: &str) -> Answer {
    let said = words(text);
    let said = if said.is_empty() { status.to_string() } else { format!("{status}: {said}") };
    match status {
        400 | 422 => Answer::Malformed(said),
        413 => Answer::TooLarge(said),
        401 => Answer::Refused(format!("the server does not know the token ({said})")),
        403 => Answer::Refused(format!("the token may not write to this bucket ({said})")),
        404 => {
            Answer::Refused(format!("there is no such bucket or organisation, or no InfluxDB 2 at this URL ({said})"))
        }
        408 | 425 | 429 | 500.. => Answer::Again(format!("the server answers {said}")),
        _ => Answer::Refused(format!("this is not how an InfluxDB 2 server answers a write ({said})")),
    }
}

/// Why there was no answer.
fn transport(error: &reqwest011::Error, timeout: Duration) -> String {
    if error.is_timeout() {
        return format!("no answer within {timeout:?}");
    }
    // The deepest cause says it; the others repeat the address.
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    let cause = words(&cause.map(ToString::to_string).unwrap_or_default());
    let what = if error.is_connect() { "cannot connect" } else { "the connection broke" };
    if cause.is_empty() { what.to_owned() } else { format!("{what}: {cause}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Each status has one meaning; nothing that a server says costs lines unless it says so of the lines.
    #[test]
    fn statuses_have_a_meaning() {
        let meaning = |status| answer(status, "").as_str();
        for (status, word) in [
            (200, "refused"),
            (301, "refused"),
            (400, "malformed"),
            (401, "refused"),
            (403, "refused"),
            (404, "refused"),
            (405, "refused"),
            (408, "again"),
            (413, "too_large"),
            (422, "malformed"),
            (429, "again"),
            (500, "again"),
            (503, "again"),
            (599, "again"),
        ] {
            assert_eq!(meaning(status), word, "{status}");
        }
        let Answer::Again(said) = answer(503, "{\"error\":\"busy\"}\nforged log line") else { panic!("again") };
        assert_eq!(said, "the server answers 503: {\"error\":\"busy\"} forged log line");
    }
}

//! `[influx]`: checked whole, with every problem at once.
//!
//! The server is one that the operator chose, mostly in the same building: private and loopback addresses are allowed
//! here, other than for webhooks, and so is plain HTTP there. What is fetched is never shown to anybody but as the words
//! of an error.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use maibo_core::rule::parse_duration;
use reqwest::Url;
use serde::Deserialize;

use super::line;
use super::prefixes::OWN_TAGS;

/// Most lines in one request.
const LINES: std::ops::RangeInclusive<i64> = 1..=5_000;
/// Bytes of lines in one request, before compression.
const BYTES: std::ops::RangeInclusive<i64> = 10_000..=1_000_000;
/// Longest wait for a batch to fill, in ms.
const LINGER: std::ops::RangeInclusive<i64> = 10..=60_000;
/// Time for one request, in ms.
const TIMEOUT: std::ops::RangeInclusive<i64> = 100..=120_000;
/// Longest token, and longest name of an organisation or bucket, in bytes.
const TEXT_MAX: usize = 1_024;
/// Longest token file, in bytes.
const TOKEN_FILE_MAX: u64 = 16 * 1024;
/// Tags besides our own.
const TAGS_MAX: usize = 8;

/// The section as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InfluxSettings {
    /// Where the server listens: `http://…` or `https://…`, without a path.
    pub url: String,
    /// The organisation, by name or id.
    pub org: String,
    /// The bucket, by name or id.
    pub bucket: String,
    /// File that holds the token, relative to the configuration; without it none is sent.
    #[serde(default)]
    pub token_file: Option<String>,
    /// Tags that every point carries besides its own.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Time for one request, such as `10s` (the default).
    #[serde(default)]
    pub timeout: Option<String>,
    /// Most lines in one request, 5,000 where it does not say.
    #[serde(default)]
    pub batch_lines: Option<i64>,
    /// Most bytes of lines in one request before compression, 1,000,000 where it does not say.
    #[serde(default)]
    pub batch_bytes: Option<i64>,
    /// Longest wait for more lines, such as `1s` (the default).
    #[serde(default)]
    pub batch_wait: Option<String>,
}

/// A token. It cannot be shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// For the header of a request; empty where there is none.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "Token(none)" } else { "Token(hidden)" })
    }
}

/// The sink's server and its manners, valid.
#[derive(Clone, Debug)]
pub struct Target {
    /// Scheme, host and port.
    pub url: Url,
    /// The organisation.
    pub org: String,
    /// The bucket.
    pub bucket: String,
    /// The token.
    pub token: Token,
    /// Tags besides our own.
    pub tags: Vec<(String, String)>,
    /// Time for one request.
    pub timeout: Duration,
    /// Most lines in one request.
    pub lines: usize,
    /// Most bytes of lines in one request, before compression.
    pub bytes: usize,
    /// Longest wait for more lines.
    pub wait: Duration,
}

impl InfluxSettings {
    /// Checks the section; a relative path begins at `base`.
    ///
    /// # Errors
    /// Every problem, each as key and words.
    pub fn parse(&self, base: &Path) -> Result<Target, Vec<(String, String)>> {
        let mut p = Vec::new();
        let url = self.url().map_err(|e| p.push(("url".to_owned(), e.to_owned()))).ok();
        for (key, text) in [("org", &self.org), ("bucket", &self.bucket)] {
            if text.is_empty() || text.len() > TEXT_MAX || text.chars().any(char::is_control) {
                p.push((key.to_owned(), format!("needs 1 to {TEXT_MAX} bytes without control characters")));
            }
        }
        let token = self.token(base).map_err(|e| p.push(("token_file".to_owned(), e))).ok();
        self.check_tags(&mut p);
        let timeout = span(&mut p, "timeout", self.timeout.as_deref(), 10_000, &TIMEOUT);
        let wait = span(&mut p, "batch_wait", self.batch_wait.as_deref(), 1_000, &LINGER);
        let lines = number(&mut p, "batch_lines", self.batch_lines, &LINES);
        let bytes = number(&mut p, "batch_bytes", self.batch_bytes, &BYTES);
        match (url, token) {
            (Some(url), Some(token)) if p.is_empty() => {
                let tags = self.tags.clone().into_iter().collect();
                let (org, bucket) = (self.org.clone(), self.bucket.clone());
                Ok(Target { url, org, bucket, token, tags, timeout, lines, bytes, wait })
            }
            _ => Err(p),
        }
    }

    fn url(&self) -> Result<Url, &'static str> {
        // Never repeated: what does not fit may hold a password.
        let url: Url = self.url.parse().map_err(|_| "is not a URL such as http://10.1.2.3:8086")?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("must begin with http:// or https://");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not hold a user name or password; the token goes into `token_file`");
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err("must end behind the port: the path is always /api/v2/write");
        }
        Ok(url)
    }

    fn token(&self, base: &Path) -> Result<Token, String> {
        let Some(name) = &self.token_file else { return Ok(Token::default()) };
        let path = base.join(name);
        let fault = |text: &dyn fmt::Display| format!("{}: {text}", path.display());
        let length = std::fs::metadata(&path).map_err(|e| fault(&e))?.len();
        if length > TOKEN_FILE_MAX {
            return Err(fault(&format!("longer than {TOKEN_FILE_MAX} bytes")));
        }
        let text = std::fs::read_to_string(&path).map_err(|e| fault(&e))?;
        let token = text.trim();
        if token.is_empty() || token.len() > TEXT_MAX || !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(fault(&"does not hold one token and nothing else"));
        }
        Ok(Token(token.to_owned()))
    }

    fn check_tags(&self, p: &mut Vec<(String, String)>) {
        if self.tags.len() > TAGS_MAX {
            p.push(("tags".to_owned(), format!("more than {TAGS_MAX}")));
        }
        for (key, value) in &self.tags {
            let at = format!("tags.{}", key.escape_debug());
            let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            if key.is_empty() || key.len() > 40 || key.starts_with('_') || !key.chars().all(fine) {
                p.push((at, "a tag's name is 1 to 40 characters of a-z 0-9 _, the first not _".to_owned()));
            } else if OWN_TAGS.contains(&key.as_str()) || matches!(key.as_str(), "time" | "field" | "measurement") {
                p.push((at, "is taken: Maibo or the server gives it a meaning".to_owned()));
            } else if value.is_empty() || value.len() > 256 {
                p.push((at, "needs 1 to 256 bytes".to_owned()));
            } else if let Err(error) = line::prefix("m", &[(key, value)]) {
                p.push((at, error.to_string()));
            }
        }
    }
}

type Problems = Vec<(String, String)>;

fn number(p: &mut Problems, key: &str, given: Option<i64>, range: &std::ops::RangeInclusive<i64>) -> usize {
    let value = given.unwrap_or(*range.end());
    if !range.contains(&value) {
        p.push((key.to_owned(), format!("{value} is not a number from {} to {}", range.start(), range.end())));
    }
    usize::try_from(value).unwrap_or_default()
}

fn span(
    p: &mut Problems,
    key: &str,
    given: Option<&str>,
    usual: i64,
    range: &std::ops::RangeInclusive<i64>,
) -> Duration {
    let ms = given.map_or(Some(usual), |text| parse_duration(text).ok().map(|d| d.0));
    if !ms.is_some_and(|ms| range.contains(&ms)) {
        let text = format!("is not a time from {} ms to {} s, such as 10s", range.start(), range.end() / 1_000);
        p.push((key.to_owned(), text));
    }
    Duration::from_millis(ms.unwrap_or_default().unsigned_abs())
}

#[cfg(test)]
mod tests;

//! Robots in chat groups over HTTP: how a request is signed, and what an answer means.
//!
//! They answer HTTP 200 whether they took the message or not; the body says which. Sources: DingTalk's "custom robots" and
//! its list of error codes, Feishu's "custom bots", WeCom's "group robots" and its global return codes.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use maibo_core::notify::{Answer, Refusal};
use maibo_core::time::Timestamp;
use reqwest::Url;
use serde_json::Value;
use sha2::Sha256;

use super::format::Platform;

/// Longest secret, in bytes.
const LENGTH: usize = 256;
/// Characters of a robot's words that are kept.
const WORDS: usize = 200;
/// Shortest part of an address that is taken for a token.
const TOKEN: usize = 8;

/// The secret with which a robot wants its messages signed.
#[derive(Clone)]
pub struct RobotSecret(String);

/// Never shown.
impl fmt::Debug for RobotSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RobotSecret")
    }
}

impl RobotSecret {
    /// Reads a secret file: one line; empty lines and those that begin with `#` are passed over.
    ///
    /// # Errors
    /// Says what is wrong without showing it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        match (lines.next(), lines.next()) {
            (None, _) => Err("holds no secret"),
            (_, Some(_)) => Err("holds more than one secret; a robot has one"),
            (Some(line), None) if line.len() > LENGTH || !line.chars().all(|c| c.is_ascii_graphic()) => {
                Err("is not the secret of a robot")
            }
            (Some(line), None) => Ok(Self(line.to_owned())),
        }
    }
}

/// The address with DingTalk's signature: HMAC-SHA256 with the secret over time in ms, line feed, secret.
pub(super) fn dingtalk(url: &Url, secret: &RobotSecret, now: Timestamp) -> Url {
    let timestamp = now.0.to_string();
    let sign = hmac(secret.0.as_bytes(), format!("{timestamp}\n{}", secret.0).as_bytes());
    let mut url = url.clone();
    url.query_pairs_mut().append_pair("timestamp", &timestamp).append_pair("sign", &sign);
    url
}

/// The body with Feishu's signature in it: HMAC-SHA256 over nothing, with time in s, line feed, secret as the key.
/// `None` where the body is no JSON object.
pub(super) fn feishu(body: &[u8], secret: &RobotSecret, now: Timestamp) -> Option<Vec<u8>> {
    let mut body: Value = serde_json::from_slice(body).ok()?;
    let timestamp = now.0.div_euclid(1_000).to_string();
    let sign = hmac(format!("{timestamp}\n{}", secret.0).as_bytes(), b"");
    let fields = body.as_object_mut()?;
    fields.insert("timestamp".to_owned(), timestamp.into());
    fields.insert("sign".to_owned(), sign.into());
    serde_json::to_vec(&body).ok()
}

fn hmac(key: &[u8], message: &[u8]) -> String {
    // HMAC takes keys of every length; the type cannot say so.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(message);
    STANDARD.encode(mac.finalize().into_bytes())
}

/// What a robot said. `code` is the HTTP status; where the body says nothing and the status is no success, that counts.
pub(super) fn read(platform: Platform, code: u16, body: &[u8], url: &Url) -> Option<Answer> {
    let success = (200..300).contains(&code);
    let body: Option<Value> = serde_json::from_slice(body).ok();
    let number = |key: &str| body.as_ref()?.get(key)?.as_i64();
    let said = match platform {
        Platform::DingTalk | Platform::WeCom => number("errcode"),
        Platform::Feishu => number("code").or_else(|| number("StatusCode")),
    };
    let Some(said) = said else {
        // Something else answers at that address.
        let refusal = || Answer::Refused { refusal: Refusal::Message, words: format!("no robot answers, HTTP {code}") };
        return success.then(refusal);
    };
    if said == 0 {
        return success.then_some(Answer::Taken);
    }
    let text = |key: &str| body.as_ref()?.get(key)?.as_str();
    let text = text("errmsg").or_else(|| text("msg")).or_else(|| text("StatusMessage")).unwrap_or_default();
    let refusal = meaning(platform, said, text);
    Some(Answer::Refused { refusal, words: format!("{said} {}", clean(text, url)).trim_end().to_owned() })
}

fn meaning(platform: Platform, code: i64, text: &str) -> Refusal {
    match (platform, code) {
        // DingTalk: 20 a minute; and whatever is slowed down for a while. WeCom: 20 a minute. Feishu: 100 a minute, 5 a second.
        (Platform::DingTalk, 130_101 | 410_100 | 90_002 | 90_018)
        | (Platform::WeCom, 45_009 | 45_033)
        | (Platform::Feishu, 11_232 | 99_991_400) => Refusal::TooMany,
        // The same number as for a bad request; only the words tell.
        (Platform::Feishu, 9_499) if text.to_ascii_lowercase().contains("too many") => Refusal::TooMany,
        (Platform::DingTalk | Platform::WeCom, -1) | (Platform::Feishu, 19_003 | 11_233) => Refusal::Busy,
        // Security settings (310000: signature, keyword or address), tokens, robots that were taken away.
        (Platform::DingTalk, 310_000 | 300_001 | 300_005 | 400_013 | 400_101 | 400_102 | 400_106)
        | (Platform::WeCom, 93_000 | 93_004 | 93_008 | 40_001 | 40_014)
        | (Platform::Feishu, 19_001 | 19_007 | 19_021 | 19_022 | 19_024) => Refusal::Credentials,
        _ => Refusal::Message,
    }
}

/// A robot's words in one line of bounded length, without what may be a token of its address.
fn clean(text: &str, url: &Url) -> String {
    let mut text = text.to_owned();
    let values: Vec<String> = url.query_pairs().map(|(_, value)| value.into_owned()).collect();
    for secret in values.iter().map(String::as_str).chain(url.path().split('/')).filter(|part| part.len() >= TOKEN) {
        text = text.replace(secret, "…");
    }
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(WORDS).collect()
}

#[cfg(test)]
mod tests;

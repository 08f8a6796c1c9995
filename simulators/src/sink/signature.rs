//! Signatures of Standard Webhooks, version `v1`: HMAC-SHA256 over `id.timestamp.body`.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, Mac as _};
use serde::Serialize;
use sha2::Sha256;

/// A delivery's time may differ from the receiver's by this much, in seconds.
pub const TOLERANCE_S: i64 = 300;

/// Padding may be missing: some senders leave it out of secrets.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Signed with the secret, in time.
    Valid,
    /// No secret is known, nothing was checked.
    Unchecked,
    /// `webhook-id`, `webhook-timestamp` or `webhook-signature` is missing.
    MissingHeader,
    /// The timestamp is no number of seconds.
    BadTimestamp,
    /// The timestamp is too old or too far ahead.
    OutsideTolerance,
    /// No signature of version `v1` fits.
    BadSignature,
}

/// The key of a secret `whsec_<base64>`; the prefix may be missing.
///
/// # Errors
/// Where it is no base64.
pub fn key(secret: &str) -> anyhow::Result<Vec<u8>> {
    Ok(BASE64.decode(secret.strip_prefix("whsec_").unwrap_or(secret))?)
}

/// The headers of a delivery.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headers<'a> {
    /// `webhook-id`
    pub id: Option<&'a str>,
    /// `webhook-timestamp`
    pub timestamp: Option<&'a str>,
    /// `webhook-signature`
    pub signature: Option<&'a str>,
}

/// Checks a delivery that arrived at `now_s` (seconds since 1970). Comparison takes the same time for any signature.
pub fn verify(key: &[u8], headers: Headers<'_>, body: &[u8], now_s: i64) -> Verdict {
    let Headers { id: Some(id), timestamp: Some(timestamp), signature: Some(signature) } = headers else {
        return Verdict::MissingHeader;
    };
    let Ok(seconds) = timestamp.parse::<i64>() else { return Verdict::BadTimestamp };
    if seconds.abs_diff(now_s) > TOLERANCE_S.unsigned_abs() {
        return Verdict::OutsideTolerance;
    }
    let given = signature.split(' ').filter_map(|s| s.strip_prefix("v1,"));
    let fits = |given: &str| {
        let Ok(mac) = Hmac::<Sha256>::new_from_slice(key) else { return false };
        let mac = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].iter().fold(mac, Hmac::chain_update);
        BASE64.decode(given).is_ok_and(|given| mac.verify_slice(&given).is_ok())
    };
    if given.into_iter().any(fits) { Verdict::Valid } else { Verdict::BadSignature }
}

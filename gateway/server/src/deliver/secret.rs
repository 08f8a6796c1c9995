//! Secrets of receivers, and signatures with them (Standard Webhooks, symmetric, `v1`).

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Shortest and longest secret, in bytes.
const LENGTH: std::ops::RangeInclusive<usize> = 24..=64;
/// Secrets of one receiver; a rotation needs two.
const MAX: usize = 8;

/// With or without padding, as the reference libraries take it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// One receiver's secrets: while they are rotated several, and then every message carries a signature with each.
#[derive(Clone)]
pub struct Secrets(Vec<Vec<u8>>);

/// Says how many, never which.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

impl Secrets {
    /// Reads a secret file: one `whsec_<base64>` a line; empty lines and those that begin with `#` are passed over.
    ///
    /// # Errors
    /// Says what is wrong by line number, without showing the line.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        let (mut secrets, mut problems) = (Vec::new(), Vec::new());
        for (n, line) in (1..).zip(text.lines().map(str::trim)) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match BASE64.decode(line.strip_prefix("whsec_").unwrap_or(line)) {
                Ok(secret) if LENGTH.contains(&secret.len()) => secrets.push(secret),
                Ok(secret) => {
                    problems.push(format!("line {n}: a secret has 24 to 64 bytes, this one {}", secret.len()));
                }
                Err(_) => problems.push(format!("line {n}: not whsec_ and base64")),
            }
        }
        if secrets.is_empty() && problems.is_empty() {
            problems.push("holds no secret".to_owned());
        }
        if secrets.len() > MAX {
            problems.push(format!("holds more than {MAX} secrets"));
        }
        if problems.is_empty() { Ok(Self(secrets)) } else { Err(problems) }
    }
}

/// The value of `webhook-signature`: HMAC-SHA256 over `{id}.{timestamp}.{body}` with each secret, separated by spaces.
/// `timestamp` is the attempt's, in seconds since 1970.
pub fn sign(secrets: &Secrets, id: &str, timestamp: i64, body: &[u8]) -> String {
    let mut header = String::new();
    for secret in &secrets.0 {
        // HMAC takes keys of every length; the type cannot say so.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { continue };
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        if !header.is_empty() {
            header.push(' ');
        }
        header.push_str("v1,");
        BASE64.encode_string(mac.finalize().into_bytes(), &mut header);
    }
    header
}

//! What is kept of a payload that had a problem, for the quarantine.

use sha2::{Digest, Sha256};

/// What is kept of a payload that had a problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sample {
    /// The payload's beginning, at most 1,024 bytes, with string values and long numbers masked.
    Redacted(String),
    /// Only the SHA-256 of the payload: formats that describe vehicles and people leave nothing else.
    HashOnly([u8; 32]),
}

impl Sample {
    /// Most bytes of a redacted text.
    pub const MAX: usize = 1024;

    /// The hash of the payload and nothing else.
    pub fn hash(payload: &[u8]) -> Self {
        Self::HashOnly(Sha256::digest(payload).into())
    }

    /// The beginning of the payload: structure, keys and short numbers stay readable, string values and runs of more than
    /// 8 digits do not.
    ///
    /// Works on broken payloads too, so it scans instead of parsing: a string followed by `:` is a key. What is not
    /// text at all is masked throughout.
    pub fn redacted(payload: &[u8]) -> Self {
        let mut window = payload.get(..Self::MAX).unwrap_or(payload);
        // A character cut by the window is not broken text; what is left of it is dropped.
        let text = match core::str::from_utf8(window) {
            Ok(text) => Some(text),
            Err(e) if e.error_len().is_none() && window.len() == Self::MAX => {
                window = &window[..e.valid_up_to()];
                core::str::from_utf8(window).ok()
            }
            Err(_) => None,
        };
        let looks_json = text.is_some_and(|t| t.trim_start_matches('\u{feff}').trim_start().starts_with(['{', '[']));
        let mut out = String::with_capacity(window.len());
        match text {
            Some(text) if looks_json => redact_json(text, &mut out),
            Some(text) => out.extend(text.chars().map(masked)),
            None => out.extend(window.iter().map(|b| masked(char::from(*b)))),
        }
        Self::Redacted(out)
    }
}

/// Longest run of digits outside strings that stays readable.
const MAX_DIGITS: usize = 8;

const fn masked(c: char) -> char {
    match c {
        '0'..='9' => '0',
        ' '..='/' | ':'..='@' | '['..='`' | '{'..='~' | '\n' | '\t' => c,
        'a'..='z' | 'A'..='Z' => 'x',
        _ => '.',
    }
}

fn redact_json(text: &str, out: &mut String) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'"' {
            at += redact_bare(&bytes[at..], out);
            continue;
        }
        let end = string_end(bytes, at);
        let inside = &text[at + 1..end.min(text.len())];
        let is_key = bytes
            .get(end + 1..)
            .is_some_and(|rest| rest.iter().find(|b| !b.is_ascii_whitespace()).is_some_and(|b| *b == b':'));
        out.push('"');
        out.extend(inside.chars().take(Sample::MAX).map(|c| match c {
            c if is_key && (c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')) => c,
            c => masked(c),
        }));
        if end < bytes.len() {
            out.push('"');
        }
        at = end + 1;
    }
}

/// Masks one byte outside strings, or one run of digits; says how many bytes it took. A long run can be a telephone
/// number; what is measured has fewer digits.
fn redact_bare(rest: &[u8], out: &mut String) -> usize {
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    if digits == 0 {
        // Outside strings JSON is ASCII; anything else is not JSON.
        let c = rest.first().map_or(' ', |b| char::from(*b));
        out.push(if c.is_ascii_graphic() || matches!(c, ' ' | '\n' | '\t') { c } else { '.' });
        return 1;
    }
    out.extend(rest[..digits].iter().map(|b| if digits > MAX_DIGITS { '0' } else { char::from(*b) }));
    digits
}

/// Index of the quote that closes the string opened at `open`, or the length where there is none.
fn string_end(bytes: &[u8], open: usize) -> usize {
    let mut at = open + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at,
            _ => at += 1,
        }
    }
    bytes.len()
}

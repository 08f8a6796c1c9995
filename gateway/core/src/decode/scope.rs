//! Reporting problems of one message: bounded in number and length, with a sample only where one may be kept.

use core::fmt::{self, Write};

use super::output::{Decoded, Problem, ProblemReason};
use super::sample::Sample;
use super::{Decoder, Message};

/// Longest problem text, in characters.
const MAX_DETAIL: usize = 200;

/// One message being decoded.
pub(super) struct Scope<'a> {
    format: &'static str,
    private: bool,
    payload: &'a [u8],
    /// Index of the message's first problem.
    first: usize,
}

impl<'a> Scope<'a> {
    /// For a format whose samples may be kept, redacted.
    pub(super) fn open(format: &'static str, m: &Message<'a>, out: &Decoded) -> Self {
        Self { format, private: false, payload: m.payload, first: out.problems.len() }
    }

    /// For a format of which nothing but the hash may be kept, or where the format is not known.
    pub(super) fn private(format: &'static str, m: &Message<'a>, out: &Decoded) -> Self {
        Self { format, private: true, payload: m.payload, first: out.problems.len() }
    }

    /// As the decoder says.
    pub(super) fn of(decoder: &dyn Decoder, m: &Message<'a>, out: &Decoded) -> Self {
        Self { format: decoder.format(), private: decoder.is_private(), payload: m.payload, first: out.problems.len() }
    }

    /// Adds a problem. `detail` may name fields, never values.
    pub(super) fn problem(&self, out: &mut Decoded, reason: ProblemReason, detail: impl fmt::Display) {
        self.report(out, reason, detail, None);
    }

    /// Adds a problem with the place where the syntax broke.
    pub(super) fn report(
        &self,
        out: &mut Decoded,
        reason: ProblemReason,
        detail: impl fmt::Display,
        offset: Option<usize>,
    ) {
        let mine = &mut out.problems[self.first..];
        if mine.iter().filter(|p| p.reason == reason).count() >= Decoded::PROBLEMS_PER_REASON {
            if let Some(last) = mine.iter_mut().rev().find(|p| p.reason == reason) {
                last.times = last.times.saturating_add(1);
            }
            return;
        }
        // Redacting and hashing cost a pass over the payload: once per message is enough.
        let sample = match mine.first() {
            Some(earlier) => earlier.sample.clone(),
            None if self.private => Sample::hash(self.payload),
            None => Sample::redacted(self.payload),
        };
        let mut text = Bounded { text: String::new(), left: MAX_DETAIL };
        // The only error is the bound being reached, which is the point.
        let _ = write!(text, "{detail}");
        out.problems.push(Problem { format: self.format, reason, detail: text.text, offset, sample, times: 1 });
    }
}

/// Takes so many characters and drops the rest; what cannot be shown safely becomes `.`.
struct Bounded {
    text: String,
    left: usize,
}

impl Write for Bounded {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        for c in s.chars() {
            if self.left == 0 {
                return Err(fmt::Error);
            }
            self.left -= 1;
            self.text.push(if c == ' ' || c.is_ascii_graphic() { c } else { '.' });
        }
        Ok(())
    }
}

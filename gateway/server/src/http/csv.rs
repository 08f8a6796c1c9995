//! Tables as text (RFC 4180): a comma between cells, CR LF behind a row, quotes where a cell needs them, UTF-8.
//!
//! A text cell that a spreadsheet would take for a formula gets an apostrophe in front: names come from devices and
//! people, and a table is opened by somebody else. Numbers and times are ours and stay as they are.

use std::fmt::{Display, Write as _};

/// The media type, with which a header row comes.
pub(super) const TYPE: &str = "text/csv; charset=utf-8; header=present";

/// Rows as they are written.
#[derive(Debug, Default)]
pub(super) struct Rows {
    text: String,
    begun: bool,
}

impl Rows {
    /// Bytes so far.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// A cell of words.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.part();
        // A spreadsheet passes over spaces and line ends in front.
        let formula = text.trim_start_matches([' ', '\n']).starts_with(['=', '+', '-', '@', '\t', '\r']);
        if formula || text.contains(['"', ',', '\r', '\n']) {
            self.text.push('"');
            if formula {
                self.text.push('\'');
            }
            self.text.push_str(&text.replace('"', "\"\""));
            self.text.push('"');
        } else {
            self.text.push_str(text);
        }
        self
    }

    /// A cell of words, empty where there are none.
    pub(super) fn maybe(&mut self, text: Option<&str>) -> &mut Self {
        self.text(text.unwrap_or_default())
    }

    /// A cell that cannot hold anything but letters, digits, signs and points: a number, a time, a truth.
    pub(super) fn plain(&mut self, value: impl Display) -> &mut Self {
        self.part();
        // Writing to a String does not fail.
        let _ = write!(self.text, "{value}");
        self
    }

    /// Ends the row.
    pub(super) fn end(&mut self) {
        self.text.push_str("\r\n");
        self.begun = false;
    }

    /// What was written.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.text.into_bytes()
    }

    fn part(&mut self) {
        if std::mem::replace(&mut self.begun, true) {
            self.text.push(',');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // P: what a device or an operator calls itself is never run by a spreadsheet, and every cell comes back as it was.
    #[test]
    fn cells() {
        let cell = |text: &str| {
            let mut rows = Rows::default();
            rows.text(text).plain(-1.5).end();
            String::from_utf8(rows.into_bytes()).expect("UTF-8")
        };
        assert_eq!(cell("桥区 A"), "桥区 A,-1.5\r\n");
        assert_eq!(cell("a,b"), "\"a,b\",-1.5\r\n");
        assert_eq!(cell("say \"no\"\r\nor"), "\"say \"\"no\"\"\r\nor\",-1.5\r\n");
        for formula in ["=1+1", "+1", "-1", "@x", "\tx", "\rx", " =x", "\n=x"] {
            assert_eq!(cell(formula), format!("\"'{formula}\",-1.5\r\n"), "{formula:?}");
        }
        let mut rows = Rows::default();
        rows.maybe(None).text("").plain(1).end();
        rows.text("x").end();
        assert_eq!(rows.into_bytes(), b",,1\r\nx\r\n");
    }
}

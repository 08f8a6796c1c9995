//! MQTT topic names and filters.
//!
//! A topic reaches a decoder only if it is well formed by the allow-list of [`check_name`] and a filter of some route
//! takes it. A topic never becomes a path, a subject or a query of anything else.

use core::fmt;

/// Longest topic or filter, in bytes.
pub const MAX_TOPIC: usize = 256;

/// A topic filter with the wildcards of MQTT: `+` for one level, `#` at the end for the rest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicFilter(String);

/// Why a text is no topic or no filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// Nothing at all, or longer than [`MAX_TOPIC`].
    #[error("a topic has 1 to 256 bytes")]
    Length,
    /// A control character, space, or a byte outside ASCII.
    #[error("a topic has visible ASCII characters only")]
    Character,
    /// Two slashes in a row, or one at the end.
    #[error("a topic level is empty")]
    EmptyLevel,
    /// `+` or `#` where MQTT does not allow it.
    #[error("a wildcard stands where it must not")]
    Wildcard,
}

/// Checks the name of a topic a message came on: visible ASCII, no wildcard, no empty level but the first.
///
/// # Errors
/// Says which rule it breaks.
pub fn check_name(topic: &str) -> Result<(), TopicError> {
    check_characters(topic)?;
    if topic.bytes().any(|b| matches!(b, b'+' | b'#')) { Err(TopicError::Wildcard) } else { Ok(()) }
}

fn check_characters(text: &str) -> Result<(), TopicError> {
    if text.is_empty() || text.len() > MAX_TOPIC {
        return Err(TopicError::Length);
    }
    if !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(TopicError::Character);
    }
    // Vendors do begin topics with a slash, so only the first level may be empty.
    if text.split('/').skip(1).any(str::is_empty) {
        return Err(TopicError::EmptyLevel);
    }
    Ok(())
}

impl TopicFilter {
    /// Checks `filter`.
    ///
    /// # Errors
    /// Says which rule it breaks.
    pub fn new(filter: &str) -> Result<Self, TopicError> {
        check_characters(filter)?;
        let last = filter.split('/').count() - 1;
        for (i, level) in filter.split('/').enumerate() {
            let alone = level.len() == 1;
            let bad = (level.contains('+') && !alone) || (level.contains('#') && !(alone && i == last));
            if bad {
                return Err(TopicError::Wildcard);
            }
        }
        Ok(Self(filter.to_owned()))
    }

    /// Whether a message on `topic` is meant. A leading wildcard does not take topics that begin with `$`.
    pub fn matches(&self, topic: &str) -> bool {
        if topic.starts_with('$') && self.0.starts_with(['+', '#']) {
            return false;
        }
        let mut levels = topic.split('/');
        for wanted in self.0.split('/') {
            if wanted == "#" {
                return true;
            }
            match levels.next() {
                Some(level) if wanted == "+" || wanted == level => {}
                _ => return false,
            }
        }
        levels.next().is_none()
    }

    /// The filter as text, for the subscription.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TopicFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(filter: &str, topic: &str) -> bool {
        TopicFilter::new(filter).is_ok_and(|f| f.matches(topic))
    }

    // Protects routing: wildcards mean what MQTT says.
    #[test]
    fn wildcards() {
        assert!(matches("maibo/v1/+/telemetry", "maibo/v1/d1/telemetry"));
        assert!(!matches("maibo/v1/+/telemetry", "maibo/v1/d1/x/telemetry"));
        assert!(!matches("maibo/v1/+/telemetry", "maibo/v1/telemetry"));
        assert!(matches("V2X/#", "V2X/RSU/HB/UP"));
        assert!(matches("V2X/#", "V2X"));
        assert!(!matches("V2X/#", "V2Y/RSU"));
        assert!(!matches("#", "$SYS/broker"));
        assert!(!matches("+/broker", "$SYS/broker"));
        assert!(matches("/sys/+/up", "/sys/d/up"));
        assert!(!matches("a/b", "a/b/c"));
        assert!(!matches("a/+", "a"));
    }

    // Protects fault row 44: odd topics are refused by an allow-list.
    #[test]
    fn odd_names_are_refused() {
        let long = "a".repeat(70_000);
        for bad in ["", "a/+/b", "a/#", "a//b", "a/", "a b", "a/\0", "a/\u{202e}b", "a/é", long.as_str()] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
        for bad in ["a/#/b", "a+", "a/b#", "", "a//b", "a/+b/c"] {
            assert!(TopicFilter::new(bad).is_err(), "{bad:?}");
        }
        assert!(check_name("/sys/d/up").is_ok());
    }
}

//! The two languages of what is told, and how times are written in them.

use jiff::tz::{Offset, TimeZone};
use maibo_api::{Level, Words};
use maibo_core::time::Timestamp;

/// Beijing time.
const OFFSET: Offset = Offset::constant(8);

/// Chinese goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::deliver) enum Language {
    Chinese,
    English,
}

impl Language {
    pub(in crate::deliver) const BOTH: [Self; 2] = [Self::Chinese, Self::English];

    pub(super) fn of(self, words: &Words) -> &str {
        self.pick(&words.zh, &words.en)
    }

    pub(super) const fn pick<'a>(self, chinese: &'a str, english: &'a str) -> &'a str {
        match self {
            Self::Chinese => chinese,
            Self::English => english,
        }
    }

    pub(super) const fn tag(self) -> &'static str {
        match self {
            Self::Chinese => "zh-CN",
            Self::English => "en",
        }
    }

    /// The colour of a level as a word.
    pub(super) const fn level(self, level: Level) -> &'static str {
        match level {
            Level::Blue => self.pick("蓝色", "blue"),
            Level::Yellow => self.pick("黄色", "yellow"),
            Level::Orange => self.pick("橙色", "orange"),
            Level::Red => self.pick("红色", "red"),
        }
    }
}

/// A point in time in Beijing.
pub(super) fn local(at: Timestamp) -> jiff::Zoned {
    jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_zoned(TimeZone::fixed(OFFSET))
}

/// A time as the interface writes it.
pub(super) fn read(time: &str) -> Option<Timestamp> {
    time.parse::<jiff::Timestamp>().ok().map(|t| Timestamp(t.as_millisecond()))
}

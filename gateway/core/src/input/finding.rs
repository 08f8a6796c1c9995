//! What Maibo found out about itself: that one of its parts does not do what it should, or does it again.

use minicbor::{Decode, Encode};

use crate::id::{PartId, RuleId};
use crate::place::Level;
use crate::reading::Text;
use crate::time::Timestamp;

/// Longest words of a finding, in bytes of each language.
pub const MAX_FOUND: usize = 600;

/// What is looked after. Each has a rule of the same name and a page in `docs/operate/own-alerts.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Check {
    /// Room on the disk of the data directory.
    #[n(0)]
    Disk,
    /// How long the disk takes to make a commit durable.
    #[n(1)]
    SlowDisk,
    /// Inputs were dropped before everybody had them.
    #[n(2)]
    Gap,
    /// Something that reads the logs does not come along: history, alerts for queries, delivery.
    #[n(3)]
    Follower,
    /// The long-term store takes nothing.
    #[n(4)]
    Sink,
    /// A receiver of alerts does not answer.
    #[n(5)]
    Receiver,
    /// The machine's clock differs from the time servers.
    #[n(6)]
    Time,
    /// More comes in than can be done, and something was left out.
    #[n(7)]
    Overload,
    /// A device sends more than it may.
    #[n(8)]
    Flood,
    /// A message that Maibo sends itself does not come through.
    #[n(9)]
    Canary,
    /// Nothing was taken in or decided. Told without a record while it lasts, on record when it is over.
    #[n(10)]
    Standstill,
}

impl Check {
    /// All there are.
    pub const ALL: [Self; 11] = [
        Self::Disk,
        Self::SlowDisk,
        Self::Gap,
        Self::Follower,
        Self::Sink,
        Self::Receiver,
        Self::Time,
        Self::Overload,
        Self::Flood,
        Self::Canary,
        Self::Standstill,
    ];

    /// The rule that is broken.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Disk => "maibo-disk",
            Self::SlowDisk => "maibo-slow-disk",
            Self::Gap => "maibo-gap",
            Self::Follower => "maibo-follower",
            Self::Sink => "maibo-sink",
            Self::Receiver => "maibo-receiver",
            Self::Time => "maibo-time",
            Self::Overload => "maibo-overload",
            Self::Flood => "maibo-flood",
            Self::Canary => "maibo-canary",
            Self::Standstill => "maibo-standstill",
        }
    }

    /// Which check a rule belongs to.
    pub fn of(rule: &RuleId) -> Option<Self> {
        Self::ALL.into_iter().find(|check| check.rule() == rule.as_str())
    }

    /// What people call it.
    pub const fn title(self) -> (&'static str, &'static str) {
        match self {
            Self::Disk => ("磁盘空间不足", "Disk space is short"),
            Self::SlowDisk => ("磁盘写入缓慢", "The disk is slow"),
            Self::Gap => ("部分读数未入历史", "Readings are missing from history"),
            Self::Follower => ("后台任务滞后", "A background part does not come along"),
            Self::Sink => ("长期存储未写入", "The long-term store takes nothing"),
            Self::Receiver => ("接收方无应答", "A receiver does not answer"),
            Self::Time => ("服务器时钟偏差", "The server's clock is off"),
            Self::Overload => ("系统过载", "Overload"),
            Self::Flood => ("设备消息过量", "A device floods"),
            Self::Canary => ("自检消息未通过", "The canary does not come through"),
            Self::Standstill => ("系统停滞", "Maibo stands still"),
        }
    }
}

/// The words of a finding, for people: what is the matter, with its numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Found {
    /// Chinese.
    #[n(0)]
    pub zh: Text,
    /// English.
    #[n(1)]
    pub en: Text,
}

impl Found {
    /// Takes both, each cut to [`MAX_FOUND`].
    pub fn new(zh: &str, en: &str) -> Self {
        Self { zh: Text::from(cut(zh)), en: Text::from(cut(en)) }
    }
}

fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_FOUND)).unwrap_or(text)
}

/// How one part of Maibo is. The latest counts.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Finding {
    /// What was looked at.
    #[n(0)]
    pub check: Check,
    /// Which part it is about, such as `data` or the name of a receiver.
    #[n(1)]
    pub part: PartId,
    /// How bad it is; `None`: it is well.
    #[n(2)]
    pub level: Option<Level>,
    /// Since when, at most the batch's `now`.
    #[n(3)]
    pub since: Timestamp,
    /// In words.
    #[n(4)]
    pub found: Found,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    // Every check has a rule name that is one, of its own, and is found by it; long words are cut between characters.
    #[test]
    fn checks() {
        for check in Check::ALL {
            assert_eq!(Check::of(&RuleId::new(check.rule()).unwrap()), Some(check));
        }
        assert_eq!(Check::of(&RuleId::new("maibo-source").unwrap()), None);
        let found = Found::new(&"满".repeat(500), "full");
        assert_eq!((found.zh.len(), &*found.en), (MAX_FOUND, "full"));
    }
}

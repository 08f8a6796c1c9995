//! Words that every resource shares.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// RFC 3339 in UTC with milliseconds, such as `2026-11-23T12:00:00.000Z`.
pub type Time = String;

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type Ms = i64;

/// A title or name in both languages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Words {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// Warning level, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// 蓝 IV
    Blue,
    /// 黄 III
    Yellow,
    /// 橙 II
    Orange,
    /// 红 I
    Red,
}

/// One of the six domains of city operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Domain {
    /// 市政管理
    Municipal,
    /// 城市交通
    Traffic,
    /// 生态环境
    Ecology,
    /// 公共卫生
    Health,
    /// 社会安全
    Safety,
    /// 应急管理
    Emergency,
}

/// How many of something by level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LevelCounts {
    /// Blue ones.
    pub blue: u64,
    /// Yellow ones.
    pub yellow: u64,
    /// Orange ones.
    pub orange: u64,
    /// Red ones.
    pub red: u64,
}

impl LevelCounts {
    /// The count of one level.
    pub fn of(&mut self, level: Level) -> &mut u64 {
        match level {
            Level::Blue => &mut self.blue,
            Level::Yellow => &mut self.yellow,
            Level::Orange => &mut self.orange,
            Level::Red => &mut self.red,
        }
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// In the list's order.
    pub items: Vec<T>,
    /// To be given as `cursor` for the next page; `null` at the end.
    pub next: Option<String>,
}

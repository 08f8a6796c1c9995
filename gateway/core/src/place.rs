//! The city's vocabulary: the six domains of Art. 40 and the four warning levels.

use minicbor::{Decode, Encode};

/// The six domains of city operation of Art. 40, Beijing Digital Economy Promotion Regulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Domain {
    /// 市政管理
    #[n(0)]
    Municipal,
    /// 城市交通
    #[n(1)]
    Traffic,
    /// 生态环境
    #[n(2)]
    Ecology,
    /// 公共卫生
    #[n(3)]
    Health,
    /// 社会安全
    #[n(4)]
    Safety,
    /// 应急管理
    #[n(5)]
    Emergency,
}

impl Domain {
    /// All six, in the regulation's order.
    pub const ALL: [Self; 6] =
        [Self::Municipal, Self::Traffic, Self::Ecology, Self::Health, Self::Safety, Self::Emergency];

    /// The word on every interface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Municipal => "municipal",
            Self::Traffic => "traffic",
            Self::Ecology => "ecology",
            Self::Health => "health",
            Self::Safety => "safety",
            Self::Emergency => "emergency",
        }
    }

    /// Reads the word of [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|d| d.as_str() == text)
    }
}

/// Warning level, 蓝 IV (lowest) to 红 I (highest).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Level {
    /// 蓝 IV 一般
    #[n(0)]
    Blue,
    /// 黄 III 较大
    #[n(1)]
    Yellow,
    /// 橙 II 重大
    #[n(2)]
    Orange,
    /// 红 I 特别重大
    #[n(3)]
    Red,
}

impl Level {
    /// All four, lowest first.
    pub const ALL: [Self; 4] = [Self::Blue, Self::Yellow, Self::Orange, Self::Red];

    /// The word on every interface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blue => "blue",
            Self::Yellow => "yellow",
            Self::Orange => "orange",
            Self::Red => "red",
        }
    }

    /// Reads the word of [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|l| l.as_str() == text)
    }
}

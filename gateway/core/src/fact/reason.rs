//! Why an alert changed.

use minicbor::{Decode, Encode};

/// Why an alert changed. The same word in code, log, metric label, API and runbook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Reason {
    /// The value reached the level's limit for long enough.
    #[n(0)]
    Threshold,
    /// A higher level came on.
    #[n(1)]
    Raised,
    /// The highest level on is lower than before.
    #[n(2)]
    Lowered,
    /// The value was back for `keep_firing_for`.
    #[n(3)]
    Recovered,
    /// Nothing was heard for too long.
    #[n(4)]
    Absent,
    /// Heard again.
    #[n(5)]
    Returned,
    /// The data behind a firing alert went stale.
    #[n(6)]
    DataStale,
    /// Data flow again behind a firing alert.
    #[n(7)]
    DataFresh,
    /// An operator acknowledged.
    #[n(8)]
    Acknowledged,
    /// The rule was edited and the new version judges otherwise.
    #[n(9)]
    RuleChanged,
    /// The rule is gone.
    #[n(10)]
    RuleRemoved,
    /// A value inside the held span contradicts what `for` was completed on.
    #[n(11)]
    Contradicted,
    /// A source of messages went silent.
    #[n(12)]
    SourceDeaf,
    /// The source delivers again.
    #[n(13)]
    SourceListening,
    /// The device left the catalogue or the rule's selection.
    #[n(14)]
    SubjectGone,
    /// The device's clock was wrong several times.
    #[n(15)]
    ClockWrong,
    /// The device's clock was right several times in a row.
    #[n(16)]
    ClockRight,
    /// A device reported an event, or a person opened a drill.
    #[n(17)]
    Event,
    /// The device said that the event is over.
    #[n(18)]
    EventCancelled,
    /// The event's or drill's time was over, or an event was not repeated for too long.
    #[n(19)]
    EventExpired,
    /// Another period of the rule's schedule began, or it fell asleep.
    #[n(30)]
    Calendar,
    /// Enough devices of one place reached the level at about the same time.
    #[n(28)]
    Quorum,
    /// There were fewer for `keep_firing_for`.
    #[n(29)]
    QuorumLost,
    /// An operator said who works on it.
    #[n(20)]
    Assigned,
    /// An operator said something about it.
    #[n(21)]
    Commented,
    /// An operator stopped the tellings for a while.
    #[n(22)]
    Silenced,
    /// The silence came to its end.
    #[n(23)]
    SilenceOver,
    /// An operator ended the silence.
    #[n(24)]
    Unsilenced,
    /// An operator ended the episode.
    #[n(25)]
    Closed,
    /// An operator reported what was done.
    #[n(26)]
    FedBack,
    /// Nobody took notice for too long.
    #[n(27)]
    Unacknowledged,
    /// A part of Maibo itself does not do what it should.
    #[n(31)]
    Unwell,
    /// It does again.
    #[n(32)]
    Well,
    /// A task of a response plan was not done in time.
    #[n(33)]
    Escalated,
}

impl Reason {
    /// The word on every interface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Threshold => "threshold",
            Self::Raised => "raised",
            Self::Lowered => "lowered",
            Self::Recovered => "recovered",
            Self::Absent => "absent",
            Self::Returned => "returned",
            Self::DataStale => "data_stale",
            Self::DataFresh => "data_fresh",
            Self::Acknowledged => "acknowledged",
            Self::RuleChanged => "rule_changed",
            Self::RuleRemoved => "rule_removed",
            Self::Contradicted => "contradicted",
            Self::SourceDeaf => "source_deaf",
            Self::SourceListening => "source_listening",
            Self::SubjectGone => "subject_gone",
            Self::ClockWrong => "clock_wrong",
            Self::ClockRight => "clock_right",
            Self::Event => "event",
            Self::EventCancelled => "event_cancelled",
            Self::EventExpired => "event_expired",
            Self::Calendar => "calendar",
            Self::Quorum => "quorum",
            Self::QuorumLost => "quorum_lost",
            Self::Assigned => "assigned",
            Self::Commented => "commented",
            Self::Silenced => "silenced",
            Self::SilenceOver => "silence_over",
            Self::Unsilenced => "unsilenced",
            Self::Closed => "closed",
            Self::FedBack => "fed_back",
            Self::Unacknowledged => "unacknowledged",
            Self::Unwell => "unwell",
            Self::Well => "well",
            Self::Escalated => "escalated",
        }
    }

    /// Whether it is about what people or Maibo's own clock did: such a version leaves the event time as it was.
    pub const fn is_handling(self) -> bool {
        matches!(
            self,
            Self::Acknowledged
                | Self::Assigned
                | Self::Commented
                | Self::Silenced
                | Self::SilenceOver
                | Self::Unsilenced
                | Self::Closed
                | Self::FedBack
                | Self::Unacknowledged
                | Self::Escalated
        )
    }

    /// Whether such a version, made by a command, decides something: it refuses commands of others that did not see it. What is
    /// only said refuses nobody.
    pub const fn decides(self) -> bool {
        !matches!(self, Self::Commented | Self::Escalated)
    }
}

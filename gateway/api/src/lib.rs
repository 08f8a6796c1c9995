//! Speaks: the wire types of HTTP, WebSocket and webhook.
//!
//! Place in the data path: the last step outwards. The server fills these values and the page reads them; nothing here
//! decides, looks up or converts.
//!
//! Invariants: times in HTTP bodies are RFC 3339 text in UTC with milliseconds ([`Time`]), times in WebSocket frames and
//! in the view's columns are integer milliseconds since 1970 ([`Ms`]); identifiers are texts; a field that can be absent
//! is present as `null`. Golden files in the tests hold the shape of [`Alert`] and of every frame.

mod act;
mod alarm;
mod alert;
mod answer;
mod backtest;
mod common;
mod delivery;
mod device;
mod drill;
mod frame;
mod handling;
mod incident;
mod index;
mod maintenance;
mod place;
mod plan;
mod plan_text;
mod problem;
mod quarantine;
mod receiver;
mod rule;
mod status;
mod timeline;
mod trial;
mod view;

pub use act::{Acknowledge, Assign, Close, Comment, Feedback, Silence, Stage, Unsilence};
pub use alarm::{AlarmTaken, GettableAlert, GettableStatus, PostableAlert};
pub use alert::{Alert, AlertDetail, AlertState, AlertVersion, DataState, Measure, Subject};
pub use answer::{Answer, AnswerStage, EnteredAnswer};
pub use backtest::{
    Against, BacktestChange, BacktestData, BacktestDetection, BacktestDifference, BacktestEpisode, BacktestLoad,
    BacktestOver, BacktestPeak, BacktestReading, BacktestReport, BacktestRequest, BacktestRule, BadLine, Pack, Strain,
};
pub use common::{Domain, Level, LevelCounts, Ms, Page, Time, Words};
pub use delivery::{Delivery, Dismiss, Dismissed, Outcome};
pub use device::{Device, DeviceState, DeviceValue, Points, Series, UnknownWhy};
pub use drill::OpenDrill;
pub use frame::{
    AlertFrame, Bye, ByeCode, ClientFrame, DeviceFrame, DistrictState, Heartbeat, Hello, Indices, Resume, Score,
    ServerFrame, Welcome, WelcomeMode,
};
pub use handling::{Acknowledged, Assigned, Silenced, Stamp, Stamps};
pub use incident::{Incident, IncidentDetail, IncidentState};
pub use index::{
    Index, IndexCap, IndexCause, IndexDevice, IndexExplanation, IndexKind, IndexMissing, IndexPart, IndexRest,
    IndexUnknown,
};
pub use maintenance::{Maintenance, MaintenanceState, PlanMaintenance};
pub use place::{DomainState, Feature, FeatureCollection, Place};
pub use plan::{
    Escalated, Plan, PlanOrder, PlanRun, PlanRung, PlanSimulation, PlanTask, RunTask, SimulatePlans, SimulatedEvent,
    SimulatedTelling, TaskState, ToldBecause,
};
pub use plan_text::{
    PlanDifference, PlanText, PlanTexts, PlanVersion, PlansActivated, PlansUpload, RungText, TaskText, WordsText,
};
pub use problem::{Code, ConflictReason, Problem};
pub use quarantine::QuarantineEntry;
pub use receiver::{Circuit, Receiver, ReceiverHealth, ReceiverTest};
pub use rule::{Confidence, Direction, Limit, Rule, RuleExpression, RuleInput, RuleTerm};
pub use status::{Counters, LogState, Parts, Ready, Sink, SinkGap, SinkState, Source, SourceState, Status};
pub use timeline::{StampName, TimelineEntry, TimelineKind};
pub use trial::{RuleDifference, RuleTexts, RuleVersion, RulesActivated, RulesUpload, ShadowReport};
pub use view::{FeaturedSeries, Snapshot, ViewDevices};

/// Every schema of the API, to be merged with the paths into one OpenAPI document.
#[derive(utoipa::OpenApi)]
#[openapi(components(schemas(
    Acknowledge,
    AlarmTaken,
    Alert,
    AlertDetail,
    AlertVersion,
    Answer,
    Assign,
    BacktestReport,
    BacktestRequest,
    Circuit,
    ClientFrame,
    Close,
    Comment,
    Delivery,
    Device,
    Dismiss,
    DomainState,
    EnteredAnswer,
    FeatureCollection,
    Feedback,
    GettableAlert,
    IncidentDetail,
    Index,
    IndexExplanation,
    OpenDrill,
    Place,
    PostableAlert,
    Problem,
    QuarantineEntry,
    Ready,
    Receiver,
    ReceiverTest,
    Rule,
    RuleTexts,
    RuleVersion,
    RulesActivated,
    RulesUpload,
    Series,
    ShadowReport,
    ServerFrame,
    Silence,
    Snapshot,
    Status,
    TimelineEntry,
    Unsilence,
    ViewDevices,
)))]
pub struct Schemas;

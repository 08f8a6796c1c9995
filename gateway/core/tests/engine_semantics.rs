//! The meaning of every case: one named scenario for each decision about time, rules, alerts and operators.

mod engine_world;

#[path = "engine_semantics/absence.rs"]
mod absence;
#[path = "engine_semantics/air.rs"]
mod air;
#[path = "engine_semantics/baseline.rs"]
mod baseline;
#[path = "engine_semantics/calendar.rs"]
mod calendar;
#[path = "engine_semantics/city.rs"]
mod city;
#[path = "engine_semantics/clock.rs"]
mod clock;
#[path = "engine_semantics/close.rs"]
mod close;
#[path = "engine_semantics/deaf.rs"]
mod deaf;
#[path = "engine_semantics/deaf_timers.rs"]
mod deaf_timers;
#[path = "engine_semantics/drain.rs"]
mod drain;
#[path = "engine_semantics/drill.rs"]
mod drill;
#[path = "engine_semantics/edit.rs"]
mod edit;
#[path = "engine_semantics/edit_held.rs"]
mod edit_held;
#[path = "engine_semantics/escalation.rs"]
mod escalation;
#[path = "engine_semantics/event.rs"]
mod event;
#[path = "engine_semantics/event_edit.rs"]
mod event_edit;
#[path = "engine_semantics/event_recorded.rs"]
mod event_recorded;
#[path = "engine_semantics/event_rule.rs"]
mod event_rule;
#[path = "engine_semantics/expression.rs"]
mod expression;
#[path = "engine_semantics/expression_edit.rs"]
mod expression_edit;
#[path = "engine_semantics/feed.rs"]
mod feed;
#[path = "engine_semantics/flapping.rs"]
mod flapping;
#[path = "engine_semantics/health.rs"]
mod health;
#[path = "engine_semantics/impose.rs"]
mod impose;
#[path = "engine_semantics/incident.rs"]
mod incident;
#[path = "engine_semantics/inhibit.rs"]
mod inhibit;
#[path = "engine_semantics/ladder.rs"]
mod ladder;
#[path = "engine_semantics/maintenance.rs"]
mod maintenance;
#[path = "engine_semantics/missed.rs"]
mod missed;
#[path = "engine_semantics/mute.rs"]
mod mute;
#[path = "engine_semantics/operator.rs"]
mod operator;
#[path = "engine_semantics/order.rs"]
mod order;
#[path = "engine_semantics/quorum.rs"]
mod quorum;
#[path = "engine_semantics/quorum_around.rs"]
mod quorum_around;
#[path = "engine_semantics/shadow.rs"]
mod shadow;
#[path = "engine_semantics/shipped.rs"]
mod shipped;
#[path = "engine_semantics/silence.rs"]
mod silence;
#[path = "engine_semantics/stale.rs"]
mod stale;
#[path = "engine_semantics/time.rs"]
mod time;
#[path = "engine_semantics/window.rs"]
mod window;

//! `maibo plan`: what response plans would do.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use maibo_core::id::{EpisodeId, IncidentId, PlaceCode, RuleId};
use maibo_core::place::{Domain, Level};
use maibo_store::state::StateReader;

use crate::Chain;
use crate::clock::{Clock, SystemClock};
use crate::config::Settings;
use crate::plan;
use crate::versions::settled;

/// What `maibo plan` does.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Say who would be told and when, by the plans in force, as far as the data directory knows: of a recorded alert or
    /// incident, or of an alert that never was. Nobody is told.
    Simulate(Simulate),
}

/// What is simulated.
#[derive(Debug, Args)]
pub(super) struct Simulate {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// By the plans of the configuration, also where others were brought.
    #[arg(long)]
    configured: bool,
    /// A recorded alert of its data directory.
    #[arg(long, value_name = "ID", conflicts_with_all = ["incident", "domain"])]
    alert: Option<String>,
    /// A recorded incident of its data directory.
    #[arg(long, value_name = "ID", conflicts_with = "domain")]
    incident: Option<String>,
    /// An alert that never was: its domain.
    #[arg(long, value_name = "DOMAIN", requires_all = ["place", "level"], required_unless_present_any = ["alert", "incident"])]
    domain: Option<String>,
    /// Its place.
    #[arg(long, value_name = "CODE", requires = "domain")]
    place: Option<String>,
    /// Its level: blue, yellow, orange, red.
    #[arg(long, value_name = "LEVEL", requires = "domain")]
    level: Option<String>,
    /// Its rule.
    #[arg(long, value_name = "ID", requires = "domain", default_value = "simulated")]
    rule: String,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &Command) -> u8 {
    let Command::Simulate(asked) = command;
    let settings = match Settings::load(&asked.config) {
        Ok(settings) => settings,
        Err(problems) => return super::run::report(&asked.config, &problems),
    };
    let settings = match if asked.configured { Ok(settings) } else { settled(settings) } {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("{}: {}", asked.config.display(), Chain(&error));
            return 65;
        }
    };
    if let Some(by) = &settings.plans_by {
        eprintln!(
            "by the plans that {by} brought (version {}); --configured: by those of the file",
            settings.plans.version
        );
    }
    let facts = match facts(asked, &settings) {
        Ok(facts) => facts,
        Err(text) => {
            eprintln!("{text}");
            return 65;
        }
    };
    let receivers: Vec<_> = settings.receivers.iter().map(|t| t.receiver.clone()).collect();
    match plan::simulate(&settings.plans, &receivers, facts) {
        Ok(found) if asked.json => match serde_json::to_string_pretty(&found) {
            Ok(text) => {
                println!("{text}");
                0
            }
            Err(_) => 70,
        },
        Ok(found) => {
            print(&found);
            0
        }
        Err(error) => {
            eprintln!("{}", Chain(&error));
            70
        }
    }
}

fn facts(asked: &Simulate, settings: &Settings) -> Result<Vec<maibo_core::fact::Fact>, String> {
    if let (Some(domain), Some(place), Some(level)) = (&asked.domain, &asked.place, &asked.level) {
        let domain = Domain::parse(domain).ok_or_else(|| format!("--domain: `{domain}` is not a domain"))?;
        let place = PlaceCode::new(place).map_err(|e| format!("--place: {e}"))?;
        let level =
            Level::parse(level).ok_or_else(|| format!("--level: `{level}` is not blue, yellow, orange, red"))?;
        let rule = RuleId::new(&asked.rule).map_err(|e| format!("--rule: {e}"))?;
        return Ok(plan::one_that_never_was(domain, place, level, rule, SystemClock::default().wall()));
    }
    let path = settings.data.join("state.db");
    let open = |e: &dyn std::error::Error| format!("{}: {}", path.display(), Chain(e));
    let reader = StateReader::open(&path).map_err(|e| open(&e))?;
    let (found, id) = match (&asked.alert, &asked.incident) {
        (Some(id), _) => (EpisodeId::parse(id).map(|e| plan::of_alert(&reader, e)), id),
        (None, Some(id)) => (IncidentId::parse(id).map(|i| plan::of_incident(&reader, i)), id),
        (None, None) => return Err("name --alert, --incident or --domain".to_owned()),
    };
    let facts = found.transpose().map_err(|e| open(&e))?.unwrap_or_default();
    if facts.is_empty() { Err(format!("{}: nothing is known of `{id}`", path.display())) } else { Ok(facts) }
}

/// What happens, a line each, in the order of time.
fn print(found: &maibo_api::PlanSimulation) {
    let mut lines: Vec<(&str, String)> = Vec::new();
    for told in &found.told {
        let because = match told.because {
            maibo_api::ToldBecause::Own => "by its own conditions",
            maibo_api::ToldBecause::Plan => "called by a plan",
            maibo_api::ToldBecause::Escalation => "because a task was missed",
        };
        lines.push((
            &told.at,
            format!("told      {} ({because}), alert {} v{}", told.receiver, told.alert, told.version),
        ));
    }
    for event in &found.events {
        let words: Vec<&str> = [event.task.as_deref(), event.who.as_deref()].into_iter().flatten().collect();
        lines.push((&event.at, format!("{:<9} {} {}", event.kind, event.plan, words.join(" "))));
    }
    lines.sort_by_key(|(at, _)| *at);
    for (at, line) in &lines {
        println!("{at}  {}", line.trim_end());
    }
    if found.runs.is_empty() {
        println!("no plan covers it");
    }
}

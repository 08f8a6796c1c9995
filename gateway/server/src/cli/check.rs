//! `maibo check` and `maibo decode`: try before you run.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use maibo_core::decode::{DecodeStage, Decoded, Message};
use maibo_core::time::Timestamp;

use crate::Chain;
use crate::clock::{Clock, SystemClock};
use crate::config::Settings;
use crate::versions::settled;

/// Arguments of `maibo decode`.
#[derive(Debug, Args)]
pub(super) struct Decode {
    /// Configuration file whose routes to use; without it the native topics.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A known format instead of routes: native, chirpstack, openv2x.
    #[arg(long, conflicts_with = "config")]
    profile: Option<String>,
    /// The topic the payload came on.
    #[arg(long)]
    topic: String,
    /// Treat it as a retained message.
    #[arg(long)]
    retained: bool,
}

/// Checks a configuration, also against what was brought by requests, and says what it found.
pub(super) fn check(config: &Path) -> u8 {
    let settings = match Settings::load(config) {
        Ok(settings) => settings,
        Err(problems) => return super::run::report(config, &problems),
    };
    let settings = match settled(settings) {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("{}: {}", config.display(), Chain(&error));
            return 65;
        }
    };
    let by = settings.plans_by.as_ref().map(|by| format!(", brought by {by}")).unwrap_or_default();
    println!(
        "{}: ok, {} rules, {} of them on trial (version {}), {} devices (version {}), {} plan(s) (version {}{by}), {} source(s)",
        config.display(),
        settings.rules.rules.len(),
        settings.rules.shadows().count(),
        settings.rules.version,
        settings.catalogue.len(),
        settings.catalogue.version,
        settings.plans.plans.len(),
        settings.plans.version,
        settings.sources.len(),
    );
    0
}

/// Decodes standard input and prints what came out, one line each.
pub(super) fn decode(arguments: &Decode) -> u8 {
    let routes = match routes(arguments) {
        Ok(routes) => routes,
        Err(code) => return code,
    };
    let Ok(mut stage) = DecodeStage::new(routes) else { return 65 };
    let mut payload = Vec::new();
    // One byte over the largest payload there can be is enough to be refused as too large.
    let limit = maibo_core::decode::MAX_LIMIT as u64 + 1;
    if let Err(error) = std::io::stdin().lock().take(limit).read_to_end(&mut payload) {
        eprintln!("cannot read standard input: {error}");
        return 74;
    }
    let received: Timestamp = SystemClock::default().wall();
    let message = Message { topic: &arguments.topic, payload: &payload, retained: arguments.retained, received };
    let mut decoded = Decoded::default();
    stage.decode(&message, &mut decoded);
    let mut lines: Vec<String> = Vec::new();
    for r in &decoded.readings {
        let untimed = if r.timed { "" } else { "  (no source time)" };
        lines.push(format!(
            "reading  {} {} = {} at {} {}{untimed}",
            r.device,
            r.quantity,
            r.value,
            r.at,
            r.quality.as_str()
        ));
    }
    for e in &decoded.events {
        let text: &str = &e.text;
        lines.push(format!("event    {} {} id {} at {} {text}", e.device, &*e.code, &*e.identity, e.at));
    }
    for l in &decoded.liveness {
        lines.push(format!("liveness {} {}", l.device, if l.alive { "alive" } else { "gone" }));
    }
    for r in &decoded.registrations {
        lines.push(format!("device   {} ({})", r.device, r.format));
    }
    for p in &decoded.problems {
        let at = p.offset.map(|o| format!(" at byte {o}")).unwrap_or_default();
        lines.push(format!("problem  {} {}{at}: {}", p.format, p.reason.as_str(), p.detail));
    }
    if lines.is_empty() {
        lines.push("nothing: the message was understood and says nothing that Maibo keeps".to_owned());
    }
    let out = lines.join("\n") + "\n";
    if std::io::stdout().write_all(out.as_bytes()).is_err() {
        return 74;
    }
    if decoded.problems.is_empty() { 0 } else { 65 }
}

fn routes(arguments: &Decode) -> Result<Vec<maibo_core::decode::Route>, u8> {
    use maibo_core::decode::{ChirpStackSpec, Profile, Route};
    if let Some(config) = &arguments.config {
        return Settings::load(config).map(|s| s.routes).map_err(|problems| super::run::report(config, &problems));
    }
    let profile = match arguments.profile.as_deref().unwrap_or("native") {
        "native" => Profile::Native,
        "openv2x" => Profile::OpenV2x,
        "chirpstack" => Profile::ChirpStack(ChirpStackSpec::default()),
        other => {
            eprintln!("`{other}` is not one of native, chirpstack, openv2x; a mapping needs --config");
            return Err(64);
        }
    };
    Ok(vec![Route::standard(profile)])
}

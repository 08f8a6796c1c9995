//! `maibo run`: the process from configuration to drain.

use std::path::Path;

use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info};

use crate::Chain;
use crate::config::{Problem, Settings};

/// Runs with a configuration file.
pub(super) fn run(config: &Path) -> u8 {
    crate::telemetry::init_logs();
    match Settings::load(config) {
        Ok(settings) => serve(settings, |_| {}),
        Err(problems) => report(config, &problems),
    }
}

/// Tells every problem of a configuration.
pub(super) fn report(config: &Path, problems: &[Problem]) -> u8 {
    eprintln!("{} has {} problem(s):", config.display(), problems.len());
    for problem in problems {
        eprintln!("  {problem}");
    }
    65
}

/// Builds, starts, waits for a signal or a fault, drains. `started` is told when everything listens; what it answers is
/// dropped before the drain.
pub(super) fn serve<G>(settings: Settings, started: impl FnOnce(&Started) -> G) -> u8 {
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            error!(%error, "start the runtime");
            return 70;
        }
    };
    runtime.block_on(async {
        match crate::desk::Desk::start(settings).await {
            Ok(mut desk) => {
                let guard = started(&Started { http: desk.http, brokers: desk.running.brokers.clone() });
                let fault = wait(&mut desk).await;
                drop(guard);
                match desk.drain().await {
                    // What is on disk is whole, and yet this is no good end: somebody should start it anew.
                    0 if fault => 70,
                    code => code,
                }
            }
            Err(error) => {
                error!(error = %Chain(&error), "cannot start");
                error.exit_code()
            }
        }
    })
}

/// Where it listens.
pub(super) struct Started {
    /// The page.
    pub(super) http: std::net::SocketAddr,
    /// Embedded brokers.
    pub(super) brokers: Vec<std::net::SocketAddr>,
}

/// Returns on the first signal, or when a part has ended by itself: whether that was it. A second signal exits at once.
async fn wait(desk: &mut crate::desk::Desk) -> bool {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        error!("cannot listen for signals");
        return true;
    };
    let fault = tokio::select! {
        _ = terminate.recv() => {
            info!("SIGTERM");
            false
        }
        _ = interrupt.recv() => {
            info!("SIGINT");
            false
        }
        part = desk.running.fault() => {
            error!(part, "a part has ended that must not; leaving, to be started anew");
            true
        }
    };
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        error!("second signal: leaving at once");
        std::process::exit(130);
    });
    fault
}

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
                wait(&mut desk).await;
                drop(guard);
                desk.drain().await
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

/// Returns on the first signal, or when a pipeline thread has ended by itself. A second signal exits at once.
async fn wait(desk: &mut crate::desk::Desk) {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        error!("cannot listen for signals");
        return;
    };
    tokio::select! {
        _ = terminate.recv() => info!("SIGTERM"),
        _ = interrupt.recv() => info!("SIGINT"),
        thread = desk.running.fault() => error!(thread, "a pipeline thread has ended"),
    }
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        error!("second signal: leaving at once");
        std::process::exit(130);
    });
}

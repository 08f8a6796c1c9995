//! Sends the canaries, and says where one does not come through in time.
//!
//! Each source has a connection of its own to its broker, as a device has. While a source is known to be deaf nothing is
//! expected of it: that is an alert already. Where none ever came through, the broker's access rules are the likely cause.

use std::sync::Arc;
use std::time::Duration;

use maibo_core::id::{PartitionId, SourceId};
use maibo_core::input::{Check, Input};
use maibo_core::place::Level;
use rumqttc::{AsyncClient, MqttOptions, QoS};
use tokio_util::sync::CancellationToken;

use super::Board;
use crate::app::Shared;
use crate::ingest::canary::{Canaries, TOPIC};
use crate::live::Picture;
use crate::pipeline::{Observer, Step};

/// Between two.
const EVERY: Duration = Duration::from_secs(5);
/// One that takes longer is late.
const LATE: Duration = Duration::from_secs(12);
/// Wait before a lost connection is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// One way to send by.
pub struct Way {
    /// The source it comes in by.
    pub source: SourceId,
    /// Broker.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Of the connection.
    pub client_id: String,
    /// User and password.
    pub login: Option<(String, String)>,
}

/// Sees the canaries that were decided on.
pub struct Seen(pub Arc<Canaries>);

impl Observer for Seen {
    fn observe(&mut self, step: &Step<'_>) {
        for (_, _, batch) in step.batches.iter().filter(|(p, ..)| *p == PartitionId::CITY) {
            for input in &batch.inputs {
                if let Input::Canary { source, number } = input {
                    self.0.heard(source, *number);
                }
            }
        }
    }
}

pub(super) async fn run(
    way: Way,
    shared: Arc<Shared>,
    picture: Arc<Picture>,
    board: Arc<Board>,
    stop: CancellationToken,
) {
    let mut options = MqttOptions::new(&way.client_id, &way.host, way.port);
    options.set_keep_alive(Duration::from_secs(10)).set_clean_session(true);
    if let Some((user, password)) = &way.login {
        options.set_credentials(user, password);
    }
    let (client, mut events) = AsyncClient::new(options, 8);
    let polling = async {
        loop {
            if events.poll().await.is_err() {
                tokio::time::sleep(RETRY).await;
            }
        }
    };
    tokio::select! {
        () = polling => {}
        () = send(&way.source, &client, (&shared, &picture), &board) => {}
        () = stop.cancelled() => {}
    }
}

async fn send(source: &SourceId, client: &AsyncClient, (shared, picture): (&Shared, &Picture), board: &Board) {
    let canaries = &shared.ingest.canaries;
    loop {
        let deaf = shared.metrics.listening.with_label_values(&[source.as_str()]).get() == 0;
        // Without room messages wait, in a standstill everything does; these have alerts of their own.
        let excused = deaf || !picture.evaluating();
        if excused {
            canaries.forget(source);
        }
        let (late, ever) = canaries.late(source);
        tell(board, source, late, ever);
        if !excused {
            // A full queue is a connection that is gone: this one is late then, and the next is tried all the same.
            let _ = client.try_publish(TOPIC, QoS::AtLeastOnce, false, canaries.send(source));
        }
        tokio::time::sleep(EVERY).await;
    }
}

fn tell(board: &Board, source: &SourceId, late: Duration, ever: bool) {
    let part = format!("canary.{source}");
    let s = late.as_secs();
    if late < LATE {
        board.well(Check::Canary, &part);
    } else if ever {
        let zh = format!("经 {source} 发出的自检消息 {s} 秒未处理完毕，设备消息可能同样滞留");
        let en = format!(
            "the canary sent by {source} has not come through for {s} s; messages of devices may be stuck as well"
        );
        board.unwell(Check::Canary, &part, Level::Orange, &zh, &en);
    } else {
        let zh = format!("经 {source} 发出的自检消息从未收到，请检查代理的访问规则（主题 {TOPIC}）");
        let en = format!("no canary sent by {source} ever came through; check the broker's access rules for {TOPIC}");
        board.unwell(Check::Canary, &part, Level::Yellow, &zh, &en);
    }
}

//! The client to compare with: receives, acknowledges, and does nothing else. The same library, protocol and settings as
//! the gateway's own source, manual acknowledgements included; a process of its own, so that its CPU can be told apart.
//!
//! Speaks lines on standard output: `listening` after the SUBACK; then, when `count` messages came or none came for two
//! seconds, `count seconds` from the first to the last. Ends when its standard input does.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};

const FILTER: &str = "maibo/v1/+/telemetry";
const RECEIVE_MAX: u16 = 4_096;
/// No message for so long is the end.
const SILENCE: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[arg(long)]
    port: u16,
    /// Messages to wait for.
    #[arg(long)]
    count: u64,
}

/// A running bare client.
pub(crate) struct Bare {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Bare {
    /// Starts it and waits until it listens.
    pub(crate) fn start(port: u16, count: u64) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["bare", "--port", &port.to_string(), "--count", &count.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("start the bare client")?;
        let out = BufReader::new(child.stdout.take().context("its output")?);
        let mut bare = Self { child, out };
        anyhow::ensure!(bare.line()? == "listening", "the bare client does not listen");
        Ok(bare)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its last word: messages, and seconds from the first to the last.
    pub(crate) fn done(&mut self) -> anyhow::Result<(u64, f64)> {
        let line = self.line()?;
        let (count, seconds) = line.split_once(' ').context("count and seconds")?;
        Ok((count.parse()?, seconds.parse()?))
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.out.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The child's own life.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut options = MqttOptions::new("bare", "127.0.0.1", arguments.port);
    options
        .set_keep_alive(Duration::from_secs(30))
        .set_clean_start(true)
        .set_receive_maximum(Some(RECEIVE_MAX))
        .set_max_packet_size(Some(1 << 20))
        .set_outgoing_inflight_upper_limit(100)
        .set_manual_acks(true);
    // As many threads as the gateway gives its sources.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (count, seconds) = runtime.block_on(async {
        let (client, events) = AsyncClient::new(options, usize::from(RECEIVE_MAX) + 64);
        tokio::spawn(receive(client, events, arguments.count)).await?
    })?;
    println!("{count} {seconds}");
    std::io::stdout().flush()?;
    // Its account can be read until the other side has done so.
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

async fn receive(client: AsyncClient, mut events: EventLoop, count: u64) -> anyhow::Result<(u64, f64)> {
    let (mut seen, mut first, mut last) = (0, None, Instant::now());
    while seen < count {
        let event = if first.is_some() {
            match tokio::time::timeout(SILENCE, events.poll()).await {
                Ok(event) => event?,
                Err(_) => break,
            }
        } else {
            events.poll().await?
        };
        match event {
            Event::Incoming(Packet::ConnAck(_)) => client.subscribe(FILTER, QoS::AtLeastOnce).await?,
            Event::Incoming(Packet::SubAck(_)) => {
                println!("listening");
                std::io::stdout().flush()?;
            }
            Event::Incoming(Packet::Publish(publish)) => {
                last = Instant::now();
                first.get_or_insert(last);
                seen += 1;
                // The request queue is longer than the window: it cannot be full.
                if publish.qos != QoS::AtMostOnce {
                    client.try_ack(&publish)?;
                }
            }
            _ => {}
        }
    }
    // The last acknowledgements leave by polling on.
    let _ = tokio::time::timeout(Duration::from_millis(500), async { while events.poll().await.is_ok() {} }).await;
    Ok((seen, last.duration_since(first.unwrap_or(last)).as_secs_f64()))
}

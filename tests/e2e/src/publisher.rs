//! A device as the tests play it: publishes at QoS 1 over one connection and knows what was acknowledged.

use std::time::Duration;

use rumqttc::{AsyncClient, Event, MqttOptions, Outgoing, Packet, QoS};

/// Publishes every message in order and waits for each acknowledgement; resends after a lost connection until `limit`.
///
/// Gives the number of messages acknowledged, which are always the first ones.
///
/// # Panics
/// Where a runtime cannot be made.
pub fn publish(port: u16, client: &str, messages: &[(String, Vec<u8>)], limit: Duration) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    let (mut acknowledged, mut attempt) = (0, 0);
    runtime.block_on(async {
        let sending = async {
            while acknowledged < messages.len() {
                attempt += 1;
                let id = format!("{client}-{attempt}");
                acknowledged += once(port, &id, &messages[acknowledged..]).await;
            }
        };
        // What is not acknowledged by then is not counted; that is the answer, not a failure.
        let _ = tokio::time::timeout(limit, sending).await;
    });
    acknowledged
}

/// One connection: how many of the messages were acknowledged before it ended.
async fn once(port: u16, client: &str, messages: &[(String, Vec<u8>)]) -> usize {
    let mut options = MqttOptions::new(client, "127.0.0.1", port);
    options.set_keep_alive(Duration::from_secs(10)).set_max_packet_size(4 << 20, 4 << 20).set_inflight(100);
    let (client, mut events) = AsyncClient::new(options, 200);
    let (mut sent, mut acknowledged) = (0, 0);
    loop {
        // A window below the client's own: acknowledgements of one publisher come in order.
        while sent < messages.len() && sent - acknowledged < 50 {
            let (topic, payload) = &messages[sent];
            if client.try_publish(topic, QoS::AtLeastOnce, false, payload.clone()).is_err() {
                break;
            }
            sent += 1;
        }
        match events.poll().await {
            Ok(Event::Incoming(Packet::PubAck(_))) => acknowledged += 1,
            Ok(Event::Outgoing(Outgoing::Disconnect)) => return acknowledged,
            Ok(_) => {}
            Err(_) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                return acknowledged;
            }
        }
        if acknowledged == messages.len() {
            let _ = client.disconnect().await;
        }
    }
}

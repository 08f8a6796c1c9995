//! A receiver behind a broker: `mqtts://host[:port]` and a topic.

use std::path::Path;

use reqwest::Url;

use super::login::{self, Password};
use super::way::{literal, machine, plain};
use super::{Format, ReceiverSettings};
use crate::deliver::network::Allow;

/// Longest topic and client id, in bytes.
const LENGTH: usize = 256;

/// How a receiver is reached over MQTT 5.
#[derive(Clone, Debug)]
pub struct MqttWay {
    /// The broker.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Over TLS.
    pub tls: bool,
    /// What is published to.
    pub topic: String,
    /// Maibo's name there.
    pub client_id: String,
    /// Name and password.
    pub login: Option<(String, Password)>,
}

/// Reads the way of an entry; problems go to `p`, each with its key.
pub(super) fn parse(
    entry: &ReceiverSettings,
    format: Format,
    url: &Url,
    allow: &mut Allow,
    base: &Path,
    p: &mut Vec<String>,
) -> Option<MqttWay> {
    let tls = url.scheme() == "mqtts";
    if !tls && plain(allow).is_err() {
        p.push("url: must be mqtts; mqtt only with `allow`, towards the networks named there".to_owned());
    }
    if format.platform().is_some() || format == Format::CloudEventsBinary {
        p.push(format!("format: {} is for HTTP", format.as_str()));
    }
    let place = machine(url, if tls { 8_883 } else { 1_883 });
    let place = place.and_then(|place| literal(&place.0, allow).map(|()| place));
    let (host, port) = place.map_err(|e| p.push(format!("url: {e}"))).ok()?;
    let topic = entry.topic.clone().unwrap_or_default();
    if topic.is_empty() || topic.len() > LENGTH || topic.contains(|c: char| c == '+' || c == '#' || c.is_control()) {
        p.push(format!("topic: 1 to {LENGTH} bytes, without `+` and `#`"));
    }
    let client_id = entry.client_id.clone().unwrap_or_else(|| format!("maibo-{}", entry.name));
    if client_id.is_empty() || client_id.len() > LENGTH || client_id.contains(char::is_control) {
        p.push(format!("client_id: 1 to {LENGTH} bytes"));
    }
    let login = login::parse(entry, base, p);
    Some(MqttWay { host, port, tls, topic, client_id, login })
}

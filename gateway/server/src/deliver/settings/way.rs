//! Where a receiver is and how it is reached, by the scheme of its `url`.

use std::net::IpAddr;
use std::path::Path;

use reqwest::Url;

pub use super::login::Password;
pub use super::mail::{MailTls, MailWay};
pub use super::mqtt::MqttWay;
use super::{ReceiverSettings, file};
use crate::deliver::format::{Format, Platform};
use crate::deliver::network::Allow;
use crate::deliver::robot::RobotSecret;
use crate::deliver::secret::Secrets;

/// Longest secret file, in bytes.
const SECRET_FILE_MAX: u64 = 16 * 1024;

/// How a receiver is reached.
#[derive(Clone, Debug)]
pub enum Way {
    /// By POST.
    Http(HttpWay),
    /// By a publication.
    Mqtt(MqttWay),
    /// By mail.
    Mail(MailWay),
}

impl Way {
    /// `http`, `mqtt` or `mail`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Http(_) => "http",
            Self::Mqtt(_) => "mqtt",
            Self::Mail(_) => "mail",
        }
    }

    /// The machine that is told, as it stands in the address; path and query can hold a token and stay out.
    pub fn host(&self) -> &str {
        match self {
            Self::Http(way) => way.url.host_str().unwrap_or_default(),
            Self::Mqtt(way) => &way.host,
            Self::Mail(way) => &way.host,
        }
    }
}

/// How a receiver is reached over HTTP.
#[derive(Clone, Debug)]
pub struct HttpWay {
    /// Where. May hold a token in path and query: never logged.
    pub url: Url,
    /// How messages are signed.
    pub seal: Seal,
    /// Whose robot answers there; `None`: no robot, and the status is the answer.
    pub(in crate::deliver) robot: Option<Platform>,
}

/// How messages over HTTP are signed.
#[derive(Clone, Debug)]
pub enum Seal {
    /// Not at all: what the address holds must do.
    None,
    /// Standard Webhooks.
    Webhook(Secrets),
    /// In the query, as DingTalk wants it.
    DingTalk(RobotSecret),
    /// In the body, as Feishu wants it.
    Feishu(RobotSecret),
}

/// Reads the way of an entry; problems go to `p`, each with its key.
pub(super) fn parse(
    entry: &ReceiverSettings,
    format: Format,
    allow: &mut Allow,
    base: &Path,
    p: &mut Vec<String>,
) -> Option<Way> {
    let url = Url::parse(&entry.url).map_err(|e| p.push(format!("url: is not a URL: {e}"))).ok()?;
    if !url.username().is_empty() || url.password().is_some() {
        p.push("url: must not hold a user name or password".to_owned());
    }
    // Keys of other ways would be a misunderstanding.
    let (mqtt, mail) = (matches!(url.scheme(), "mqtt" | "mqtts"), matches!(url.scheme(), "smtp" | "smtps"));
    for (key, given, fits, whose) in [
        ("topic", entry.topic.is_some(), mqtt, "mqtt"),
        ("client_id", entry.client_id.is_some(), mqtt, "mqtt"),
        ("from", entry.from.is_some(), mail, "smtp"),
        ("to", !entry.to.is_empty(), mail, "smtp"),
        ("allow_plain", entry.allow_plain.is_some(), mail, "smtp"),
        ("user", entry.user.is_some(), mqtt || mail, "mqtt or smtp"),
        ("password_file", entry.password_file.is_some(), mqtt || mail, "mqtt or smtp"),
    ] {
        if given && !fits {
            p.push(format!("{key}: belongs to a url of {whose}"));
        }
    }
    if (mqtt || mail) && !entry.secret_file.is_empty() {
        p.push("secret_file: belongs to a url of https".to_owned());
    }
    match url.scheme() {
        "mqtt" | "mqtts" => super::mqtt::parse(entry, format, &url, allow, base, p).map(Way::Mqtt),
        "smtp" | "smtps" => super::mail::parse(entry, &url, allow, base, p).map(Way::Mail),
        _ => {
            let url = http(url, allow).map_err(|e| p.push(format!("url: {e}"))).ok();
            let seal = seal(entry, format, base).map_err(|found| p.extend(found)).ok();
            Some(Way::Http(HttpWay { url: url?, seal: seal?, robot: format.platform() }))
        }
    }
}

/// An address of HTTP; messages never show it, because it may hold a token.
fn http(url: Url, allow: &mut Allow) -> Result<Url, String> {
    match url.scheme() {
        "https" => {}
        "http" => plain(allow)
            .map_err(|()| "must be https; http only with `allow`, towards the networks named there".to_owned())?,
        _ => return Err("must be https, mqtts, mqtt, smtps or smtp".to_owned()),
    }
    literal(url.host_str().unwrap_or_default(), allow)?;
    Ok(url)
}

/// Without TLS it goes only to the networks that are named.
pub(super) const fn plain(allow: &mut Allow) -> Result<(), ()> {
    allow.only = true;
    if allow.networks.is_empty() { Err(()) } else { Ok(()) }
}

/// Judges a host that is an address. The parser has turned every spelling of one into the dotted one by now.
pub(super) fn literal(host: &str, allow: &Allow) -> Result<(), String> {
    match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        Ok(address) => allow.check(address).map_err(|why| format!("{address} is {why}; name its network in `allow`")),
        Err(_) => Ok(()),
    }
}

/// Host and port of an address that is only these.
pub(super) fn machine(url: &Url, port: u16) -> Result<(String, u16), String> {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
    let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    if host.is_empty() || !bare {
        return Err(format!("must be {}://host or {}://host:port", url.scheme(), url.scheme()));
    }
    Ok((host, url.port().unwrap_or(port)))
}

fn seal(entry: &ReceiverSettings, format: Format, base: &Path) -> Result<Seal, Vec<String>> {
    if entry.secret_file.is_empty() {
        return match format {
            Format::DingTalk | Format::Feishu | Format::WeCom | Format::Template => Ok(Seal::None),
            _ => Err(vec!["secret_file: is needed: messages are signed".to_owned()]),
        };
    }
    let path = base.join(&entry.secret_file);
    let fault = |text: String| vec![format!("secret_file: {}: {text}", path.display())];
    if format == Format::WeCom {
        return Err(vec!["secret_file: a robot of WeCom has no secret but the key in its url".to_owned()]);
    }
    let text = file(&path, SECRET_FILE_MAX).map_err(fault)?;
    let robot = || RobotSecret::parse(&text).map_err(|e| fault(e.to_owned()));
    match format {
        Format::DingTalk => robot().map(Seal::DingTalk),
        Format::Feishu => robot().map(Seal::Feishu),
        _ => {
            let secrets = Secrets::parse(&text);
            secrets.map(Seal::Webhook).map_err(|found| found.into_iter().flat_map(fault).collect())
        }
    }
}

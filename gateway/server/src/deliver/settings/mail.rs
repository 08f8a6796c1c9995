//! A receiver by mail: `smtps://host[:port]` or `smtp://host[:port]`, from whom and to whom.

use std::net::IpAddr;
use std::path::Path;

use lettre::message::Mailbox;
use reqwest::Url;

use super::login::{self, Password};
use super::way::{literal, machine, plain};
use super::{Format, ReceiverSettings};
use crate::deliver::network::Allow;

/// Addresses of one receiver.
const TO_MAX: usize = 64;

/// How a receiver is reached by mail.
#[derive(Clone, Debug)]
pub struct MailWay {
    /// The server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// When TLS begins.
    pub tls: MailTls,
    /// Name and password.
    pub login: Option<(String, Password)>,
    /// From whom.
    pub(in crate::deliver) from: Mailbox,
    /// To whom.
    pub(in crate::deliver) to: Vec<Mailbox>,
}

/// When TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTls {
    /// At once.
    Implicit,
    /// After STARTTLS; a server that does not offer it is not used.
    Starttls,
    /// Never: the server is this machine, or in a network that was named for it.
    None,
}

/// Reads the way of an entry; problems go to `p`, each with its key.
pub(super) fn parse(
    entry: &ReceiverSettings,
    url: &Url,
    allow: &mut Allow,
    base: &Path,
    p: &mut Vec<String>,
) -> Option<MailWay> {
    if entry.format.as_deref().is_some_and(|f| f != Format::Native.as_str()) {
        p.push("format: mail has a form of its own".to_owned());
    }
    let implicit = url.scheme() == "smtps";
    let place = machine(url, if implicit { 465 } else { 587 });
    let (host, port) = place.map_err(|e| p.push(format!("url: {e}"))).ok()?;
    let here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let tls = match (implicit, entry.allow_plain) {
        (true, Some(true)) => {
            p.push("allow_plain: smtps is never plain".to_owned());
            MailTls::Implicit
        }
        (true, _) => MailTls::Implicit,
        (false, Some(true)) => MailTls::None,
        (false, None) if here => MailTls::None,
        (false, _) => MailTls::Starttls,
    };
    if tls == MailTls::None && plain(allow).is_err() {
        p.push("allow: name the network of the server: without TLS it is for these only".to_owned());
    }
    if let Err(why) = literal(&host, allow) {
        p.push(format!("url: {why}"));
    }
    let from = entry.from.as_deref().unwrap_or_default();
    let from = mailbox(from).map_err(|why| p.push(format!("from: `{from}` {why}"))).ok();
    if entry.to.is_empty() || entry.to.len() > TO_MAX {
        p.push(format!("to: 1 to {TO_MAX} addresses"));
    }
    let mut to = Vec::new();
    for text in entry.to.iter().take(TO_MAX) {
        match mailbox(text) {
            Ok(mailbox) => to.push(mailbox),
            Err(why) => p.push(format!("to: `{text}` {why}")),
        }
    }
    let login = login::parse(entry, base, p);
    Some(MailWay { host, port, tls, login, from: from?, to })
}

/// An address, with a name or without.
fn mailbox(text: &str) -> Result<Mailbox, &'static str> {
    let mailbox: Mailbox = text.parse().map_err(|_| "is not an address such as name@host")?;
    // What is not ASCII needs servers that can do it all the way.
    if AsRef::<str>::as_ref(&mailbox.email).is_ascii() { Ok(mailbox) } else { Err("has an address that is not ASCII") }
}

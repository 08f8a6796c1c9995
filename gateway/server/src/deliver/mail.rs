//! By mail (SMTP, RFC 5321): delivered when the server has taken the message after DATA.
//!
//! The message (RFC 5322) is text in both languages. Its `Message-ID` is made of the message's key, so that a repeat is
//! known as one; messages about one alert refer to each other and to the alert, so that they stand in one thread; and it
//! says that it is sent by a machine (`Auto-Submitted`, RFC 3834), so that no absence note comes back.
//!
//! Where one of several addresses is refused, nobody gets the message: who is to hear on their own is a receiver of their own.

use std::error::Error as _;
use std::io;
use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{MessageBuilder, SinglePart};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use maibo_core::id::EpisodeId;
use maibo_core::notify::{Answer, Refusal, Transport, message_id};
use maibo_core::time::Timestamp;

use super::Limits;
use super::dial;
use super::format::{Beat, Language, Letter, Notice, about};
use super::network::{Allow, NameError, resolve};
use super::sender::Sender;
use super::settings::{MailTls, MailWay};

/// Characters of a server's words that are kept.
const WORDS: usize = 200;

/// Sends mail through one server.
pub(super) struct Mailer {
    way: MailWay,
    allow: Allow,
    limits: Limits,
    hello: ClientId,
    tls: Option<TlsParameters>,
}

/// A mail cannot be written, or TLS cannot be set up.
pub(super) type MailError = lettre::error::Error;

impl Mailer {
    pub(super) fn new(way: MailWay, allow: Allow, limits: Limits) -> Result<Self, Error> {
        let tls = match way.tls {
            MailTls::None => None,
            MailTls::Implicit | MailTls::Starttls => Some(TlsParameters::new(way.host.clone())?),
        };
        let hello = ClientId::Domain(way.from.email.domain().to_owned());
        Ok(Self { way, allow, limits, hello, tls })
    }

    /// The message as it goes over the wire; the same at every attempt.
    ///
    /// # Errors
    /// Where what is kept does not fit into a mail.
    pub(super) fn write(
        &self,
        message: &str,
        letters: &[Letter],
        notice: &Notice,
        (receiver, sender): (&str, &Sender),
    ) -> Result<lettre::Message, MailError> {
        let domain = domain(sender);
        let mut builder = self.begin(notice.head(Language::Chinese), format!("<{message}@{domain}>"));
        if let [letter] = letters {
            builder = threaded(builder, letter, receiver, &domain);
            builder = dated(builder, letter.stamp.at);
        }
        plain(builder, &Language::BOTH.map(|language| notice.plain(language)).join("\n\n"))
    }

    /// A sign of life; its subject says that it is no alert. All of one receiver stand in a thread, apart from alerts.
    ///
    /// # Errors
    /// Where it does not fit into a mail.
    pub(super) fn beat(&self, beat: &Beat<'_>, sender: &Sender) -> Result<lettre::Message, MailError> {
        let (domain, head, line) = (domain(sender), Beat::head(), beat.line(sender));
        // Two receivers may be at the same server, which passes over what it has already.
        let id = |which: &str| format!("<beat-{}-{which}@{domain}>", beat.receiver);
        let builder = self.begin(format!("{} {}", head.zh, head.en), id(&format!("{:x}", beat.now.0)));
        let builder = dated(builder.references(id("0")), beat.now);
        plain(builder, &format!("{}\n{}\n\n{}\n{}", head.zh, line.zh, head.en, line.en))
    }

    /// What every mail begins with.
    fn begin(&self, subject: String, id: String) -> MessageBuilder {
        let builder = lettre::Message::builder()
            .from(self.way.from.clone())
            .subject(subject)
            .message_id(Some(id))
            .raw_header(header("Auto-Submitted", "auto-generated"));
        self.way.to.iter().fold(builder, |builder, to| builder.to(to.clone()))
    }

    /// Makes one attempt; ends within the deadline.
    pub(super) async fn send(&self, mail: &lettre::Message) -> Answer {
        match tokio::time::timeout(self.limits.mail, self.attempt(mail)).await {
            Err(_) => Answer::Failed(Transport::Deadline),
            Ok(Ok(())) => Answer::Taken,
            Ok(Err(answer)) => answer,
        }
    }

    async fn attempt(&self, mail: &lettre::Message) -> Result<(), Answer> {
        let mut connection = self.connect().await?;
        if let Some((user, password)) = &self.way.login {
            let credentials = Credentials::new(user.clone(), password.as_str().to_owned());
            let known = [Mechanism::Plain, Mechanism::Login];
            connection.auth(&known, &credentials).await.map_err(|error| login(&error))?;
        }
        connection.send(mail.envelope(), &mail.formatted()).await.map_err(|error| answer(&error))?;
        // It has been taken; how the server says goodbye does not matter.
        let _ = connection.quit().await;
        Ok(())
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Answer> {
        let MailWay { host, port, tls, .. } = &self.way;
        if *tls == MailTls::Implicit {
            let addresses = resolve(host, *port, &self.allow).await.map_err(|error| match error {
                NameError::Unknown => Answer::Failed(Transport::Name),
                NameError::Forbidden => Answer::Failed(Transport::Forbidden),
            })?;
            let connected =
                AsyncSmtpConnection::connect_tokio1(&*addresses, None, &self.hello, self.tls.clone(), None).await;
            return connected.map_err(|error| answer(&error));
        }
        let stream = dial::connect(host, *port, &self.allow).await.map_err(Answer::Failed)?;
        let connected = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.hello).await;
        let mut connection = connected.map_err(|error| answer(&error))?;
        if let Some(parameters) = &self.tls {
            if !connection.can_starttls() {
                return Err(Answer::Failed(Transport::Plain));
            }
            connection.starttls(parameters.clone(), &self.hello).await.map_err(|error| answer(&error))?;
        }
        Ok(connection)
    }
}

fn domain(sender: &Sender) -> String {
    sender.name.replace('@', ".")
}

fn dated(builder: MessageBuilder, at: Timestamp) -> MessageBuilder {
    builder.date(UNIX_EPOCH + Duration::from_millis(u64::try_from(at.0).unwrap_or_default()))
}

fn plain(builder: MessageBuilder, text: &str) -> Result<lettre::Message, MailError> {
    // Lines end with CR and LF in a mail.
    builder.singlepart(SinglePart::builder().header(ContentType::TEXT_PLAIN).body(text.replace('\n', "\r\n")))
}

/// Refers to the alert, which is no message, and to the message before it.
fn threaded(builder: MessageBuilder, letter: &Letter, receiver: &str, domain: &str) -> MessageBuilder {
    let Some(alert) = about(letter) else { return builder };
    let root = format!("<{alert}@{domain}>");
    let before = letter.before.and_then(|before| {
        let episode = EpisodeId::parse(&alert)?;
        Some(format!("<{}@{domain}>", message_id(receiver, episode, before.version)))
    });
    match before {
        Some(before) => builder.in_reply_to(before.clone()).references(format!("{root} {before}")),
        None => builder.references(root),
    }
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// A login that was not accepted, unless something else went wrong.
fn login(error: &Error) -> Answer {
    match answer(error) {
        Answer::Refused { refusal: Refusal::Message, words } => {
            Answer::Refused { refusal: Refusal::Credentials, words }
        }
        other => other,
    }
}

/// What a server said, or why it said nothing.
fn answer(error: &Error) -> Answer {
    if let Some(code) = error.status() {
        let said = error.source().map(ToString::to_string).unwrap_or_default();
        let said: String = said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(WORDS).collect();
        let refusal = if error.is_transient() { Refusal::Busy } else { Refusal::Message };
        return Answer::Refused { refusal, words: format!("SMTP {code} {said}").trim_end().to_owned() };
    }
    if error.is_client() {
        // The server cannot do what the message or the login needs.
        let words = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        return Answer::Refused { refusal: Refusal::Message, words };
    }
    if error.is_tls() {
        return Answer::Failed(Transport::Certificate);
    }
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Answer::Failed(match io.kind() {
                io::ErrorKind::ConnectionRefused
                | io::ErrorKind::HostUnreachable
                | io::ErrorKind::NetworkUnreachable
                | io::ErrorKind::TimedOut => Transport::Connect,
                io::ErrorKind::InvalidData => Transport::Certificate,
                _ => Transport::Broken,
            });
        }
        cause = error.source();
    }
    Answer::Failed(Transport::Broken)
}

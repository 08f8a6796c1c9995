//! How a message gets to a receiver: one attempt over the way that the receiver's address names, and what came of it.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use maibo_core::notify::{Answer, Receiver, Transport};
use maibo_core::time::{Millis, Timestamp};
use tracing::warn;

use super::format::{Beat, Letter, Outgoing, notice, render};
use super::mail::Mailer;
use super::post::Poster;
use super::publish::Publisher;
use super::settings::{Target, Way};
use crate::clock::Clock;

/// Bounds of delivery to one receiver.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Time for one attempt, from the name's resolution to the end of the response.
    pub deadline: Duration,
    /// The same by mail: servers greet late and look at a message for a while before they take it.
    pub mail: Duration,
    /// Episodes under way at once.
    pub parallel: usize,
    /// Bytes of a response that are read; what is longer is cut off, and the status counts.
    pub response: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { deadline: Duration::from_secs(5), mail: Duration::from_secs(30), parallel: 16, response: 64 * 1024 }
    }
}

/// What carries messages to a receiver could not be made.
#[derive(Debug, thiserror::Error)]
#[error("make the client of receiver {receiver}")]
pub struct ClientError {
    /// Whose.
    pub receiver: String,
    /// Why.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Carries messages to one receiver, over connections of its own.
pub(super) struct Carrier {
    target: Target,
    vehicle: Vehicle,
}

/// The way that the address names.
enum Vehicle {
    Http(Poster),
    Mqtt(Publisher),
    Mail(Mailer),
}

impl Carrier {
    /// `suffix` tells clients apart that this process has for the same receiver.
    pub(super) fn new(target: Target, limits: Limits, wall: Arc<dyn Clock>, suffix: &str) -> Result<Self, ClientError> {
        let allow = target.allow.clone();
        let failed = |source| ClientError { receiver: target.receiver.name.clone(), source };
        let vehicle = match target.way.clone() {
            Way::Http(way) => Vehicle::Http(Poster::new(way, &allow, limits, wall).map_err(|e| failed(e.into()))?),
            Way::Mqtt(way) => Vehicle::Mqtt(Publisher::new(way, allow, limits, suffix)),
            Way::Mail(way) => Vehicle::Mail(Mailer::new(way, allow, limits).map_err(|e| failed(e.into()))?),
        };
        Ok(Self { target, vehicle })
    }

    /// The receiver's name.
    pub(super) fn receiver(&self) -> &str {
        &self.target.receiver.name
    }

    /// Where the receiver is and what it gets.
    pub(super) const fn target(&self) -> &Target {
        &self.target
    }

    /// What the receiver is and wants.
    pub(super) fn wants(&self) -> &Receiver {
        &self.target.receiver
    }

    /// Who is told in its place.
    pub(super) fn substitute(&self) -> Option<&str> {
        self.target.substitute.as_ref().map(|s| &*s.name)
    }

    /// Makes one attempt to deliver letters as one message under its key; ends within the deadline.
    pub(super) async fn deliver(&self, message: String, letters: &[Letter]) -> Answer {
        let letters = &*self.with_links(letters);
        match &self.vehicle {
            Vehicle::Http(poster) => match self.render(&message, letters) {
                Some(outgoing) => poster.post(&message, outgoing).await,
                None => Answer::Failed(Transport::Unreadable),
            },
            Vehicle::Mqtt(publisher) => match self.render(&message, letters) {
                Some(outgoing) => publisher.publish(&message, outgoing).await,
                None => Answer::Failed(Transport::Unreadable),
            },
            Vehicle::Mail(mailer) => match self.write(mailer, &message, letters) {
                Some(mail) => mailer.send(&mail).await,
                None => Answer::Failed(Transport::Unreadable),
            },
        }
    }

    /// Makes one attempt to have a sign of life taken, of which there is one so often.
    pub(super) async fn beat(&self, message: &str, every: Millis, now: Timestamp) -> Answer {
        let Target { manner, sender, .. } = &self.target;
        let beat = Beat { key: message, receiver: self.receiver(), every, now };
        let unreadable = |error: &dyn std::error::Error| {
            self.unreadable(message, error);
            Answer::Failed(Transport::Unreadable)
        };
        if let Vehicle::Mail(mailer) = &self.vehicle {
            return match mailer.beat(&beat, sender) {
                Ok(mail) => mailer.send(&mail).await,
                Err(error) => unreadable(&error),
            };
        }
        let outgoing = match beat.render(manner, sender) {
            Ok(outgoing) => outgoing,
            Err(error) => return unreadable(&error),
        };
        match &self.vehicle {
            Vehicle::Http(poster) => poster.post(message, outgoing).await,
            Vehicle::Mqtt(publisher) => publisher.publish(message, outgoing).await,
            // It has a form of its own, above.
            Vehicle::Mail(_) => Answer::Failed(Transport::Unreadable),
        }
    }

    /// The letters with the links by which the receiver answers, where it may.
    fn with_links<'a>(&self, letters: &'a [Letter]) -> Cow<'a, [Letter]> {
        let Some(links) = &self.target.links else { return Cow::Borrowed(letters) };
        letters.iter().map(|letter| letter.clone().answered(links, self.receiver())).collect()
    }

    fn render(&self, message: &str, letters: &[Letter]) -> Option<Outgoing> {
        let Target { manner, receiver, sender, .. } = &self.target;
        render(manner, letters, &receiver.name, sender).map_err(|error| self.unreadable(message, &error)).ok()
    }

    fn write(&self, mailer: &Mailer, message: &str, letters: &[Letter]) -> Option<lettre::Message> {
        let Target { receiver, sender, .. } = &self.target;
        let notice = notice(letters, sender).map_err(|error| self.unreadable(message, &error)).ok()?;
        let mail = mailer.write(message, letters, &notice, (&receiver.name, sender));
        mail.map_err(|error| self.unreadable(message, &error)).ok()
    }

    fn unreadable(&self, message: &str, error: &dyn std::error::Error) {
        warn!(receiver = self.receiver(), message, error = %crate::Chain(error), "a message cannot be sent");
    }
}

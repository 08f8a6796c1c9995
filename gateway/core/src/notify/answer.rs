//! What came of an attempt, and what follows from it.

use crate::time::Millis;

/// How long a receiver is left alone that said in words of its own that it gets too many messages.
pub const TOO_MANY_PAUSE: Millis = Millis::from_secs(60);

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The receiver answered.
    Status {
        /// The HTTP status.
        code: u16,
        /// The wait it asks for (`Retry-After`), from now.
        retry_after: Option<Millis>,
    },
    /// The receiver has it; there is no HTTP status to tell by.
    Taken,
    /// The receiver answered in words of its own that it did not take the message, whatever the HTTP status.
    Refused {
        /// What it means.
        refusal: Refusal,
        /// Its number and words, for the list of deliveries.
        words: String,
    },
    /// It did not answer.
    Failed(Transport),
}

/// Why a receiver refused, as far as it matters for what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It gets too many messages: all of it is left alone for [`TOO_MANY_PAUSE`].
    TooMany,
    /// It is in trouble and may be back at any time.
    Busy,
    /// Signature, token or login is wrong, or the receiver was taken away: a person has to act.
    Credentials,
    /// It does not take this message, or cannot be told in this way: a person has to look.
    Message,
}

impl Refusal {
    /// For a person.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooMany => "the receiver asks for fewer messages",
            Self::Busy => "the receiver has a fault",
            Self::Credentials => "the receiver does not accept signature, token or login",
            Self::Message => "the receiver refuses",
        }
    }

    /// What follows.
    const fn disposition(self) -> Disposition {
        let needs_operator = matches!(self, Self::Credentials | Self::Message);
        let pause = matches!(self, Self::TooMany);
        Disposition::Retry {
            ladder: if needs_operator { Ladder::Slow } else { Ladder::Quick },
            wish: if pause { Some(TOO_MANY_PAUSE) } else { None },
            pause,
            needs_operator,
        }
    }
}

/// Why there was no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// The name has no address.
    Name,
    /// The address is in a network that webhooks may not reach.
    Forbidden,
    /// No connection.
    Connect,
    /// The certificate is not valid, or the receiver cannot do TLS.
    Certificate,
    /// The receiver offers no TLS, and nothing is said over a line that others can read.
    Plain,
    /// Not done within the deadline.
    Deadline,
    /// The connection broke, or what came back was not HTTP.
    Broken,
    /// What is kept of the message cannot be put into the receiver's format: nothing was sent.
    Unreadable,
}

impl Transport {
    /// For a person.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "the receiver's name cannot be resolved",
            Self::Forbidden => "the receiver is in a private network that is not allowed",
            Self::Connect => "no connection to the receiver",
            Self::Certificate => "the receiver's certificate is not valid",
            Self::Plain => "the receiver offers no TLS",
            Self::Deadline => "the receiver did not answer in time",
            Self::Broken => "the connection to the receiver broke",
            Self::Unreadable => "the message cannot be put into the receiver's format",
        }
    }

    /// Whether waiting alone will not help.
    const fn needs_operator(self) -> bool {
        matches!(self, Self::Forbidden | Self::Certificate | Self::Plain)
    }
}

/// How fast the waits grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ladder {
    /// Up to a minute: the receiver is in trouble and may be back at any time.
    Quick,
    /// Up to five minutes: the receiver refuses, and somebody has to look.
    Slow,
}

/// What follows from an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// The receiver has it.
    Delivered,
    /// Try again.
    Retry {
        /// How fast the waits grow.
        ladder: Ladder,
        /// The wait the receiver asked for.
        wish: Option<Millis>,
        /// The whole receiver is to be left alone for that wait, not only this delivery.
        pause: bool,
        /// A person has to act.
        needs_operator: bool,
    },
    /// Never again.
    Dead,
}

/// A disposition and its reason in words; no reason where there is nothing to explain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What follows.
    pub disposition: Disposition,
    /// Why, for the list of deliveries.
    pub error: Option<String>,
    /// The message is at fault: of one that holds several versions it may be one of them, or their number.
    pub one_of_many: bool,
}

impl Verdict {
    /// Whether waiting will not mend it: a person has to act.
    pub const fn needs_operator(&self) -> bool {
        matches!(self.disposition, Disposition::Retry { needs_operator: true, .. } | Disposition::Dead)
    }
}

const TAKEN: Verdict = Verdict { disposition: Disposition::Delivered, error: None, one_of_many: false };

impl Answer {
    /// Decides what follows. 2xx is success whatever the body says, unless the driver knows how to read it
    /// ([`Self::Refused`]); 3xx is failure and never followed; 410 ends the delivery; 408, 429 and 5xx are trouble on the
    /// other side; any other answer is a refusal that a person has to look at.
    pub fn judge(&self) -> Verdict {
        let (code, wish) = match *self {
            Self::Taken => return TAKEN,
            Self::Refused { refusal, ref words } => {
                let error = format!("{} ({words})", refusal.as_str());
                // What is told in words of its own is told of many as of one: taken apart it would only be more of it.
                return Verdict { disposition: refusal.disposition(), error: Some(error), one_of_many: false };
            }
            Self::Failed(why) => {
                let needs_operator = why.needs_operator();
                let ladder = if needs_operator { Ladder::Slow } else { Ladder::Quick };
                let disposition = Disposition::Retry { ladder, wish: None, pause: false, needs_operator };
                let one_of_many = why == Transport::Unreadable;
                return Verdict { disposition, error: Some(why.as_str().to_owned()), one_of_many };
            }
            Self::Status { code, retry_after } => (code, retry_after),
        };
        let trouble = Disposition::Retry {
            ladder: Ladder::Quick,
            wish,
            // "Too many requests" and "not available until" speak of the receiver, not of one message.
            pause: wish.is_some() && matches!(code, 429 | 503),
            needs_operator: false,
        };
        let refusal = Disposition::Retry { ladder: Ladder::Slow, wish, pause: false, needs_operator: true };
        let (disposition, words) = match code {
            200..=299 => return TAKEN,
            410 => (Disposition::Dead, "the receiver is gone for good"),
            429 => (trouble, "the receiver asks for fewer messages"),
            408 | 500..=599 => (trouble, "the receiver has a fault"),
            300..=399 => (refusal, "the receiver redirects, which is not followed"),
            _ => (refusal, "the receiver refuses"),
        };
        let one_of_many = matches!(code, 400 | 413 | 422);
        Verdict { disposition, error: Some(format!("{words} (HTTP {code})")), one_of_many }
    }
}

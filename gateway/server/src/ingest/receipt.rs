//! The token that stands for "this message is settled".

use tokio::sync::oneshot;

/// How a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// What it caused is durable, or it was rejected for good: acknowledge.
    Durable,
    /// Nothing is known to be durable: never acknowledge.
    Failed,
}

/// Something that acknowledges in the order in which it is told.
pub trait Acknowledge: Send {
    /// The message may be acknowledged.
    fn durable(self: Box<Self>);
    /// The message must not be acknowledged.
    fn failed(self: Box<Self>);
}

enum Kind {
    /// QoS 0: nobody waits.
    None,
    /// Somebody waits for the answer (the embedded broker's publish hook).
    Wait(oneshot::Sender<Settled>),
    /// Acknowledged from a queue (the client of an external broker).
    Queue(Box<dyn Acknowledge>),
}

/// Settled once; a receipt that is dropped unsettled counts as failed.
pub struct Receipt(Kind);

impl Receipt {
    /// For messages that promise nothing.
    pub const fn none() -> Self {
        Self(Kind::None)
    }

    /// A receipt whose answer is awaited.
    pub fn waited() -> (Self, oneshot::Receiver<Settled>) {
        let (tx, rx) = oneshot::channel();
        (Self(Kind::Wait(tx)), rx)
    }

    /// A receipt that acknowledges by itself.
    pub fn queued(ack: Box<dyn Acknowledge>) -> Self {
        Self(Kind::Queue(ack))
    }

    /// What the message caused is durable.
    pub fn durable(mut self) {
        match std::mem::replace(&mut self.0, Kind::None) {
            Kind::None => {}
            // The waiter may be gone: a connection that closed meanwhile sends again.
            Kind::Wait(tx) => drop(tx.send(Settled::Durable)),
            Kind::Queue(ack) => ack.durable(),
        }
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.0, Kind::None) {
            Kind::None => {}
            Kind::Wait(tx) => drop(tx.send(Settled::Failed)),
            Kind::Queue(ack) => ack.failed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // P1: a receipt that is forgotten is a failure, never a success.
    #[test]
    fn dropped_means_failed() {
        let (receipt, mut rx) = Receipt::waited();
        drop(receipt);
        assert_eq!(rx.try_recv(), Ok(Settled::Failed));
        let (receipt, mut rx) = Receipt::waited();
        receipt.durable();
        assert_eq!(rx.try_recv(), Ok(Settled::Durable));
    }
}

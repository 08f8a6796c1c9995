//! What an alert's value was computed from, where it is not simply the last value.

use minicbor::{Decode, Encode};

use crate::reading::Text;
use crate::rule::Signal;
use crate::time::Millis;

/// How a value was computed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Measure {
    /// The signal's word ([`Signal::as_str`]), such as `sum`.
    #[n(0)]
    pub signal: Text,
    /// Length of the window; zero for the signals without one.
    #[n(1)]
    pub window: Millis,
    /// Of a rate: the unit of time.
    #[n(2)]
    pub per: Option<Millis>,
}

impl Measure {
    /// Of a term of a threshold.
    pub fn new(signal: Signal, window: Millis) -> Self {
        let per = match signal {
            Signal::Rate { per } => Some(per),
            _ => None,
        };
        Self { signal: Text::from(signal.as_str()), window, per }
    }
}

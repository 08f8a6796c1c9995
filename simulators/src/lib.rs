//! Simulators: everything that stands outside the gateway in demonstrations, tests and measurements.
//!
//! ```text
//! city ─▶ signal ─▶ scenario ─▶ fault ─▶ report ─▶ fleet ─┐
//!                                             load ───────┼─▶ link ─MQTT─▶ broker     ledger: what was acknowledged
//!                                             replay ─────┘
//! gateway ─webhook─▶ sink
//! ```
//!
//! **Invariants:** nothing here uses the gateway's own code, so that a mistake there cannot hide itself; everything that
//! is generated is a pure function of a seed and a time, so that a test can derive it again; a message stands in a
//! [`ledger`] only after the broker acknowledged it.
//!
//! **Limits:** in-flight messages per connection, recorded deliveries and ledger buffers are bounded, each with its
//! behaviour at the limit stated where it is defined.

pub mod city;
mod civil;
pub mod fault;
pub mod fleet;
pub mod ledger;
pub mod link;
pub mod load;
pub mod noise;
pub mod replay;
pub mod report;
pub mod scenario;
pub mod signal;
pub mod sink;
pub mod v2x;
mod wheel;

pub use city::City;
pub use fleet::{Fleet, FleetOptions, FleetReport};
pub use ledger::Ledger;
pub use link::Target;
pub use load::{Load, LoadReport};
pub use scenario::Scenario;
pub use sink::{Sink, SinkOptions};

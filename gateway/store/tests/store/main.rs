//! The logs from outside: their contract, and what they do when the disk tears, fills, fails and forgets.

mod contract;
mod crash;
mod damage;
mod facts;
mod faults;
mod os;
mod support;
mod trim;

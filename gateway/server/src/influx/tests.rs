//! The sink against a scripted server on real sockets, reading a real log.

mod city;
mod delivery;
mod log;
mod server;

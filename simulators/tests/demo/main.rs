//! The demonstration against the shipped rules: what its day makes of the queue, and that its past is calm.

mod backfill;
mod queue;
mod shipped;

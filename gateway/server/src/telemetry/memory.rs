//! What the allocator says of itself. SQLite allocates by itself and is not in it; its caches have limits of their own.

use prometheus::{IntGauge, Registry};
use tikv_jemalloc_ctl::{epoch, stats};

/// Gauges in bytes, as of the last [`Self::refresh`].
pub(super) struct Memory {
    allocated: IntGauge,
    resident: IntGauge,
}

impl Memory {
    pub(super) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        Ok(Self {
            allocated: gauge(
                "maibo_memory_allocated_bytes",
                "memory that the process has asked for and not given back",
            )?,
            resident: gauge("maibo_memory_resident_bytes", "memory that the allocator holds for it")?,
        })
    }

    /// Reads the figures of now.
    pub(super) fn refresh(&self) {
        // The allocator brings its figures up to date when the epoch is advanced. It fails where it was built without them.
        if epoch::advance().is_err() {
            return;
        }
        let of = |bytes: Result<usize, tikv_jemalloc_ctl::Error>| bytes.ok().and_then(|b| i64::try_from(b).ok());
        self.allocated.set(of(stats::allocated::read()).unwrap_or_default());
        self.resident.set(of(stats::resident::read()).unwrap_or_default());
    }
}

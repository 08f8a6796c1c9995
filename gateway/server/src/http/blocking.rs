//! Reads that may block, a bounded number at a time.
//!
//! A request has its time, and then the caller goes; what it began goes on until it is done. So the place among
//! [`READS_MAX`] belongs to the read and not to the request: however many give up and ask again, the threads that the
//! rest of the server needs are not used up.

use std::sync::Arc;

use maibo_store::state::{StateError, StateReader};

use super::{Fault, HttpState};

/// Reads at a time; more wait, within the time that a request has.
pub const READS_MAX: usize = 8;

impl HttpState {
    /// Runs something that may block.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let permit = Arc::clone(&self.limits.reads).acquire_owned().await.map_err(|e| Fault::internal(&e))?;
        let work = move || {
            let _permit = permit;
            read()
        };
        tokio::task::spawn_blocking(work).await.map_err(|e| Fault::internal(&e))
    }

    /// Reads the state database.
    pub(super) async fn stored<T: Send + 'static>(
        &self,
        query: impl FnOnce(&StateReader) -> Result<T, StateError> + Send + 'static,
    ) -> Result<T, Fault> {
        let projection = self.projection.clone();
        Ok(self.blocking(move || projection.read(query)).await??)
    }
}

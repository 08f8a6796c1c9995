//! Long answers, a page at a time: the next one is read when the client has taken the one before.
//!
//! A client that goes away takes the rest of the work with it. A page is one bounded read among [`super::blocking`]'s, so
//! that a long answer holds nothing between its pages: no lock, no transaction, no place among the readers. Where a page
//! cannot be read the answer is broken off, which a client sees as an error, and never ends as if it were whole.
//!
//! Limit: [`EXPORTS_MAX`] at a time, beyond it 503.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tracing::error;

use super::{Fault, HttpState, csv};
use crate::Chain;

/// Long answers at a time.
pub const EXPORTS_MAX: usize = 4;

/// Why a page cannot be read.
pub(super) type PageError = Box<dyn std::error::Error + Send + Sync>;

/// What gives a long answer, page by page.
pub(super) trait Pages: Send + 'static {
    /// The next page, `None` behind the last. Called where it may block.
    fn next(&mut self) -> Result<Option<Vec<u8>>, PageError>;
}

/// A table for download under a name of letters, digits, points and dashes.
pub(super) fn table(state: &HttpState, name: &str, pages: impl Pages) -> Result<Response, Fault> {
    let permit = Arc::clone(&state.limits.exports).try_acquire_owned();
    let permit = permit.map_err(|_| Fault::unavailable("too many exports at a time", 5))?;
    let begin = (Some(pages), state.clone(), permit);
    let pages = stream::unfold(begin, |(pages, state, permit)| async move {
        let mut pages = pages?;
        let broken = |error: PageError| Some(Err(std::io::Error::other(error)));
        let (item, left) = if state.stop.is_cancelled() {
            (broken("the server stops".into()), None)
        } else {
            let read = state.blocking(move || {
                let page = pages.next();
                (pages, page)
            });
            match read.await {
                Ok((_, Ok(None))) => (None, None),
                Ok((pages, Ok(Some(page)))) => (Some(Ok(Bytes::from(page))), Some(pages)),
                Ok((_, Err(error))) => {
                    error!(error = %Chain(error.as_ref()), "an export is broken off");
                    (broken(error), None)
                }
                Err(_) => (broken("the server cannot read".into()), None),
            }
        };
        item.map(|item| (item, (left, state, permit)))
    });
    let mut response = Body::from_stream(pages).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(csv::TYPE));
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}.csv\""));
    if let Ok(disposition) = disposition {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

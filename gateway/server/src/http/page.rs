//! The operator's page, from the binary.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::{Fault, view};

/// A file of the page; `/` is the page itself.
pub(super) async fn asset(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return super::problem::no_such_method().await.into_response();
    }
    let path = match uri.path().trim_start_matches('/') {
        "" => maibo_dashboard::INDEX,
        path => path,
    };
    let Some(asset) = maibo_dashboard::asset(path) else {
        return Fault::not_found("there is no such path").into_response();
    };
    let keep = if asset.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    let fixed = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.mime)),
        (header::CACHE_CONTROL, HeaderValue::from_static(keep)),
        (header::ETAG, HeaderValue::from_str(&asset.etag).unwrap_or(HeaderValue::from_static("\"\""))),
    ];
    if view::tag_matches(&headers, &asset.etag) {
        return (StatusCode::NOT_MODIFIED, fixed).into_response();
    }
    (fixed, Body::from(asset.bytes.into_owned())).into_response()
}

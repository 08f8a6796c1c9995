//! What holds for every request: how many, how long, how large, from where, and the headers on every answer.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::{Fault, HttpState};

/// Longest body, in bytes.
pub const BODY_MAX: usize = 64 * 1024;
/// Requests at a time; beyond it the answer is 503.
pub const REQUESTS_MAX: usize = 256;
/// Time for one request.
pub const REQUEST_TIME: Duration = Duration::from_secs(10);

/// The page may load nothing from elsewhere, may tell nothing to elsewhere, and may be framed by nobody. `'self'` covers
/// its own `/ws` and its map's worker too. Styles and small images are written into the page by the map.
const CSP: &str = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; worker-src 'self'; \
                   connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Admits a request, or says why not.
pub(super) async fn guard(State(state): State<HttpState>, request: Request, next: Next) -> Response {
    let Ok(_permit) = state.limits.requests.try_acquire() else {
        return Fault::unavailable("too many requests at a time", 1).into_response();
    };
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !reads && !same_origin(request.headers()) {
        return Fault::forbidden("a command must come from this server's own page").into_response();
    }
    match tokio::time::timeout(state.limits.request, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Fault::unavailable("the request took too long", 1).into_response(),
    }
}

/// Adds what every answer has.
pub(super) async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    // A page that needs less says so itself.
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(CSP));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Whether a request comes from this server's own page, or from no page at all (a program sends no `Origin`).
pub(super) fn same_origin(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        // A browser that leaves `Origin` out says where the request comes from in this header.
        return headers.get("sec-fetch-site").is_none_or(|site| site == "same-origin" || site == "none");
    };
    let (Ok(origin), Some(host)) = (origin.to_str(), headers.get(header::HOST).and_then(|h| h.to_str().ok())) else {
        return false;
    };
    match origin.split_once("://") {
        Some(("http", from)) => same_host(from, host, ":80"),
        Some(("https", from)) => same_host(from, host, ":443"),
        _ => false,
    }
}

fn same_host(a: &str, b: &str, default_port: &str) -> bool {
    let plain = |host: &str| host.strip_suffix(default_port).unwrap_or(host).to_ascii_lowercase();
    plain(a) == plain(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    // P: commands and sockets are for this server's own page; a foreign page, also one in a sandbox, is refused.
    #[test]
    fn origins() {
        let check = |origin: Option<&str>, host: &str, site: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().expect("a header"));
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().expect("a header"));
            }
            if let Some(site) = site {
                headers.insert("sec-fetch-site", site.parse().expect("a header"));
            }
            same_origin(&headers)
        };
        assert!(check(None, "127.0.0.1:8080", None));
        assert!(check(Some("http://127.0.0.1:8080"), "127.0.0.1:8080", None));
        assert!(check(Some("https://City.example"), "city.example:443", None));
        assert!(check(Some("http://[::1]:8080"), "[::1]:8080", Some("same-origin")));
        assert!(!check(Some("http://127.0.0.1:8081"), "127.0.0.1:8080", None));
        assert!(!check(Some("http://evil.example"), "127.0.0.1:8080", None));
        assert!(!check(Some("http://127.0.0.1:8080.evil.example"), "127.0.0.1:8080", None));
        assert!(!check(Some("null"), "127.0.0.1:8080", None));
        assert!(!check(None, "127.0.0.1:8080", Some("cross-site")));
    }
}

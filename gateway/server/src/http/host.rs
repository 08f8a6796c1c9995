//! Whom a request thinks it talks to.
//!
//! A foreign page can give its own name the address of this server and then read everything here as if it were its own
//! (DNS rebinding): for the browser it is one origin. So a name is answered only if it is known to be this server's. An
//! address cannot be given away like a name, and `localhost` is nobody else's.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::{Fault, HttpState};

/// Lets a request to this server through; any other is told that it went wrong.
pub(super) async fn check(State(state): State<HttpState>, request: Request, next: Next) -> Response {
    if ours(&request, &state.limits.names) {
        return next.run(request).await;
    }
    let detail = "the Host header of the request does not name this server: ask for it by its IP address, \
                  or add the name to `names` under [http] in the configuration";
    Fault::misdirected(detail).into_response()
}

/// Whether the request names this server, in its header and, where it has one, in its line.
fn ours(request: &Request, names: &[String]) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let host = host.to_str().is_ok_and(|host| known(host, names));
    host && request.uri().authority().is_none_or(|authority| known(authority.as_str(), names))
}

/// Whether a host, with or without a port, is an address, `localhost` or one of the names.
fn known(host: &str, names: &[String]) -> bool {
    let port = |text: &str| text.is_empty() || text.strip_prefix(':').is_some_and(|p| p.parse::<u16>().is_ok());
    if let Some((address, rest)) = host.strip_prefix('[').and_then(|h| h.split_once(']')) {
        return address.parse::<Ipv6Addr>().is_ok() && port(rest);
    }
    let (name, rest) = host.split_at(host.find(':').unwrap_or(host.len()));
    let is_ours = name.parse::<Ipv4Addr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || names.iter().any(|n| n.eq_ignore_ascii_case(name));
    is_ours && port(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    // P: an address, localhost and the configured names are this server, with any port; whatever else is not.
    #[test]
    fn hosts() {
        let names = ["maibo.city.example".to_owned()];
        for ours in [
            "127.0.0.1",
            "127.0.0.1:8080",
            "10.1.2.3:80",
            "[::1]:8080",
            "[2001:db8::7]",
            "localhost:8080",
            "LOCALHOST",
            "maibo.city.example",
            "Maibo.City.Example:443",
        ] {
            assert!(known(ours, &names), "{ours}");
        }
        for foreign in [
            "",
            ":8080",
            "evil.example",
            "evil.example:8080",
            "maibo.city.example.evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "127.0.0.1:8080:1",
            "127.0.0.1:99999",
            "user@127.0.0.1",
            "[::1",
            "[::1]x",
            "[evil.example]",
            "::1",
            "0x7f000001",
        ] {
            assert!(!known(foreign, &names), "{foreign}");
        }
    }

    // P: a request without a host, with two, or with a foreign one in its line names nobody.
    #[test]
    fn requests() {
        let request = |uri: &str, hosts: &[&str]| {
            let builder = hosts.iter().fold(Request::get(uri), |b, h| b.header(header::HOST, *h));
            builder.body(axum::body::Body::empty()).expect("a request")
        };
        assert!(ours(&request("/", &["127.0.0.1"]), &[]));
        assert!(ours(&request("http://127.0.0.1/", &["127.0.0.1"]), &[]));
        assert!(!ours(&request("/", &[]), &[]));
        assert!(!ours(&request("/", &["127.0.0.1", "evil.example"]), &[]));
        assert!(!ours(&request("http://evil.example/", &["127.0.0.1"]), &[]));
    }
}

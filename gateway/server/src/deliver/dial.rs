//! Connections of carriers that are not HTTP: only to addresses that may be used, with TLS where it is wanted.

use std::sync::Arc;

use maibo_core::notify::Transport;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use super::network::{Allow, NameError, resolve};

/// Bytes in both directions.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A connection, with TLS or without.
pub(super) type Line = Box<dyn Duplex>;

/// What TLS goes by: the roots of the operating system. A machine without any trusts nobody.
pub(super) fn tls() -> Option<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
    Some(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

/// Connects to the first address of a name that may be used and answers.
pub(super) async fn connect(host: &str, port: u16, allow: &Allow) -> Result<TcpStream, Transport> {
    let addresses = resolve(host, port, allow).await.map_err(|error| match error {
        NameError::Unknown => Transport::Name,
        NameError::Forbidden => Transport::Forbidden,
    })?;
    let stream = TcpStream::connect(&*addresses).await.map_err(|_| Transport::Connect)?;
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// TLS over a connection; the certificate must be for `host`.
pub(super) async fn secure(stream: TcpStream, host: &str, config: Arc<ClientConfig>) -> Result<Line, Transport> {
    let name = ServerName::try_from(host.to_owned()).map_err(|_| Transport::Name)?;
    let connected = TlsConnector::from(config).connect(name, stream).await;
    connected.map(|line| Box::new(line) as Line).map_err(|error| match error.kind() {
        // TLS reports whatever it does not like as data that are not valid.
        std::io::ErrorKind::InvalidData => Transport::Certificate,
        _ => Transport::Broken,
    })
}

//! The one test on real sockets: accept, upgrade, frames, goodbye.

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::{self, Message, client::IntoClientRequest};

use super::*;

// P: a page connects, gets its welcome and frames, a foreign page does not, and the stop says goodbye before it closes.
#[tokio::test]
async fn connect_listen_goodbye() {
    let server = Server::start().await;
    let listener = serve::bind("127.0.0.1:0".parse().expect("an address")).await.expect("binds");
    let address = listener.local_addr().expect("an address");
    let serving = tokio::spawn(serve::serve(listener, server.router.clone(), server.stop.clone()));
    let mut request = format!("ws://{address}/ws").into_client_request().expect("a request");
    request.headers_mut().insert("origin", "http://evil.example".parse().expect("a header"));
    let refused = tokio_tungstenite::connect_async(request).await.expect_err("refused");
    assert!(matches!(&refused, tungstenite::Error::Http(r) if r.status() == 403), "{refused:?}");
    let mut request = format!("ws://{address}/ws").into_client_request().expect("a request");
    request.headers_mut().insert("origin", format!("http://{address}").parse().expect("a header"));
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.expect("connects");
    let hello = r#"{"t":"hello","v":1,"view":"city","resume":null}"#;
    socket.send(Message::text(hello)).await.expect("sends");
    let frame = async |socket: &mut tokio_tungstenite::WebSocketStream<_>| -> api::ServerFrame {
        match socket.next().await.expect("a message").expect("a message") {
            Message::Text(text) => serde_json::from_str(&text).expect("a frame"),
            other => panic!("{other:?}"),
        }
    };
    assert!(matches!(frame(&mut socket).await, api::ServerFrame::Welcome(_)));
    server.measure("wl-1", 0.6).await;
    let told = frame(&mut socket).await;
    assert!(matches!(&told, api::ServerFrame::Al(al) if al.up[0].level == api::Level::Red), "{told:?}");
    assert_eq!(server.state.shared.metrics.live_clients.get(), 1);
    server.stop.cancel();
    assert!(matches!(frame(&mut socket).await, api::ServerFrame::Bye(b) if b.code == api::ByeCode::Restart));
    let last = socket.next().await.expect("a message").expect("a message");
    assert!(matches!(&last, Message::Close(Some(c)) if u16::from(c.code) == 1001), "{last:?}");
    // The peer answers the close; then the server has nothing left to wait for.
    while socket.next().await.is_some() {}
    drop(socket);
    serving.await.expect("ends");
    server.finish().await;
}

//! Whether the page can be reached: Maibo asks itself, over a new connection each time, as a browser does.

use std::net::SocketAddr;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::Mark;

/// What an alert about it is called by.
pub(super) const PART: &str = "page";
/// What does not answer.
pub(super) const WORDS: (&str, &str) = ("页面和接口（HTTP）", "the page and the API (HTTP)");
/// How long it may give no answer.
pub(super) const WITHIN: Duration = Duration::from_secs(30);
/// Between two questions.
const EVERY: Duration = Duration::from_secs(5);
/// For one answer.
const ANSWER: Duration = Duration::from_secs(5);

/// Asks until `stop`; every answer moves the mark.
pub(super) async fn run(address: SocketAddr, answers: Mark, stop: CancellationToken) {
    let client = reqwest::Client::builder().no_proxy().timeout(ANSWER).pool_max_idle_per_host(0).build();
    let Ok(client) = client.inspect_err(|error| warn!(%error, "nobody watches whether the page answers")) else {
        return;
    };
    let question = format!("http://{address}/healthz");
    loop {
        if client.get(&question).send().await.is_ok_and(|answer| answer.status().is_success()) {
            answers.step();
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // An answer counts; a port that takes the connection and says nothing, and a refusal, do not.
    #[tokio::test]
    async fn only_an_answer_counts() {
        let marks = [Mark::default(), Mark::default(), Mark::default()];
        let stop = CancellationToken::new();
        let hangs = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let mut addresses = vec![hangs.local_addr().expect("its address")];
        for routes in
            [axum::Router::new(), axum::Router::new().route("/healthz", axum::routing::get(|| async { "ok" }))]
        {
            let listener = crate::http::serve::bind(([127, 0, 0, 1], 0).into()).await.expect("binds");
            addresses.push(listener.local_addr().expect("its address"));
            tokio::spawn(crate::http::serve::serve(listener, routes, stop.clone()));
        }
        for (address, mark) in addresses.into_iter().zip(&marks) {
            tokio::spawn(run(address, mark.clone(), stop.clone()));
        }
        let answered = async {
            while marks[2].get() == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), answered).await.expect("an answer");
        // What does not answer has had its time.
        tokio::time::sleep(ANSWER + Duration::from_secs(1)).await;
        stop.cancel();
        assert_eq!([marks[0].get(), marks[1].get()], [0, 0]);
        assert!(marks[2].get() >= 2, "it is asked again");
    }
}

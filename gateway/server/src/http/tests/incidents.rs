//! Incidents, through the whole pipeline: reading, alert, feed, city machine, projection.

use super::*;

/// Asks until the answer is as wanted: the city hears of an alert a moment after everybody else.
async fn until<T: serde::de::DeserializeOwned>(server: &Server, path: &str, wanted: impl Fn(&T) -> bool) -> T {
    let asked = async {
        loop {
            let answer: T = server.get(path).await.json();
            if wanted(&answer) {
                return answer;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), asked).await.expect("in time")
}

// P: an alert has its incident, the incident its alerts; what is not in the scope is not there.
#[tokio::test]
async fn an_alert_and_its_incident() {
    let server = Server::start().await;
    let alert = server.alert("wl-1", 0.6).await;
    let path = format!("/api/v1/alerts/{}", alert.id);
    let detail: api::AlertDetail = until(&server, &path, |d: &api::AlertDetail| d.incident.is_some()).await;
    let id = detail.incident.expect("an incident");
    let path = format!("/api/v1/incidents/{id}");
    let found: api::IncidentDetail = server.get(&path).await.json();
    assert_eq!((found.incident.id.as_str(), found.incident.alerts, found.incident.open), (id.as_str(), 1, 1));
    assert_eq!(
        (&found.incident.rule, &found.incident.title, found.incident.level),
        (&alert.rule, &alert.title, alert.level)
    );
    assert_eq!(found.members.items.iter().map(|a| &a.id).collect::<Vec<_>>(), [&alert.id]);
    let open: api::Page<api::Incident> = server.get("/api/v1/incidents?state=open").await.json();
    assert_eq!(open.items, [found.incident]);
    assert!(server.get("/api/v1/incidents?state=closed").await.json::<api::Page<api::Incident>>().items.is_empty());
    let elsewhere = live::Scope { districts: Some(["110105".to_owned()].into()), domains: None };
    for (path, status) in [(path.as_str(), 404), ("/api/v1/incidents/x", 404)] {
        let mut request = Request::get(path).body(Body::empty()).expect("a request");
        request.extensions_mut().insert(elsewhere.clone());
        assert_eq!(server.send(request).await.status(), status);
    }
    assert_eq!(server.get("/api/v1/incidents?state=fresh").await.status(), 400);
    server.finish().await;
}

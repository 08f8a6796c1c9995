//! Maintenances through the pipeline.

use super::*;

async fn post(server: &Server, path: &str, body: &str) -> Answer {
    let request = Request::post(path).header("content-type", "application/json").header("maibo-actor", "li.wei");
    server.send(request.body(Body::from(body.to_owned())).expect("a request")).await
}

fn ahead(server: &Server, seconds: i64) -> String {
    let now = server.state.shared.clock.now();
    live::words::time(now + maibo_core::time::Millis::from_secs(seconds))
}

const PATH: &str = "/api/v1/maintenance";

// Product: what is under maintenance is shown so, counts as unknown, and is as before when it was ended early.
#[tokio::test]
async fn a_device_under_maintenance_is_unknown() {
    let server = Server::start().await;
    server.measure("wl-1", 0.01).await;
    let until = ahead(&server, 3_600);
    let plan = format!(r#"{{"device":"wl-1","until":"{until}","reason":"换泵"}}"#);
    let planned: api::Maintenance = post(&server, PATH, &plan).await.json();
    assert_eq!((planned.state, planned.by.as_str()), (api::MaintenanceState::Running, "li.wei"));
    let again: api::Maintenance = post(&server, PATH, &plan).await.json();
    assert_eq!(again.id, planned.id, "the same request plans nothing twice");
    let device: api::Device = server.get("/api/v1/devices/wl-1").await.json();
    assert_eq!(device.unknown_why, Some(api::UnknownWhy::Maintenance));
    let list: Vec<api::Maintenance> = server.get(PATH).await.json();
    assert_eq!(list, [again]);
    let ended: api::Maintenance = post(&server, &format!("{PATH}/{}/end", planned.id), "").await.json();
    assert_eq!((ended.state, ended.ended_by.as_deref()), (api::MaintenanceState::Over, Some("li.wei")));
    let device: api::Device = server.get("/api/v1/devices/wl-1").await.json();
    assert_ne!(device.unknown_why, Some(api::UnknownWhy::Maintenance));
    server.finish().await;
}

// P: a mistake says what to write instead.
#[tokio::test]
async fn mistakes() {
    let server = Server::start().await;
    let (until, late) = (ahead(&server, 3_600), ahead(&server, 40 * 86_400));
    for (body, status) in [
        (format!(r#"{{"until":"{until}","reason":"x"}}"#), 400),
        (format!(r#"{{"device":"wl-1","place":"110105","until":"{until}","reason":"x"}}"#), 400),
        (format!(r#"{{"device":"nobody","until":"{until}","reason":"x"}}"#), 404),
        (format!(r#"{{"place":"somewhere","until":"{until}","reason":"x"}}"#), 400),
        (format!(r#"{{"device":"wl-1","until":"{until}","reason":" "}}"#), 422),
        (format!(r#"{{"device":"wl-1","until":"{late}","reason":"x"}}"#), 422),
        (r#"{"device":"wl-1","until":"soon","reason":"x"}"#.to_owned(), 400),
    ] {
        assert_eq!(post(&server, PATH, &body).await.status(), status, "{body}");
    }
    assert_eq!(post(&server, &format!("{PATH}/0/end"), "").await.status(), 404);
    server.finish().await;
}

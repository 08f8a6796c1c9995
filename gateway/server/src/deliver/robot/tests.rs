#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn secret() -> RobotSecret {
    RobotSecret::parse("# the robot's\n\n  SECthisisnosecret \n").unwrap()
}

// The signatures by their definition, worked out with another implementation (Python's hmac).
#[test]
fn signatures() {
    let signed =
        dingtalk(&url("https://oapi.example/robot/send?access_token=t"), &secret(), Timestamp(1_795_435_200_450));
    let pairs: Vec<(String, String)> = signed.query_pairs().into_owned().collect();
    let pair = |n: usize| (pairs[n].0.as_str(), pairs[n].1.as_str());
    assert_eq!(pair(0), ("access_token", "t"));
    assert_eq!(pair(1), ("timestamp", "1795435200450"));
    assert_eq!(pair(2), ("sign", "YFI8V3cDDiHX+30X5944k9sizFpCF+M2a+mJ+fxwHqE="));
    assert!(!signed.as_str().contains('+'), "a plus would be read as a space: {signed}");
    let body = feishu(b"{\"msg_type\":\"text\"}", &secret(), Timestamp(1_795_435_200_450)).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (&body["timestamp"], &body["sign"]),
        (&"1795435200".into(), &"ZRwlC3QUvy2wOUQkqL1RPTBY1KawNMSAkgefpvQ5koo=".into())
    );
    assert_eq!(feishu(b"[]", &secret(), Timestamp(0)), None);
}

#[test]
fn secrets_are_one_line_and_never_shown() {
    for bad in ["", "# only a remark", "one\ntwo", "a b", &"x".repeat(257)] {
        assert!(RobotSecret::parse(bad).is_err(), "{bad}");
    }
    assert_eq!(format!("{:?}", secret()), "RobotSecret");
}

// HTTP 200 says nothing: the body does.
#[test]
fn answers_are_read() {
    use Platform::{DingTalk, Feishu, WeCom};
    let at = url("https://robot.example/hook/0123456789?access_token=abcdefgh");
    let said = |platform, code, body: &str| read(platform, code, body.as_bytes(), &at);
    for (platform, body) in [
        (DingTalk, r#"{"errcode":0,"errmsg":"ok"}"#),
        (WeCom, r#"{"errcode":0,"errmsg":"ok"}"#),
        (Feishu, r#"{"code":0,"msg":"success","data":{}}"#),
        (Feishu, r#"{"StatusCode":0,"StatusMessage":"success"}"#),
    ] {
        assert_eq!(said(platform, 200, body), Some(Answer::Taken), "{body}");
    }
    for (platform, body, refusal, words) in [
        (DingTalk, r#"{"errcode":310000,"errmsg":"sign not match"}"#, Refusal::Credentials, "310000 sign not match"),
        (DingTalk, r#"{"errcode":130101,"errmsg":"send too fast"}"#, Refusal::TooMany, "130101 send too fast"),
        (DingTalk, r#"{"errcode":-1,"errmsg":""}"#, Refusal::Busy, "-1"),
        (DingTalk, r#"{"errcode":40035,"errmsg":"no json"}"#, Refusal::Message, "40035 no json"),
        (WeCom, r#"{"errcode":45009,"errmsg":"freq\nout"}"#, Refusal::TooMany, "45009 freq out"),
        (WeCom, r#"{"errcode":93000,"errmsg":"invalid abcdefgh"}"#, Refusal::Credentials, "93000 invalid …"),
        (Feishu, r#"{"code":19021,"msg":"sign match fail"}"#, Refusal::Credentials, "19021 sign match fail"),
        (Feishu, r#"{"code":11232,"msg":"frequency limited"}"#, Refusal::TooMany, "11232 frequency limited"),
        (Feishu, r#"{"code":9499,"msg":"too many request"}"#, Refusal::TooMany, "9499 too many request"),
        (Feishu, r#"{"code":9499,"msg":"Bad Request"}"#, Refusal::Message, "9499 Bad Request"),
        (Feishu, r#"{"code":19001,"msg":"no 0123456789"}"#, Refusal::Credentials, "19001 no …"),
    ] {
        let wanted = Answer::Refused { refusal, words: words.to_owned() };
        assert_eq!(said(platform, 200, body), Some(wanted.clone()), "{body}");
        assert_eq!(said(platform, 400, body), Some(wanted), "{body}");
    }
    // Not a robot: a portal that answers everything with 200 has not taken anything.
    for body in ["", "<html>", "{}", r#"{"errcode":"0"}"#, "[0]"] {
        let words = "no robot answers, HTTP 200".to_owned();
        assert_eq!(said(WeCom, 200, body), Some(Answer::Refused { refusal: Refusal::Message, words }), "{body}");
        assert_eq!(said(WeCom, 502, body), None, "{body}");
    }
    assert_eq!(said(WeCom, 500, r#"{"errcode":0}"#), None, "the status counts");
}

//! The page for people at a receiver: made here, without a script, so that any telephone shows it.

use std::fmt::Write as _;
use std::sync::OnceLock;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::tz::{Offset, TimeZone};
use maibo_api as api;
use maibo_core::id::PERSON_MAX;
use maibo_core::limit::MAX_NOTE;
use sha2::{Digest, Sha256};

use super::{Said, Sight};
use crate::http::Fault;
use crate::live::words;

/// All there is of style; the browser is told its hash and takes no other.
const STYLE: &str = "\
body{margin:0;background:#f4f5f7;color:#16202b;font:16px/1.5 system-ui,'PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif}\
main{max-width:40rem;margin:0 auto;padding:1rem}section,form{background:#fff;border-radius:.5rem;padding:1rem;margin:0 0 1rem}\
h1{font-size:1.25rem;margin:0 0 .5rem}h2{font-size:1rem;margin:0 0 .5rem}small{display:block;color:#5a6775;font-size:.85rem}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.35rem 1rem;margin:0}dt{color:#5a6775}dd{margin:0}\
.level{display:inline-block;border-radius:.25rem;padding:0 .5rem;margin-right:.5rem;color:#fff}\
.blue{background:#1f5fbf}.yellow{background:#ffd43b;color:#16202b}.orange{background:#c2500a}.red{background:#c01f1f}\
label{display:block;margin:0 0 .75rem}input,textarea{width:100%;box-sizing:border-box;font:inherit;padding:.5rem;border:1px solid #8a97a5;border-radius:.25rem}\
button{width:100%;min-height:3rem;margin:.25rem 0;font:inherit;border:0;border-radius:.25rem;background:#1f4f8f;color:#fff}\
ol{margin:0;padding-left:1.25rem}";

/// The page of a link that is good.
pub(super) fn answer(sight: &Sight, token: &str) -> Response {
    let mut body = String::new();
    head(&mut body, sight);
    said(&mut body, &sight.said);
    if sight.alert.state == api::AlertState::Firing {
        form(&mut body, sight, token);
    } else {
        body.push_str("<section><p>告警已结束，不再接受反馈。<small>The alert is over and takes no more answers.</small></p></section>");
    }
    page(StatusCode::OK, &body)
}

/// Why there is nothing to see, or an answer was not taken.
pub(super) fn refused(fault: &Fault) -> Response {
    let problem = fault.problem();
    let zh = match (problem.status, problem.reason) {
        (404, _) => "链接无效。",
        (410, _) => "链接已过期，请使用最新消息中的链接。",
        (409, Some(api::ConflictReason::Resolved)) => "告警已结束，不再接受反馈。",
        (409, Some(api::ConflictReason::StillFiring)) => "监测值仍超限，不能关闭；恢复后自动结束。",
        (429, _) => "提交过于频繁，请稍后再试。",
        (400 | 413 | 422, _) => "填写有误，未记录，请返回修改。",
        _ => "暂时无法处理，请稍后再试。",
    };
    let detail = escape(&problem.detail);
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    page(status, &format!("<section><h1>{zh}</h1><small>{detail}</small></section>"))
}

/// Above what is said of a drill.
const DRILL: &str = "<p><strong>【演练】这是演练，并无实际险情。</strong>\
    <small>[DRILL] This is an exercise; nothing has happened.</small></p>";

fn head(out: &mut String, sight: &Sight) {
    let alert = &sight.alert;
    let (class, zh, en) = level(alert.level);
    let title = both(&alert.title);
    let _ = write!(
        out,
        "<section><h1><span class=\"level {class}\">{zh} {en}</span>{title}</h1>{}<p>{}</p><dl>",
        if alert.drill { DRILL } else { "" },
        both(&alert.text)
    );
    let mut row = |zh: &str, en: &str, value: &str| {
        if !value.is_empty() {
            let _ = write!(out, "<dt>{zh}<small>{en}</small></dt><dd>{value}</dd>");
        }
    };
    row("地点", "Place", &alert.place_name.as_ref().map(both).unwrap_or_default());
    let device = alert.device_name.as_deref().or(alert.device.as_deref());
    row("设备", "Device", &escape(device.unwrap_or_default()));
    let state = match (alert.state, alert.data) {
        (api::AlertState::Resolved, _) => "已结束<small>resolved</small>",
        (_, api::DataState::Stale) => "告警中，数据中断<small>firing, its data are stale</small>",
        _ => "告警中<small>firing</small>",
    };
    row("状态", "State", state);
    row("开始", "Since", &time(&alert.started_at));
    row("结束", "Until", &alert.resolved_at.as_deref().map(time).unwrap_or_default());
    row("处置建议", "Advice", &sight.advice.as_ref().map(both).unwrap_or_default());
    let stamps = &alert.stamps;
    for (zh, en, stamp) in [
        ("发布", "Published", &stamps.published),
        ("处置", "Responding", &stamps.responding),
        ("反馈", "Fed back", &stamps.fed_back),
        ("归档", "Archived", &stamps.archived),
    ] {
        let by = |s: &api::Stamp| {
            s.by.as_deref().map(|by| format!(" {}", escape(&words::spoken(by).zh))).unwrap_or_default()
        };
        row(zh, en, &stamp.as_ref().map(|s| time(&s.at) + &by(s)).unwrap_or_default());
    }
    row("接收单位", "Receiver", &escape(&sight.receiver));
    out.push_str("</dl></section>");
}

fn said(out: &mut String, said: &[Said]) {
    if said.is_empty() {
        return;
    }
    out.push_str("<section><h2>本单位已反馈<small>Answered so far</small></h2><ol>");
    for one in said {
        let (zh, en) = stage(one.stage);
        let (at, by, note) = (time(&one.at), escape(&one.by), escape(&one.note));
        let _ = write!(out, "<li>{at} {by} {zh}<small>{en}</small>{note}</li>");
    }
    out.push_str("</ol></section>");
}

fn form(out: &mut String, sight: &Sight, token: &str) {
    let alert = &sight.alert;
    // Relative to `/answer/…`, so that it holds behind a proxy that puts Maibo below a path.
    let _ = write!(
        out,
        "<form method=\"post\" action=\"../api/v1/answer/{}\">\
         <label>姓名<small>Your name</small><input name=\"by\" required maxlength=\"{PERSON_MAX}\" autocomplete=\"name\"></label>\
         <label>说明<small>Note; with “已处置” it has to say what came of it</small>\
         <textarea name=\"note\" rows=\"3\" maxlength=\"{MAX_NOTE}\"></textarea></label>",
        escape(token)
    );
    let closable = alert.data == api::DataState::Stale || alert.subject.kind == "event" || alert.drill;
    for (value, which) in [
        ("acknowledged", api::AnswerStage::Acknowledged),
        ("responding", api::AnswerStage::Responding),
        ("fed_back", api::AnswerStage::FedBack),
        ("closed", api::AnswerStage::Closed),
    ] {
        if which != api::AnswerStage::Closed || closable {
            let (zh, en) = stage(which);
            let _ = write!(out, "<button name=\"stage\" value=\"{value}\">{zh} · {en}</button>");
        }
    }
    out.push_str("</form>");
}

const fn stage(stage: api::AnswerStage) -> (&'static str, &'static str) {
    match stage {
        api::AnswerStage::Acknowledged => ("已收到", "Acknowledged"),
        api::AnswerStage::Responding => ("正在处置", "Responding"),
        api::AnswerStage::FedBack => ("已处置", "Dealt with"),
        api::AnswerStage::Closed => ("关闭告警", "Close the alert"),
    }
}

const fn level(level: api::Level) -> (&'static str, &'static str, &'static str) {
    match level {
        api::Level::Blue => ("blue", "蓝色", "blue"),
        api::Level::Yellow => ("yellow", "黄色", "yellow"),
        api::Level::Orange => ("orange", "橙色", "orange"),
        api::Level::Red => ("red", "红色", "red"),
    }
}

/// Chinese, and English beneath.
fn both(words: &api::Words) -> String {
    if words.zh == words.en {
        return escape(&words.zh);
    }
    format!("{}<small>{}</small>", escape(&words.zh), escape(&words.en))
}

/// In Beijing time, to the second.
fn time(text: &str) -> String {
    let Ok(at) = text.parse::<jiff::Timestamp>() else { return escape(text) };
    at.to_zoned(TimeZone::fixed(Offset::constant(8))).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A text as it can stand between tags and in quoted attributes.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A whole page. It may load nothing, run nothing, be framed by nobody, and send its form only here.
fn page(status: StatusCode, body: &str) -> Response {
    static POLICY: OnceLock<String> = OnceLock::new();
    let policy = POLICY.get_or_init(|| {
        let hash = STANDARD.encode(Sha256::digest(STYLE));
        format!(
            "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
    });
    let text = format!(
        "<!doctype html><html lang=\"zh-CN\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><meta name=\"robots\" content=\"noindex\">\
         <title>告警反馈 Answer</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>"
    );
    let mut response = (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response();
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    // The address is a secret: no other server hears of it. This one must hear where a form comes from.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    // P: what devices, catalogues and people wrote is text on the page, and never markup.
    #[test]
    fn texts_are_escaped() {
        assert_eq!(escape("<b a='x'>\"&"), "&lt;b a=&#39;x&#39;&gt;&quot;&amp;");
        let words = api::Words { zh: "<i>".to_owned(), en: "</small>".to_owned() };
        assert_eq!(both(&words), "&lt;i&gt;<small>&lt;/small&gt;</small>");
        assert_eq!(time("2026-11-23T12:00:00.000Z"), "2026-11-23 20:00:00");
        assert_eq!(time("<"), "&lt;");
    }
}

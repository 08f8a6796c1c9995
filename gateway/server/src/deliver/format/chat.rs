//! Messages to robots in chat groups: DingTalk, Feishu (Lark) and WeCom, each in its own Markdown and below its own limit.
//!
//! Sources: DingTalk's "custom robots" (message of type `markdown`, 20,000 bytes a body), Feishu's "custom bots" (a card with a
//! coloured head, 20 kB a body), WeCom's "group robots" (`markdown`, 4,096 bytes of content). What a robot answers and how a
//! request is signed is in `robot`.
//!
//! Names and texts come from catalogues, rules and devices: what could be read as a link, a mention or a tag is written with
//! the full-width character instead.

use serde_json::{Value, json};

use super::language::Language;
use super::notice::{Notice, first};
use super::{Beat, FormatError, Outgoing};
use crate::deliver::sender::Sender;

/// Whose robot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::deliver) enum Platform {
    DingTalk,
    Feishu,
    WeCom,
}

impl Platform {
    /// Bytes of text, such that the whole body stays below what the platform takes.
    const fn limit(self) -> usize {
        match self {
            // Quotes and line breaks take two bytes in JSON.
            Self::DingTalk | Self::Feishu => 15_000,
            Self::WeCom => 4_096,
        }
    }

    /// Messages a minute, by the platforms' own pages on their robots. DingTalk blocks for ten minutes where it is more.
    pub(in crate::deliver) const fn per_minute(self) -> u32 {
        match self {
            Self::DingTalk | Self::WeCom => 20,
            Self::Feishu => 100,
        }
    }

    /// Characters of one text, such that the Chinese half and the link fit in any case.
    const fn sentence(self) -> usize {
        match self {
            Self::DingTalk | Self::Feishu => 500,
            Self::WeCom => 200,
        }
    }

    /// What ends a line.
    const fn newline(self) -> &'static str {
        match self {
            Self::DingTalk => "  \n",
            Self::Feishu | Self::WeCom => "\n",
        }
    }

    /// A heading; a card of Feishu has the first one as its head.
    fn heading(self, text: &str) -> String {
        match self {
            Self::DingTalk | Self::WeCom => format!("### {text}"),
            Self::Feishu => format!("**{text}**"),
        }
    }
}

/// The message for a platform's robot, not signed.
pub(super) fn message(platform: Platform, notice: &Notice) -> Result<Outgoing, FormatError> {
    body(platform, &notice.head(Language::Chinese), colour(notice), &markdown(platform, notice))
}

/// A sign of life for a platform's robot, not signed: in grey, without level and mark.
pub(super) fn beat(platform: Platform, beat: &Beat<'_>, sender: &Sender) -> Result<Outgoing, FormatError> {
    let (head, line) = (Beat::head(), beat.line(sender));
    let mut text = Bounded::new(platform.limit(), platform.newline());
    for language in Language::BOTH {
        if language == Language::English || platform != Platform::Feishu {
            text.line(&format!("**{}**", safe(language.of(&head))));
        }
        text.line(&safe(&first(language.of(&line), platform.sentence())));
    }
    body(platform, &head.zh, "grey", &text.text)
}

/// What a robot takes: a head, its colour where it has one, and text.
fn body(platform: Platform, head: &str, colour: &str, text: &str) -> Result<Outgoing, FormatError> {
    let body = match platform {
        Platform::DingTalk => json!({
            "msgtype": "markdown",
            "markdown": { "title": head, "text": text },
            "at": { "isAtAll": false },
        }),
        Platform::WeCom => json!({ "msgtype": "markdown", "markdown": { "content": text } }),
        Platform::Feishu => json!({
            "msg_type": "interactive",
            "card": {
                "config": { "wide_screen_mode": true },
                "header": { "title": { "tag": "plain_text", "content": head }, "template": colour },
                "elements": [{ "tag": "markdown", "content": text }],
            },
        }),
    };
    json_body(&body)
}

fn json_body(body: &Value) -> Result<Outgoing, FormatError> {
    let body = serde_json::to_vec(body)?;
    Ok(Outgoing { content_type: "application/json; charset=utf-8", headers: Vec::new(), body })
}

/// Feishu's name of the head's colour.
fn colour(notice: &Notice) -> &'static str {
    if notice.over { "green" } else { Language::English.level(notice.worst) }
}

/// Chinese, the link, English; what is beyond the limit is cut off from the end.
fn markdown(platform: Platform, notice: &Notice) -> String {
    let mut text = Bounded::new(platform.limit(), platform.newline());
    for language in Language::BOTH {
        if language == Language::English || platform != Platform::Feishu {
            text.line(&platform.heading(&safe(&notice.head(language))));
        }
        let colon = language.pick("：", ": ");
        for (label, words) in notice.lines(language) {
            let label = if label.is_empty() { String::new() } else { format!("**{label}**{colon}") };
            text.line(&format!("{label}{}", safe(&first(&words, platform.sentence()))));
        }
        if let Some(link) = notice.link().filter(|_| language == Language::Chinese) {
            text.line(&format!("[查看 Open]({link})"));
            text.line("");
        }
    }
    text.text
}

/// Text that means nothing in any of the dialects.
fn safe(text: &str) -> String {
    let harmless = |c| match c {
        '<' => '＜',
        '>' => '＞',
        '[' => '［',
        ']' => '］',
        '*' => '＊',
        '`' => '｀',
        '~' => '～',
        '@' => '＠',
        '#' => '＃',
        '\\' => '＼',
        other => other,
    };
    text.chars().map(harmless).collect()
}

/// Text that ends with a mark where it would be longer than its limit.
struct Bounded {
    text: String,
    limit: usize,
    newline: &'static str,
    full: bool,
}

impl Bounded {
    const MARK: &str = "…";

    const fn new(limit: usize, newline: &'static str) -> Self {
        Self { text: String::new(), limit, newline, full: false }
    }

    /// Adds a line, as much of it as there is room for. The room for the mark is kept free.
    fn line(&mut self, line: &str) {
        if self.full {
            return;
        }
        let newline = if self.text.is_empty() { "" } else { self.newline };
        let room = self.limit.saturating_sub(self.text.len() + Self::MARK.len());
        if newline.len() + line.len() <= room {
            self.text.push_str(newline);
            self.text.push_str(line);
            return;
        }
        self.full = true;
        if let Some(room) = room.checked_sub(newline.len()) {
            self.text.push_str(newline);
            self.text.push_str(&line[..line.floor_char_boundary(room)]);
        }
        self.text.push_str(Self::MARK);
    }
}

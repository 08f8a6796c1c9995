//! `[sender]`: who Maibo is to those it tells.

use maibo_api::Words;
use reqwest::Url;
use serde::Deserialize;

use super::outline::Outlines;

/// Digits or letters of a unit's code on warning platforms: division, industry, unit, extension.
const CODE: usize = 14;
/// Longest name and title, in characters.
const TEXT: usize = 128;

/// `[sender]` as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SenderSettings {
    /// What identifies this Maibo to others, the same for its life, such as `maibo.city.example`: the sender of CAP, and a part
    /// of the source of CloudEvents. `[A-Za-z0-9._@-]{1,128}`; `maibo` where it is not given.
    pub name: Option<String>,
    /// Its name for people.
    pub title: Option<Words>,
    /// The unit's code on Chinese warning platforms, 14 digits or letters: six of the division (GB/T 2260), three of the industry,
    /// three of the unit, two more. With it CAP messages have identifiers of that form.
    pub code: Option<String>,
    /// Address of the page as receivers reach it, for links: `https://maibo.city.example`.
    pub page: Option<String>,
}

/// The sender, valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// See [`SenderSettings::name`].
    pub name: String,
    /// See [`SenderSettings::title`].
    pub title: Words,
    /// See [`SenderSettings::code`].
    pub code: Option<String>,
    /// See [`SenderSettings::page`]; without a slash at the end.
    pub page: Option<String>,
    /// Where its districts are.
    pub outlines: Outlines,
}

impl Default for Sender {
    fn default() -> Self {
        let title =
            Words { zh: "脉搏城市运行感知网关".to_owned(), en: "Maibo city sensing gateway".to_owned() };
        Self { name: "maibo".to_owned(), title, code: None, page: None, outlines: Outlines::default() }
    }
}

impl Sender {
    /// Where the page shows an alert, if it is known where the page is.
    pub(super) fn link(&self, alert: &str) -> Option<String> {
        self.page.as_ref().map(|page| format!("{page}/?alert={alert}"))
    }
}

impl SenderSettings {
    /// Checks everything.
    ///
    /// # Errors
    /// Every problem, each beginning with its key.
    pub fn parse(&self) -> Result<Sender, Vec<String>> {
        let mut problems = Vec::new();
        let mut sender = Sender::default();
        if let Some(name) = &self.name {
            // CAP forbids spaces, commas, `<` and `&` in a sender; a source of CloudEvents is a URI.
            let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@');
            if name.is_empty() || name.len() > TEXT || !name.chars().all(fine) {
                problems.push(format!("name: 1 to {TEXT} characters of A-Z a-z 0-9 . _ - @"));
            }
            sender.name.clone_from(name);
        }
        if let Some(title) = &self.title {
            let fine = |text: &String| !text.trim().is_empty() && text.chars().count() <= TEXT;
            if !fine(&title.zh) || !fine(&title.en) {
                problems.push(format!("title: zh and en, 1 to {TEXT} characters each"));
            }
            sender.title.clone_from(title);
        }
        if let Some(code) = &self.code {
            if code.len() != CODE || !code.chars().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase()) {
                problems.push(format!("code: {CODE} digits or capital letters"));
            }
            sender.code = Some(code.clone());
        }
        if let Some(page) = &self.page {
            match Url::parse(page) {
                Ok(url)
                    if matches!(url.scheme(), "http" | "https")
                        && url.query().is_none()
                        && url.fragment().is_none() =>
                {
                    sender.page = Some(url.as_str().trim_end_matches('/').to_owned());
                }
                Ok(_) => problems.push("page: must be http(s)://…, without `?` and `#`".to_owned()),
                Err(error) => problems.push(format!("page: is not a URL: {error}")),
            }
        }
        if problems.is_empty() { Ok(sender) } else { Err(problems) }
    }
}

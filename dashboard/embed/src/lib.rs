//! The operator's page as bytes in the binary: what `build.rs` built, looked up by name.
//!
//! Place in the data path: the gateway's HTTP server answers `/` and `/assets/…` from here; nothing is read from disk.
//! Invariants: names are exact, so no name can leave the embedded folder; files below `assets/` carry a hash of their
//! content in their name and never change, all others may change with each build.

use std::{borrow::Cow, fmt::Write as _};

use rust_embed::RustEmbed;

/// The page itself, to be served at `/`.
pub const INDEX: &str = "index.html";

#[derive(RustEmbed)]
#[folder = "$OUT_DIR/ui"]
struct Page;

/// One file of the page.
#[derive(Debug, Clone)]
pub struct Asset {
    /// The file's content.
    pub bytes: Cow<'static, [u8]>,
    /// Its media type, with the character set for text.
    pub mime: &'static str,
    /// True when the name carries a hash of the content: clients may keep it for ever.
    pub immutable: bool,
    /// A strong entity tag, quoted as the `ETag` header wants it.
    pub etag: String,
}

/// The file named `path`, relative to the page's root and without a leading slash; `None` when there is none.
///
/// The empty name is not [`INDEX`]: the server decides what `/` means.
pub fn asset(path: &str) -> Option<Asset> {
    if path.is_empty() || path.split('/').any(|part| part.is_empty() || part == "." || part == "..") {
        return None;
    }
    let file = Page::get(path)?;
    Some(Asset {
        mime: mime_of(path),
        immutable: path.starts_with("assets/"),
        etag: etag_of(&file.metadata.sha256_hash()),
        bytes: file.data,
    })
}

/// The names of all files of the page.
pub fn names() -> impl Iterator<Item = Cow<'static, str>> {
    Page::iter()
}

fn etag_of(hash: &[u8; 32]) -> String {
    let mut tag = String::with_capacity(34);
    tag.push('"');
    for byte in &hash[..16] {
        // Writing to a String cannot fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}

/// The media types of what the page's build puts out; scripts need the right one or the browser refuses them.
fn mime_of(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json" | "map") => "application/json",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Promise: `/` always has a page, whatever the build found, and it must be asked for anew each time.
    #[test]
    fn the_index_is_there_and_not_immutable() {
        let index = asset(INDEX).expect("index.html is embedded");
        assert_eq!(index.mime, "text/html; charset=utf-8");
        assert!(!index.immutable);
        assert!(String::from_utf8_lossy(&index.bytes).starts_with("<!doctype html>"));
        assert!(index.etag.len() == 34 && index.etag.starts_with('"') && index.etag.ends_with('"'));
    }

    // Promise: no name reaches a file outside the page.
    #[test]
    fn names_that_leave_the_page_find_nothing() {
        for name in [
            "",
            "/",
            ".",
            "..",
            "../Cargo.toml",
            "../ui/index.html",
            "assets/../index.html",
            "./index.html",
            "/index.html",
            "//index.html",
            "assets//..//index.html",
            "..\\index.html",
            "%2e%2e/index.html",
            "/etc/passwd",
            "index.html/",
            "index.html\0",
        ] {
            assert!(asset(name).is_none(), "{name:?} must find nothing");
        }
    }

    // Promise: what may be kept for ever is exactly what has a hash in its name, and scripts are served as scripts.
    #[test]
    fn every_file_has_a_type_and_only_assets_are_immutable() {
        for name in names() {
            let file = asset(&name).expect("a listed file is found");
            assert_eq!(file.immutable, name.starts_with("assets/"), "{name}");
            assert_ne!(file.mime, "application/octet-stream", "{name} has no media type");
        }
    }
}

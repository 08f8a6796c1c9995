//! An InfluxDB 2 server that does as it is told: takes writes over real sockets and keeps what it stores.

use std::collections::{BTreeMap, VecDeque};
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flate2::read::GzDecoder;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::{TcpListener, TcpStream};

/// What to do with one request.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Act {
    /// Store every line, answer 204.
    Store,
    /// Store nothing, answer this, with a header line.
    Say(u16, &'static str, &'static str),
    /// Read it and never answer.
    Hang,
    /// Store every line and never answer.
    StoreAndHang,
    /// Close in the middle of the body.
    Reset,
    /// 413 where it has more lines than this, else 204.
    AtMost(usize),
    /// 400 where a line contains this, else 204. `good`: the good lines of a refused request are stored all the same.
    Without(&'static str, bool),
}

/// One request as it came.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// The request line.
    pub(super) head: String,
    /// Header lines, names in small letters.
    pub(super) headers: Vec<String>,
    /// Lines in the body.
    pub(super) lines: usize,
}

#[derive(Default)]
struct Inner {
    /// For the next requests; then `always`.
    script: VecDeque<Act>,
    always: Option<Act>,
    /// By series and time, as a server stores.
    stored: BTreeMap<(String, i64), String>,
    seen: Vec<Seen>,
    /// Lines stored, those stored again too.
    writes: u64,
}

/// The server. It listens as long as it lives.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    inner: Arc<Mutex<Inner>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Does these first, then `always`.
    pub(super) async fn start(script: &[Act], always: Act) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let address = listener.local_addr().expect("address");
        let inner = Inner { script: script.iter().cloned().collect(), always: Some(always), ..Inner::default() };
        let inner = Arc::new(Mutex::new(inner));
        let shared = Arc::clone(&inner);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { address, inner, task }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on does this.
    pub(super) fn always(&self, act: Act) {
        let mut inner = self.lock();
        inner.script.clear();
        inner.always = Some(act);
    }

    /// Points stored.
    pub(super) fn stored(&self) -> usize {
        self.lock().stored.len()
    }

    /// Stored lines by series and time.
    pub(super) fn lines(&self) -> Vec<String> {
        self.lock().stored.values().cloned().collect()
    }

    /// Lines stored, those stored again too.
    pub(super) fn writes(&self) -> u64 {
        self.lock().writes
    }

    /// Requests.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.lock().seen.clone()
    }
}

async fn serve(stream: TcpStream, inner: Arc<Mutex<Inner>>) {
    let mut stream = BufStream::new(stream);
    while one(&mut stream, &inner).await.is_some() {}
}

/// One exchange; `None` where the connection is to be closed.
async fn one(stream: &mut BufStream<TcpStream>, inner: &Arc<Mutex<Inner>>) -> Option<()> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let act = {
        let mut inner = inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.script.pop_front().or_else(|| inner.always.clone())?
    };
    let headers: Vec<String> = head.iter().skip(1).map(|h| h.to_lowercase()).collect();
    let length = headers.iter().find_map(|h| h.strip_prefix("content-length: ")?.parse::<usize>().ok())?;
    if act == Act::Reset {
        let mut some = vec![0; length / 2];
        stream.read_exact(&mut some).await.ok()?;
        // Closed with bytes unread: the peer gets a reset.
        return None;
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let mut text = String::new();
    GzDecoder::new(&body[..]).read_to_string(&mut text).expect("gzip");
    assert!(text.ends_with('\n'), "whole lines");
    let lines: Vec<&str> = text.lines().collect();
    let status = {
        let mut inner = inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.seen.push(Seen { head: head[0].clone(), headers, lines: lines.len() });
        match &act {
            Act::AtMost(most) if lines.len() <= *most => keep(&mut inner, &lines, None),
            Act::AtMost(_) => Some((413, "too large", "")),
            Act::Without(word, good) if lines.iter().any(|l| l.contains(word)) => {
                if *good {
                    keep(&mut inner, &lines, Some(word));
                }
                Some((400, "{\"code\":\"invalid\",\"message\":\"unable to parse\"}", ""))
            }
            Act::Store | Act::StoreAndHang | Act::Without(..) => keep(&mut inner, &lines, None),
            Act::Say(status, body, header) => Some((*status, *body, *header)),
            Act::Hang | Act::Reset => None,
        }
    };
    if matches!(act, Act::Hang | Act::StoreAndHang) {
        tokio::time::sleep(Duration::from_mins(10)).await;
        return None;
    }
    let (status, body, header) = status.unwrap_or((204, "", ""));
    let separator = if header.is_empty() { "" } else { "\r\n" };
    let length = if status == 204 { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    let answer = format!("HTTP/1.1 {status} x\r\n{length}{header}{separator}\r\n{body}");
    stream.write_all(answer.as_bytes()).await.ok()?;
    stream.flush().await.ok()
}

fn keep(inner: &mut Inner, lines: &[&str], without: Option<&str>) -> Option<(u16, &'static str, &'static str)> {
    for line in lines.iter().filter(|l| without.is_none_or(|w| !l.contains(w))) {
        let (rest, at) = line.rsplit_once(' ').expect("a time");
        let (series, _) = rest.rsplit_once(' ').expect("a field");
        inner.stored.insert((series.to_owned(), at.parse().expect("a time")), (*line).to_owned());
        inner.writes += 1;
    }
    None
}

//! The server's clock against time servers, by SNTP (RFC 5905): every decision carries it, and devices are judged by it.

use std::sync::Arc;
use std::time::Duration;

use maibo_core::input::Check;
use maibo_core::place::Level;
use rsntp::{AsyncSntpClient, Config};
use tokio_util::sync::CancellationToken;

use super::Board;

/// Between two looks; public servers ask for no more than one question a minute.
const EVERY: Duration = Duration::from_secs(64);
/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Off by more than this is yellow, in seconds.
const OFF: f64 = 0.5;
/// By more than this orange: the engine's own step size, from which devices' times begin to look wrong.
const FAR_OFF: f64 = 2.0;
/// No answer from any server so many times in a row: nobody knows.
const UNANSWERED: u32 = 8;

pub(super) async fn run(servers: Vec<String>, board: Arc<Board>, stop: CancellationToken) {
    let client = AsyncSntpClient::with_config(Config::default().timeout(TIMEOUT));
    let mut unanswered = 0;
    while !stop.is_cancelled() {
        let mut offsets = Vec::new();
        for server in &servers {
            if let Ok(answer) = client.synchronize(server).await {
                offsets.push(answer.clock_offset().as_secs_f64());
            }
        }
        unanswered = if offsets.is_empty() { unanswered + 1 } else { 0 };
        tell(&board, median(&mut offsets), unanswered, &servers);
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// The middle one: a single server that lies decides nothing.
fn median(offsets: &mut [f64]) -> Option<f64> {
    offsets.sort_by(f64::total_cmp);
    offsets.get(offsets.len() / 2).copied()
}

fn tell(board: &Board, offset: Option<f64>, unanswered: u32, servers: &[String]) {
    const PART: &str = "ntp";
    match offset {
        Some(off) if off.abs() > OFF => {
            let level = if off.abs() > FAR_OFF { Level::Orange } else { Level::Yellow };
            let zh = format!("服务器时钟与时间服务器相差 {:+.2} 秒", -off);
            let en = format!("the server's clock is {:+.2} s off the time servers", -off);
            board.unwell(Check::Time, PART, level, &zh, &en);
        }
        Some(_) => board.well(Check::Time, PART),
        None if unanswered >= UNANSWERED => {
            let list = servers.join(", ");
            let zh = format!("时间服务器均无应答（{list}），无法核对服务器时钟");
            let en = format!("no time server answers ({list}): nobody knows whether the server's clock is right");
            board.unwell(Check::Time, PART, Level::Yellow, &zh, &en);
        }
        None => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use tokio::net::UdpSocket;

    use super::*;

    /// A time server whose clock is off by so many seconds.
    async fn server(off: f64) -> String {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            let mut packet = [0; 48];
            while let Ok((48, from)) = socket.recv_from(&mut packet).await {
                let unix = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
                // NTP counts from 1900, in 32.32 fixed point.
                let now = ((unix + off + 2_208_988_800.0) * f64::from(1u32 << 31) * 2.0) as u64;
                let mut answer = [0; 48];
                (answer[0], answer[1]) = (0b0010_0100, 2);
                answer[24..32].copy_from_slice(&packet[40..48]);
                for at in [16, 32, 40] {
                    answer[at..at + 8].copy_from_slice(&now.to_be_bytes());
                }
                let _ = socket.send_to(&answer, from).await;
            }
        });
        address
    }

    // A clock that is right is well, one that is off is not, whatever a single server says; no answer is not "right".
    #[tokio::test]
    async fn clocks_are_compared() {
        let client = AsyncSntpClient::with_config(Config::default().timeout(TIMEOUT));
        let mut offsets = Vec::new();
        for off in [0.0, 30.0, 0.0] {
            offsets.push(client.synchronize(server(off).await).await.unwrap().clock_offset().as_secs_f64());
        }
        assert!((offsets[1] - 30.0).abs() < 0.4, "{offsets:?}");
        assert!(median(&mut offsets).unwrap().abs() < 0.4, "{offsets:?}");
        assert_eq!(median(&mut []), None);
        let board = super::super::board::tests::board();
        let levels = [(Some(0.1), 0), (Some(-1.0), 0), (Some(9.0), 0), (None, 3), (Some(0.0), 0), (None, 8)];
        let seen = levels.map(|(offset, unanswered)| {
            tell(&board, offset, unanswered, &["ntp.example".to_owned()]);
            super::super::board::tests::told(&board).pop().unwrap_or_default()
        });
        assert_eq!(
            seen.each_ref().map(|s| s.split(' ').take(3).collect::<Vec<_>>().join(" ")),
            ["", "maibo-time ntp yellow", "maibo-time ntp orange", "", "maibo-time ntp well", "maibo-time ntp yellow"]
        );
    }
}

//! A broker that knows only one thing: to push a stream of PUBLISH packets, encoded before, as fast as the socket takes
//! them. What it measures is the receiver alone.
//!
//! MQTT 5 as far as needed: CONNECT, SUBSCRIBE and PINGREQ are answered; at QoS 1 at most [`WINDOW`] packets are on their
//! way unacknowledged. One connection, then it ends.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context as _, bail};

/// The receive maximum of both receivers.
const WINDOW: u64 = 4_096;
/// Packets in one write.
const BURST: usize = 64;

/// The packets, one after the other, and where each ends.
pub(crate) struct Packets {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    at_least_once: bool,
}

impl Packets {
    /// Encodes `(topic, payload)` pairs.
    pub(crate) fn encode(messages: impl Iterator<Item = (String, Vec<u8>)>, at_least_once: bool) -> Self {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for (n, (topic, payload)) in messages.enumerate() {
            // Topic with its length, packet identifier, no properties, payload.
            let rest = 2 + topic.len() + 2 * usize::from(at_least_once) + 1 + payload.len();
            bytes.push(if at_least_once { 0x32 } else { 0x30 });
            let mut left = rest;
            loop {
                let digit = (left % 128) as u8;
                left /= 128;
                bytes.push(if left > 0 { digit | 0x80 } else { digit });
                if left == 0 {
                    break;
                }
            }
            bytes.extend_from_slice(&(topic.len() as u16).to_be_bytes());
            bytes.extend_from_slice(topic.as_bytes());
            if at_least_once {
                bytes.extend_from_slice(&((n % 60_000) as u16 + 1).to_be_bytes());
            }
            bytes.push(0);
            bytes.extend_from_slice(&payload);
            ends.push(bytes.len());
        }
        Self { bytes, ends, at_least_once }
    }

    pub(crate) fn len(&self) -> u64 {
        self.ends.len() as u64
    }
}

/// Serves one receiver. Gives the seconds from the first packet to the last acknowledgement (at QoS 0: to the last byte
/// that the socket took).
pub(crate) fn serve(listener: &TcpListener, packets: &Packets) -> anyhow::Result<f64> {
    // The other core is the receiver's.
    crate::process::pin_this_thread(1)?;
    let (mut socket, _) = listener.accept().context("accept")?;
    while !answer(&mut socket)? {}
    let acknowledged = AtomicU64::new(0);
    let reading = socket.try_clone()?;
    let began = Instant::now();
    std::thread::scope(|scope| {
        let waiter = std::thread::current();
        let count = &acknowledged;
        scope.spawn(move || count_acks(reading, count, &waiter));
        push(&mut socket, packets, &acknowledged)?;
        while packets.at_least_once && acknowledged.load(Ordering::Acquire) < packets.len() {
            std::thread::park();
        }
        let seconds = began.elapsed().as_secs_f64();
        Ok(seconds)
    })
}

fn push(socket: &mut TcpStream, packets: &Packets, acknowledged: &AtomicU64) -> anyhow::Result<()> {
    let (mut sent, mut from) = (0, 0);
    while sent < packets.ends.len() {
        let room = if packets.at_least_once {
            (WINDOW - (sent as u64 - acknowledged.load(Ordering::Acquire))) as usize
        } else {
            BURST
        };
        if room == 0 {
            std::thread::park();
            continue;
        }
        sent = (sent + room.min(BURST)).min(packets.ends.len());
        let to = packets.ends[sent - 1];
        socket.write_all(&packets.bytes[from..to])?;
        from = to;
    }
    Ok(())
}

/// Counts PUBACKs (4 bytes each without a reason) until the receiver hangs up.
fn count_acks(mut socket: TcpStream, acknowledged: &AtomicU64, waiter: &std::thread::Thread) {
    let mut buffer = vec![0; 1 << 16];
    let mut held: Vec<u8> = Vec::new();
    while let Ok(n) = socket.read(&mut buffer) {
        if n == 0 {
            return;
        }
        held.extend_from_slice(&buffer[..n]);
        let (mut at, mut acks) = (0, 0);
        while let Some(&length) = held.get(at + 1) {
            let end = at + 2 + usize::from(length);
            if end > held.len() {
                break;
            }
            acks += u64::from(held[at] == 0x40);
            at = end;
        }
        held.drain(..at);
        acknowledged.fetch_add(acks, Ordering::AcqRel);
        waiter.unpark();
    }
}

/// Reads and answers one packet; true once a SUBSCRIBE was granted.
fn answer(socket: &mut TcpStream) -> anyhow::Result<bool> {
    let mut head = [0; 1];
    socket.read_exact(&mut head)?;
    let length = varint(socket)?;
    let mut body = vec![0; length];
    socket.read_exact(&mut body)?;
    match head[0] >> 4 {
        1 => socket.write_all(&[0x20, 3, 0, 0, 0])?,
        8 => {
            let mut rest = body.get(2..).context("SUBSCRIBE")?;
            let properties = varint(&mut rest)?;
            rest = rest.get(properties..).context("its properties")?;
            let mut granted = Vec::new();
            while let Some((length, filter)) = rest.split_first_chunk::<2>() {
                rest = filter.get(usize::from(u16::from_be_bytes(*length)) + 1..).context("a filter")?;
                granted.push(1);
            }
            let mut suback = vec![0x90, 3 + granted.len() as u8, body[0], body[1], 0];
            suback.append(&mut granted);
            socket.write_all(&suback)?;
            return Ok(true);
        }
        12 => socket.write_all(&[0xd0, 0])?,
        other => bail!("packet type {other} is not expected here"),
    }
    Ok(false)
}

fn varint(from: &mut impl std::io::Read) -> anyhow::Result<usize> {
    let (mut value, mut shift) = (0, 0);
    loop {
        let mut digit = [0; 1];
        from.read_exact(&mut digit)?;
        value |= usize::from(digit[0] & 0x7f) << shift;
        if digit[0] & 0x80 == 0 {
            return Ok(value);
        }
        shift += 7;
        anyhow::ensure!(shift < 28, "a length of more than four bytes");
    }
}

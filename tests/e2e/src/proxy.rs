//! A wire to a broker that a test can cut: a proxy on a port of its own that counts who connects.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

#[derive(Default)]
struct State {
    down: AtomicBool,
    closing: AtomicBool,
    attempts: AtomicUsize,
    /// Both ends of what goes through it now.
    open: Mutex<Vec<TcpStream>>,
}

/// The wire. Up at first.
pub struct Wire {
    /// Where it listens on the loopback address.
    pub port: u16,
    state: Arc<State>,
}

impl Wire {
    /// A wire to a port on the loopback address.
    ///
    /// # Panics
    /// Where the loopback address has no port.
    pub fn to(broker: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("bind a loopback port");
        let port = listener.local_addr().expect("its address").port();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if shared.closing.load(SeqCst) {
                    return;
                }
                shared.attempts.fetch_add(1, SeqCst);
                // Down: whoever comes is thrown off at once, which is when coming back at once costs most.
                if !shared.down.load(SeqCst) {
                    connect(near, broker, &shared);
                }
            }
        });
        Self { port, state }
    }

    /// Every connection ends, and none comes through any more.
    ///
    /// # Panics
    /// Where a thread of the wire has panicked.
    pub fn cut(&self) {
        self.state.down.store(true, SeqCst);
        for end in self.state.open.lock().expect("the ends").drain(..) {
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    /// Connections come through again.
    pub fn mend(&self) {
        self.state.down.store(false, SeqCst);
    }

    /// How often somebody connected, in vain or not.
    pub fn attempts(&self) -> usize {
        self.state.attempts.load(SeqCst)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.state.closing.store(true, SeqCst);
        self.cut();
        // Wakes whoever waits for a connection.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// Carries bytes both ways between who came and the broker, each way by a thread.
fn connect(near: TcpStream, broker: u16, state: &State) {
    let Ok(far) = TcpStream::connect(("127.0.0.1", broker)) else { return };
    let copies = (near.try_clone(), far.try_clone(), near.try_clone(), far.try_clone());
    let (Ok(near_in), Ok(far_in), Ok(near_end), Ok(far_end)) = copies else { return };
    state.open.lock().expect("the ends").extend([near_end, far_end]);
    // Cut meanwhile: what was put there after the cut must not stay.
    if state.down.load(SeqCst) {
        let _ = (near.shutdown(Shutdown::Both), far.shutdown(Shutdown::Both));
        return;
    }
    std::thread::spawn(move || carry(near_in, far));
    std::thread::spawn(move || carry(far_in, near));
}

fn carry(mut from: TcpStream, mut to: TcpStream) {
    let mut some = [0; 16_384];
    while let Ok(n) = from.read(&mut some) {
        if n == 0 || to.write_all(&some[..n]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

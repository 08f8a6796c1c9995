//! Where webhooks may go: the public Internet, and private networks only where a receiver's own list names them.
//!
//! An address is judged when it is used: literals when the configuration is read, names at each connection, every
//! address of the answer. A name that points elsewhere later is judged again then.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Why webhooks may not go to an address unless they are allowed to; `None` for public ones.
///
/// IPv4 addresses inside IPv6 (mapped, 6to4, NAT64) are judged as what they stand for.
pub fn forbidden(address: IpAddr) -> Option<&'static str> {
    match address.to_canonical() {
        IpAddr::V4(v4) => forbidden_v4(v4),
        IpAddr::V6(v6) => forbidden_v6(v6),
    }
}

fn forbidden_v4(v4: Ipv4Addr) -> Option<&'static str> {
    let [a, b, c, _] = v4.octets();
    match (a, b, c) {
        (0, ..) => Some("this network"),
        (127, ..) => Some("loopback"),
        (10, ..) | (172, 16..=31, _) | (192, 168, _) => Some("private"),
        (100, 64..=127, _) => Some("shared by carriers"),
        (169, 254, _) => Some("link-local"),
        (192, 0, 2) | (198, 51, 100) | (203, 0, 113) => Some("documentation"),
        (224..=239, ..) => Some("multicast"),
        (192, 0, 0) | (192, 88, 99) | (198, 18..=19, _) | (240..=255, ..) => Some("reserved"),
        _ => None,
    }
}

fn forbidden_v6(v6: Ipv6Addr) -> Option<&'static str> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low));
    match v6.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("unspecified"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("loopback"),
        // The deprecated form that `to_canonical` leaves alone.
        [0, 0, 0, 0, 0, 0, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            forbidden_v4(v4(high, low))
        }
        [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => Some("documentation"),
        [0xfc00..=0xfdff, ..] => Some("private"),
        [0xfe80..=0xfebf, ..] => Some("link-local"),
        [0xfec0..=0xfeff, ..] => Some("site-local"),
        [0xff00..=0xffff, ..] => Some("multicast"),
        // Only this eighth is given out as global unicast, its beginning excepted.
        [0x2001, 0..=0x01ff, ..] => Some("reserved"),
        [0x2000..=0x3fff, ..] => None,
        _ => Some("reserved"),
    }
}

/// One network, such as `10.1.2.0/24` or `fd00::/8`; an address alone is a network of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: u128,
    bits: u8,
    v4: bool,
}

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        let (value, v4) = number(address);
        let shift = if self.v4 { 32 } else { 128 } - u32::from(self.bits);
        v4 == self.v4 && value.checked_shr(shift).unwrap_or(0) == self.address.checked_shr(shift).unwrap_or(0)
    }
}

fn number(address: IpAddr) -> (u128, bool) {
    match address.to_canonical() {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()), true),
        IpAddr::V6(v6) => (v6.to_bits(), false),
    }
}

impl FromStr for Network {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let address: IpAddr = address.parse().map_err(|_| "is not a network such as 10.1.2.0/24")?;
        let (value, v4) = number(address);
        if v4 != address.is_ipv4() {
            return Err("write IPv4 networks as IPv4");
        }
        let most = if v4 { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) => bits.parse().ok().filter(|b| *b <= most).ok_or("has a wrong prefix length")?,
        };
        Ok(Self { address: value, bits, v4 })
    }
}

/// A receiver's own list of private networks, and whether it may be reached without TLS there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allow {
    /// Networks where it may be although they are not public.
    pub networks: Vec<Network>,
    /// Only there: plain HTTP does not cross the public Internet.
    pub only: bool,
}

impl Allow {
    /// Why the receiver may not be reached at `address`.
    ///
    /// # Errors
    /// Says what kind of address it is.
    pub fn check(&self, address: IpAddr) -> Result<(), &'static str> {
        if self.networks.iter().any(|n| n.contains(address)) {
            return Ok(());
        }
        match forbidden(address) {
            Some(why) => Err(why),
            None if self.only => Err("public, and plain HTTP is only for allowed networks"),
            None => Ok(()),
        }
    }
}

/// A name did not lead to an address that may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameError {
    /// It has no address.
    Unknown,
    /// It has, but none that may be used.
    Forbidden,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "the name has no address",
            Self::Forbidden => "every address of the name is in a network that is not allowed",
        })
    }
}

impl std::error::Error for NameError {}

/// Resolves names and lets through only the addresses that may be used: what it answers is what is connected to.
pub(super) struct Guard(pub(super) Allow);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let allow = self.0.clone();
        Box::pin(async move {
            let usable = resolve(name.as_str(), 0, &allow).await?;
            Ok(Box::new(usable.into_iter()) as Addrs)
        })
    }
}

/// The addresses of a name, or of an address in words, that may be used.
///
/// # Errors
/// Where there is none.
pub(super) async fn resolve(host: &str, port: u16, allow: &Allow) -> Result<Vec<SocketAddr>, NameError> {
    let found = tokio::net::lookup_host((host, port)).await.map_err(|_| NameError::Unknown)?;
    let (mut usable, mut any) = (Vec::new(), false);
    for address in found {
        any = true;
        if allow.check(address.ip()).is_ok() {
            usable.push(address);
        }
    }
    match (usable.is_empty(), any) {
        (false, _) => Ok(usable),
        (true, true) => Err(NameError::Forbidden),
        (true, false) => Err(NameError::Unknown),
    }
}

//! Identities that are hashes of what happened.

/// Defines an identity of 128 bits, with its text, its bytes, and how it is made.
macro_rules! hashed_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// The first 128 bits of SHA-256 over the texts, each preceded by its length, a time and a number.
            fn hashed(texts: &[&str], since: $crate::time::Timestamp, n: u32) -> Self {
                use sha2::Digest as _;
                let mut hash = sha2::Sha256::new();
                for text in texts {
                    hash.update((text.len() as u32).to_be_bytes());
                    hash.update(text.as_bytes());
                }
                hash.update(since.0.to_be_bytes());
                hash.update(n.to_be_bytes());
                let digest = hash.finalize();
                let mut id = [0; 16];
                id.copy_from_slice(&digest[..16]);
                Self(id)
            }

            /// An identity by its bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// Its bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// Reads the 32 lower-case hexadecimal digits that [`core::fmt::Display`] writes.
            pub fn parse(text: &str) -> Option<Self> {
                if text.len() != 32 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
                    return None;
                }
                u128::from_str_radix(text, 16).ok().map(|n| Self(n.to_be_bytes()))
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, "{:032x}", u128::from_be_bytes(self.0))
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Display::fmt(self, f)
            }
        }

        impl<C> minicbor::Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.bytes(&self.0)?.ok()
            }
        }

        impl<'b, C> minicbor::Decode<'b, C> for $name {
            fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                let wrong = || minicbor::decode::Error::message(concat!($what, " id is not 16 bytes"));
                d.bytes()?.try_into().map(Self).map_err(|_| wrong())
            }
        }
    };
}

//! The one encoding of everything that is kept: CBOR arrays in field order, definite lengths, floats always 64 bits.
//!
//! The same value always gives the same bytes, on every machine and in every later version; golden vectors in the
//! tests hold it fixed. A new field goes at the end and is an `Option`, so old bytes stay readable.

use minicbor::{Decode, Encode};

/// Bytes that are not the value they should be.
#[derive(Debug, thiserror::Error)]
#[error("not a valid record: {0}")]
pub struct CodecError(#[from] minicbor::decode::Error);

/// The canonical bytes of `value`.
pub fn encode<T: Encode<()>>(value: &T) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    encode_into(value, &mut out);
    out
}

/// Appends the canonical bytes of `value` to `out`.
pub fn encode_into<T: Encode<()>>(value: &T, out: &mut Vec<u8>) {
    match minicbor::encode(value, &mut *out) {
        Ok(()) => {}
        // Writing to a Vec has no error of its own, and derived encoders return none.
        Err(never) => unreachable!("encoding to memory failed: {never}"),
    }
}

/// Reads one value that must fill `bytes` exactly.
///
/// # Errors
/// Where the bytes are truncated, of another type, or longer than the value.
pub fn decode<'b, T: Decode<'b, ()>>(bytes: &'b [u8]) -> Result<T, CodecError> {
    let mut decoder = minicbor::Decoder::new(bytes);
    let value = decoder.decode()?;
    if decoder.position() == bytes.len() {
        Ok(value)
    } else {
        Err(CodecError(minicbor::decode::Error::message("bytes behind the value")))
    }
}

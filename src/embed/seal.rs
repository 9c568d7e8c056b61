//! Seals: with a key, a host knows the programs that it has written again.
//!
//! ```text
//! sealed = image tag(32)
//! tag    = HMAC-SHA-256 of the image
//! ```
//!
//! What `bytecode::image` verifies cannot show that a file uses each register for one kind of value: whoever writes one by hand can have a number taken
//! for a reference. So where files may come from others than the host itself a key decides, before anything of them is read.
//!
//! Rejected: a key that golite makes itself. It would have to be kept somewhere, and a program that one process has written could not be read by
//! the next.

use sha2::{Digest, Sha256};

/// Bytes of a tag.
const TAG: usize = 32;
/// Bytes that the digest takes at a time.
const BLOCK: usize = 64;

/// A key, as the two digests of HMAC begin with it.
pub(super) struct Seal {
    inner: Sha256,
    outer: Sha256,
}

impl Seal {
    pub(super) fn new(key: &[u8]) -> Seal {
        let mut block = [0u8; BLOCK];
        match block.get_mut(..key.len()) {
            Some(start) => start.copy_from_slice(key),
            None => block[..TAG].copy_from_slice(&Sha256::digest(key)),
        }
        let begin = |pad: u8| Sha256::new().chain_update(block.map(|byte| byte ^ pad));
        Seal {
            inner: begin(0x36),
            outer: begin(0x5c),
        }
    }

    fn tag(&self, bytes: &[u8]) -> [u8; TAG] {
        let inner = self.inner.clone().chain_update(bytes).finalize();
        self.outer.clone().chain_update(inner).finalize().into()
    }

    /// Puts the tag behind the bytes.
    pub(super) fn close(&self, bytes: &mut Vec<u8>) {
        let tag = self.tag(bytes);
        bytes.extend_from_slice(&tag);
    }

    /// The bytes before the tag, if it is theirs.
    pub(super) fn open<'b>(&self, sealed: &'b [u8]) -> Option<&'b [u8]> {
        let (bytes, tag) = sealed.split_last_chunk::<TAG>()?;
        let own = self.tag(bytes);
        // All of it is compared, so that the time says nothing of where they differ.
        let differ = own.iter().zip(tag).fold(0, |all, (a, b)| all | (a ^ b));
        (std::hint::black_box(differ) == 0).then_some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::Seal;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// RFC 4231, test cases 2 and 6.
    #[test]
    fn tags_are_those_of_hmac() {
        let tag = Seal::new(b"Jefe").tag(b"what do ya want for nothing?");
        assert_eq!(
            hex(&tag),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        let tag =
            Seal::new(&[0xaa; 131]).tag(b"Test Using Larger Than Block-Size Key - Hash Key First");
        assert_eq!(
            hex(&tag),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }
}

//! Natives of the packages below crypto.

pub mod tls;

/// Natives of package crypto/rand.
pub mod rand {
    use std::fs::File;
    use std::io::Read;

    /// At most `count` random bytes; none if the system has no source of them.
    fn fill(count: i64) -> Vec<u8> {
        const MOST: usize = 1 << 16;
        let mut bytes = vec![0; usize::try_from(count).unwrap_or(0).min(MOST)];
        match File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut bytes)) {
            Ok(()) => bytes,
            Err(_) => Vec::new(),
        }
    }

    vm::natives! {
        pure "fill" => fill;
    }
}

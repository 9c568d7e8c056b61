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

/// Natives of package crypto/sha3: the sponge over the permutation Keccak-f[1600] of FIPS 202.
pub mod sha3 {
    use vm::border::GoSlice;

    const STATE: usize = 200;

    /// How far lanes are rotated and where they go, in the order of the walk through them.
    const WALK: [(usize, u32); 24] = [
        (10, 1),
        (7, 3),
        (11, 6),
        (17, 10),
        (18, 15),
        (3, 21),
        (5, 28),
        (16, 36),
        (8, 45),
        (21, 55),
        (24, 2),
        (4, 14),
        (15, 27),
        (23, 41),
        (19, 56),
        (13, 8),
        (12, 25),
        (2, 43),
        (20, 62),
        (14, 18),
        (22, 39),
        (9, 61),
        (6, 20),
        (1, 44),
    ];

    /// The constants of the rounds, which a shift register with the polynomial x^8 + x^6 + x^5 + x^4 + 1 gives.
    const fn round_constants() -> [u64; 24] {
        let mut constants = [0; 24];
        let (mut register, mut round) = (1u8, 0);
        while round < 24 {
            let mut exponent = 0;
            while exponent < 7 {
                if register & 1 == 1 {
                    constants[round] |= 1 << ((1 << exponent) - 1);
                }
                register = register << 1 ^ if register >> 7 == 1 { 0x71 } else { 0 };
                exponent += 1;
            }
            round += 1;
        }
        constants
    }

    const ROUNDS: [u64; 24] = round_constants();

    fn permute_lanes(lanes: &mut [u64; 25]) {
        for constant in ROUNDS {
            let parity: [u64; 5] =
                std::array::from_fn(|x| (0..5).fold(0, |sum, y| sum ^ lanes[x + 5 * y]));
            for (at, lane) in lanes.iter_mut().enumerate() {
                *lane ^= parity[(at + 4) % 5] ^ parity[(at + 1) % 5].rotate_left(1);
            }
            let mut moved = lanes[1];
            for (to, rotation) in WALK {
                moved = std::mem::replace(&mut lanes[to], moved.rotate_left(rotation));
            }
            for row in lanes.as_chunks_mut::<5>().0 {
                let old = *row;
                for x in 0..5 {
                    row[x] = old[x] ^ !old[(x + 1) % 5] & old[(x + 2) % 5];
                }
            }
            lanes[0] ^= constant;
        }
    }

    fn load(state: &GoSlice<'_, u8>) -> [u8; STATE] {
        let mut bytes = [0; STATE];
        let given = state.to_vec();
        let length = given.len().min(STATE);
        bytes[..length].copy_from_slice(&given[..length]);
        bytes
    }

    fn permute_bytes(bytes: &mut [u8; STATE]) {
        let mut lanes = [0; 25];
        for (lane, bytes) in lanes.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *lane = u64::from_le_bytes(*bytes);
        }
        permute_lanes(&mut lanes);
        for (bytes, lane) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(lanes) {
            *bytes = lane.to_le_bytes();
        }
    }

    fn store(state: &GoSlice<'_, u8>, bytes: &[u8; STATE]) {
        state.copy_from(&bytes[..state.len().min(STATE)]);
    }

    fn place(at: i64, rate: i64) -> (usize, usize) {
        let rate = usize::try_from(rate).unwrap_or(0).clamp(1, STATE);
        (usize::try_from(at).unwrap_or(0).min(rate), rate)
    }

    fn permute(state: GoSlice<'_, u8>) {
        let mut bytes = load(&state);
        permute_bytes(&mut bytes);
        store(&state, &bytes);
    }

    /// Takes data in from the place `at` on, and answers where the next goes.
    fn absorb(state: GoSlice<'_, u8>, at: i64, rate: i64, data: GoSlice<'_, u8>) -> i64 {
        let mut bytes = load(&state);
        let (mut at, rate) = place(at, rate);
        for byte in data.to_vec() {
            bytes[at.min(STATE - 1)] ^= byte;
            at += 1;
            if at >= rate {
                permute_bytes(&mut bytes);
                at = 0;
            }
        }
        store(&state, &bytes);
        at as i64
    }

    /// Fills `out` from the place `at` on, and answers where the next comes from.
    fn squeeze(state: GoSlice<'_, u8>, at: i64, rate: i64, out: GoSlice<'_, u8>) -> i64 {
        let mut bytes = load(&state);
        let (mut at, rate) = place(at, rate);
        let mut filled = 0;
        while filled < out.len() {
            if at == rate {
                permute_bytes(&mut bytes);
                at = 0;
            }
            let count = (out.len() - filled).min(rate - at);
            out.slice(filled..filled + count)
                .copy_from(&bytes[at..at + count]);
            filled += count;
            at += count;
        }
        store(&state, &bytes);
        at as i64
    }

    vm::natives! {
        pure "permute" => permute;
        pure "absorb" => absorb;
        pure "squeeze" => squeeze;
    }
}

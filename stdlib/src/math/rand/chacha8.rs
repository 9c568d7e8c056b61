//! ChaCha8 as Go's generator of that name uses it: four blocks at a time, interleaved, key words added at the end.
//!
//! GO: internal/chacha8rand. Copyright 2023 The Go Authors; see the file NOTICE.

/// "expand 32-byte k".
const CONSTANTS: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

fn quarter(b: &mut [u32; 16], [i, j, k, l]: [usize; 4]) {
    b[i] = b[i].wrapping_add(b[j]);
    b[l] = (b[l] ^ b[i]).rotate_left(16);
    b[k] = b[k].wrapping_add(b[l]);
    b[j] = (b[j] ^ b[k]).rotate_left(12);
    b[i] = b[i].wrapping_add(b[j]);
    b[l] = (b[l] ^ b[i]).rotate_left(8);
    b[k] = b[k].wrapping_add(b[l]);
    b[j] = (b[j] ^ b[k]).rotate_left(7);
}

/// The 32 numbers of four blocks from `counter` on.
pub fn blocks(seed: [u64; 4], counter: u32) -> [u64; 32] {
    let mut words = [[0u32; 4]; 16];
    for lane in 0..4u32 {
        let mut b = [0u32; 16];
        b[..4].copy_from_slice(&CONSTANTS);
        for (index, key) in seed.iter().enumerate() {
            b[4 + 2 * index] = *key as u32;
            b[5 + 2 * index] = (*key >> 32) as u32;
        }
        b[12] = counter.wrapping_add(lane);
        let start = b;
        for _ in 0..4 {
            for column in 0..4 {
                quarter(&mut b, [column, 4 + column, 8 + column, 12 + column]);
            }
            for diagonal in 0..4 {
                quarter(
                    &mut b,
                    [
                        diagonal,
                        4 + (diagonal + 1) % 4,
                        8 + (diagonal + 2) % 4,
                        12 + (diagonal + 3) % 4,
                    ],
                );
            }
        }
        for (index, word) in b.into_iter().enumerate() {
            let key = if (4..12).contains(&index) {
                start[index]
            } else {
                0
            };
            words[index][lane as usize] = word.wrapping_add(key);
        }
    }
    std::array::from_fn(|index| {
        let pair = &words[index / 2][index % 2 * 2..];
        u64::from(pair[0]) | u64::from(pair[1]) << 32
    })
}

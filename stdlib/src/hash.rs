//! Natives of the packages below hash.

use vm::border::GoSlice;

/// The natives of a package of cyclic redundancy checks, whose remainders are of this type.
macro_rules! cyclic_check {
    ($(#[$doc:meta])* $name:ident, $word:ty) => {
        $(#[$doc])*
        pub mod $name {
            use super::GoSlice;

            fn table(polynomial: $word) -> Vec<$word> {
                (0..256)
                    .map(|byte| {
                        (0..8).fold(byte, |crc: $word, _| {
                            if crc & 1 == 1 {
                                crc >> 1 ^ polynomial
                            } else {
                                crc >> 1
                            }
                        })
                    })
                    .collect()
            }

            fn update(crc: $word, table: GoSlice<'_, $word>, data: GoSlice<'_, u8>) -> $word {
                let mut remainders = [0; 256];
                for (to, from) in remainders.iter_mut().zip(table.iter()) {
                    *to = from;
                }
                let data = data.to_vec();
                let parts = crate::strings::search::in_windows(&data);
                !parts.flatten().fold(!crc, |crc, byte| {
                    remainders[usize::from(crc as u8 ^ byte)] ^ crc >> 8
                })
            }

            vm::natives! {
                pure "table" => table;
                pure "update" => update;
            }
        }
    };
}

cyclic_check! {
    /// Natives of package hash/crc32.
    crc32, u32
}

cyclic_check! {
    /// Natives of package hash/crc64.
    crc64, u64
}

/// Natives of package hash/adler32.
pub mod adler32 {
    use super::GoSlice;

    fn update(sum: u32, data: GoSlice<'_, u8>) -> u32 {
        const MODULUS: u32 = 65521;
        /// So many bytes cannot overflow the sums before they are reduced.
        const MOST: usize = 5552;
        let (mut low, mut high) = (sum & 0xFFFF, sum >> 16);
        let mut pace = vm::native::Pace::default();
        for part in data.to_vec().chunks(MOST) {
            if pace.is_over_after(part.len()) {
                break;
            }
            for byte in part {
                low += u32::from(*byte);
                high += low;
            }
            low %= MODULUS;
            high %= MODULUS;
        }
        high << 16 | low
    }

    vm::natives! {
        pure "update" => update;
    }
}

/// Natives of package hash/fnv.
pub mod fnv {
    use super::GoSlice;
    use std::ops::BitXor;

    /// Each byte is mixed in before the multiplication by the prime, or after it.
    fn fold<T: From<u8> + BitXor<Output = T>>(
        sum: T,
        data: &GoSlice<'_, u8>,
        after: bool,
        times_prime: impl Fn(T) -> T,
    ) -> T {
        let mut pace = vm::native::Pace::default();
        let bytes = data.iter().take_while(|_| !pace.is_over_after(2));
        bytes.fold(sum, |sum, byte| {
            if after {
                times_prime(sum) ^ T::from(byte)
            } else {
                times_prime(sum ^ T::from(byte))
            }
        })
    }

    fn update32(sum: u32, data: GoSlice<'_, u8>, after: bool) -> u32 {
        fold(sum, &data, after, |sum| sum.wrapping_mul(16_777_619))
    }

    fn update64(sum: u64, data: GoSlice<'_, u8>, after: bool) -> u64 {
        fold(sum, &data, after, |sum| sum.wrapping_mul(1_099_511_628_211))
    }

    fn update128(high: u64, low: u64, data: GoSlice<'_, u8>, after: bool) -> (u64, u64) {
        let sum = u128::from(high) << 64 | u128::from(low);
        let sum = fold(sum, &data, after, |sum| sum.wrapping_mul(1 << 88 | 0x13B));
        ((sum >> 64) as u64, sum as u64)
    }

    vm::natives! {
        pure "update32" => update32;
        pure "update64" => update64;
        pure "update128" => update128;
    }
}

/// Natives of package hash/maphash.
pub mod maphash {
    use super::GoSlice;
    use std::hash::BuildHasher;
    use vm::border::Any;
    use vm::border::GoStr;
    use vm::native::{GoPanic, NativeContext};

    fn random(_: &mut NativeContext<'_>) -> u64 {
        std::hash::RandomState::new().hash_one(0)
    }

    /// Eight bytes at a time: mixed in, multiplied to 128 bits, both halves folded.
    fn mix(state: u64, word: u64) -> u64 {
        let product = u128::from(state ^ word) * 0xA076_1D64_78BD_642F;
        (product >> 64) as u64 ^ product as u64
    }

    fn hash(state: u64, data: &[u8]) -> u64 {
        let (words, rest) = data.as_chunks::<8>();
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        let state = words.iter().fold(state | 1 << 63, |state, word| {
            mix(state.rotate_left(29), u64::from_le_bytes(*word))
        });
        let state = mix(state.rotate_left(31), u64::from_le_bytes(last));
        mix(state ^ 0xE703_7ED1_A0B4_28DB, data.len() as u64)
    }

    fn sum(state: u64, data: GoSlice<'_, u8>) -> u64 {
        hash(state, &data.to_vec())
    }

    fn sum_string(state: u64, data: GoStr<'_>) -> u64 {
        hash(state, &data)
    }

    /// The hash of a comparable value, as maps make it, mixed once more.
    fn value(state: u64, of: Any<'_>) -> Result<u64, GoPanic> {
        let hash = of
            .hash(state)
            .map_err(|ty| GoPanic::runtime(format!("hash of unhashable type {}", ty.name())))?;
        Ok(mix(hash ^ 0x8EBC_6AF0_9C88_C6E3, state))
    }

    vm::natives! {
        pure "value" => value;
        pure "random" => random;
        pure "sum" => sum;
        pure "sumString" => sum_string;
    }
}

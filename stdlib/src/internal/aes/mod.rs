//! Natives of package internal/aes: the cipher in its modes, over pieces of any length.
//!
//! A cipher is its key; it is expanded for each call, which takes less time than a few blocks.

use aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes192, Aes256};
use ghash::GHash;
use ghash::universal_hash::UniversalHash;
use vm::border::GoSlice;
use vm::natives;

type Block = [u8; 16];

enum Cipher {
    Of128(Aes128),
    Of192(Aes192),
    Of256(Aes256),
}

impl Cipher {
    /// INVARIANT: internal/aes makes no key of another length than 16, 24 or 32.
    fn new(key: &GoSlice<'_, u8>) -> Cipher {
        let mut bytes = key.to_vec();
        let length = match bytes.len() {
            ..=16 => 16,
            17..=24 => 24,
            _ => 32,
        };
        bytes.resize(length, 0);
        let (start, all) = (&bytes[..16], &bytes);
        match length {
            16 => Cipher::Of128(Aes128::new(&Array::from_fn(|at| start[at]))),
            24 => Cipher::Of192(Aes192::new(&Array::from_fn(|at| all[at]))),
            _ => Cipher::Of256(Aes256::new(&Array::from_fn(|at| all[at]))),
        }
    }

    fn encrypt(&self, blocks: &mut [Block]) {
        let blocks = Array::cast_slice_from_core_mut(blocks);
        match self {
            Cipher::Of128(cipher) => cipher.encrypt_blocks(blocks),
            Cipher::Of192(cipher) => cipher.encrypt_blocks(blocks),
            Cipher::Of256(cipher) => cipher.encrypt_blocks(blocks),
        }
    }

    fn decrypt(&self, blocks: &mut [Block]) {
        let blocks = Array::cast_slice_from_core_mut(blocks);
        match self {
            Cipher::Of128(cipher) => cipher.decrypt_blocks(blocks),
            Cipher::Of192(cipher) => cipher.decrypt_blocks(blocks),
            Cipher::Of256(cipher) => cipher.decrypt_blocks(blocks),
        }
    }
}

fn block_of(bytes: &GoSlice<'_, u8>) -> Block {
    let mut block = [0; 16];
    for (to, from) in block.iter_mut().zip(bytes.iter()) {
        *to = from;
    }
    block
}

fn store(dst: &GoSlice<'_, u8>, data: &[u8]) {
    dst.copy_from(&data[..data.len().min(dst.len())]);
}

/// Encrypts or decrypts whole blocks, each by itself.
fn blocks(key: GoSlice<'_, u8>, dst: GoSlice<'_, u8>, src: GoSlice<'_, u8>, decrypts: bool) {
    let cipher = Cipher::new(&key);
    let mut data = src.to_vec();
    let blocks = data.as_chunks_mut::<16>().0;
    if decrypts {
        cipher.decrypt(blocks);
    } else {
        cipher.encrypt(blocks);
    }
    store(&dst, &data);
}

/// Cipher block chaining of whole blocks. `iv` becomes what the next piece begins with.
fn cbc(
    key: GoSlice<'_, u8>,
    iv: GoSlice<'_, u8>,
    dst: GoSlice<'_, u8>,
    src: GoSlice<'_, u8>,
    decrypts: bool,
) {
    let cipher = Cipher::new(&key);
    let mut chain = block_of(&iv);
    let mut data = src.to_vec();
    let blocks = data.as_chunks_mut::<16>().0;
    let mix = |block: &mut Block, with: &Block| {
        for (to, from) in block.iter_mut().zip(with) {
            *to ^= from;
        }
    };
    if decrypts {
        let encrypted = blocks.to_vec();
        cipher.decrypt(blocks);
        for (block, next) in blocks.iter_mut().zip(encrypted) {
            mix(block, &chain);
            chain = next;
        }
    } else {
        for block in blocks {
            mix(block, &chain);
            cipher.encrypt(std::slice::from_mut(block));
            chain = *block;
        }
    }
    store(&iv, &chain);
    store(&dst, &data);
}

/// Mixes `src` with the encrypted numbers from `counter` on, after the first `skip` bytes of these. Of the counter all bits count, or the
/// last 32, if it is `narrow`; it becomes the block of the byte behind the last, and the result is how much of that is used.
fn counter_mode(
    key: GoSlice<'_, u8>,
    counter: GoSlice<'_, u8>,
    skip: i64,
    narrow: bool,
    dst: GoSlice<'_, u8>,
    src: GoSlice<'_, u8>,
) -> i64 {
    const AT_ONCE: usize = 64;
    let cipher = Cipher::new(&key);
    let mut number = u128::from_be_bytes(block_of(&counter));
    let advance = |number: u128| {
        if narrow {
            let low = (number as u32).wrapping_add(1);
            number >> 32 << 32 | u128::from(low)
        } else {
            number.wrapping_add(1)
        }
    };
    let mut skip = usize::try_from(skip).unwrap_or(0).min(15);
    let mut data = src.to_vec();
    let mut rest = data.as_mut_slice();
    let mut pace = vm::native::Pace::default();
    while !rest.is_empty() && !pace.is_over_after(16 * AT_ONCE) {
        let count = (skip + rest.len()).div_ceil(16).min(AT_ONCE);
        let mut stream = [[0; 16]; AT_ONCE];
        let mut ahead = number;
        for block in &mut stream[..count] {
            *block = ahead.to_be_bytes();
            ahead = advance(ahead);
        }
        cipher.encrypt(&mut stream[..count]);
        let used = (count * 16 - skip).min(rest.len());
        let (now, later) = rest.split_at_mut(used);
        for (to, from) in now.iter_mut().zip(&stream.as_flattened()[skip..]) {
            *to ^= from;
        }
        let whole = (skip + used) / 16;
        skip = (skip + used) % 16;
        for _ in 0..whole {
            number = advance(number);
        }
        rest = later;
    }
    store(&counter, &number.to_be_bytes());
    store(&dst, &data);
    skip as i64
}

/// The hash of GCM of additional data and text, each filled up with zeros, and their lengths.
fn ghash(key: GoSlice<'_, u8>, additional: GoSlice<'_, u8>, text: GoSlice<'_, u8>) -> Vec<u8> {
    let mut hash = GHash::new(&block_of(&key).into());
    hash.update_padded(&additional.to_vec());
    hash.update_padded(&text.to_vec());
    let lengths = ((additional.len() as u128 * 8) << 64) | (text.len() as u128 * 8);
    hash.update(&[lengths.to_be_bytes().into()]);
    hash.finalize().to_vec()
}

natives! {
    pure "blocks" => blocks;
    pure "cbc" => cbc;
    pure "counterMode" => counter_mode;
    pure "GHASH" => ghash;
}

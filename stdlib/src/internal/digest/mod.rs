//! Natives of package internal/digest.

use vm::border::GoSlice;
use vm::natives;

/// The functions; the numbers are digest.gl's.
#[derive(Clone, Copy)]
enum Function {
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

impl Function {
    fn from_number(number: i64) -> Function {
        match number {
            0 => Function::Md5,
            1 => Function::Sha1,
            2 => Function::Sha256,
            _ => Function::Sha512,
        }
    }

    fn block(self) -> usize {
        match self {
            Function::Sha512 => 128,
            _ => 64,
        }
    }
}

fn narrow<const N: usize>(state: &[u64]) -> [u32; N] {
    std::array::from_fn(|at| state.get(at).map_or(0, |word| *word as u32))
}

fn widen(words: &[u32], state: &mut [u64]) {
    for (to, from) in state.iter_mut().zip(words) {
        *to = u64::from(*from);
    }
}

/// Takes whole blocks into the state.
fn compress(function: Function, state: &mut [u64], data: &[u8]) {
    match function {
        Function::Md5 => {
            let mut words = narrow::<4>(state);
            md5::block_api::compress(&mut words, data.as_chunks::<64>().0);
            widen(&words, state);
        }
        Function::Sha1 => {
            let mut words = narrow::<5>(state);
            sha1::block_api::compress(&mut words, data.as_chunks::<64>().0);
            widen(&words, state);
        }
        Function::Sha256 => {
            let mut words = narrow::<8>(state);
            sha2::block_api::compress256(&mut words, data.as_chunks::<64>().0);
            widen(&words, state);
        }
        Function::Sha512 => {
            let mut words: [u64; 8] =
                std::array::from_fn(|at| state.get(at).copied().unwrap_or_default());
            sha2::block_api::compress512(&mut words, data.as_chunks::<128>().0);
            for (to, from) in state.iter_mut().zip(words) {
                *to = from;
            }
        }
    }
}

fn blocks(function: i64, state: GoSlice<'_, u64>, data: GoSlice<'_, u8>) {
    let mut words = state.to_vec();
    // Parts are whole numbers of blocks.
    for part in data.to_vec().chunks(vm::native::STRETCH) {
        compress(Function::from_number(function), &mut words, part);
        if part.len() == vm::native::STRETCH && vm::native::is_abandoned() {
            return;
        }
    }
    state.copy_from(&words);
}

fn finish(function: i64, state: GoSlice<'_, u64>, rest: GoSlice<'_, u8>, length: u64) -> Vec<u8> {
    let function = Function::from_number(function);
    let (mut words, mut last, block) = (state.to_vec(), rest.to_vec(), function.block());
    let length_size = block / 8;
    last.push(0x80);
    let filled = (last.len() + length_size).next_multiple_of(block) - 8;
    last.resize(filled, 0);
    let bits = length.wrapping_shl(3);
    if let Function::Md5 = function {
        last.extend_from_slice(&bits.to_le_bytes());
    } else {
        // SHA-512 counts 128 bits.
        if length_size == 16
            && let Some(high) = filled.checked_sub(1)
        {
            last[high] = (length >> 61) as u8;
        }
        last.extend_from_slice(&bits.to_be_bytes());
    }
    compress(function, &mut words, &last);
    match function {
        Function::Md5 => words
            .iter()
            .flat_map(|word| (*word as u32).to_le_bytes())
            .collect(),
        Function::Sha1 | Function::Sha256 => words
            .iter()
            .flat_map(|word| (*word as u32).to_be_bytes())
            .collect(),
        Function::Sha512 => words.iter().flat_map(|word| word.to_be_bytes()).collect(),
    }
}

natives! {
    pure "blocks" => blocks;
    pure "finish" => finish;
}

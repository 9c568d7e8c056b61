use super::*;

/// Memory as script memory is: 16-aligned.
#[repr(align(16))]
struct Cell<const N: usize>([u64; N]);

/// Two threads, one 16-byte value whose halves are always equal.
#[test]
fn values_of_16_bytes_are_never_torn() {
    if !parallel_safe() {
        return;
    }
    let rounds: u64 = if cfg!(miri) { 200 } else { 5_000_000 };
    let mut memory = Cell([0u64; 6]);
    let address = memory.0.as_mut_ptr() as u64;
    std::thread::scope(|scope| {
        // One writer per way of storing.
        scope.spawn(move || {
            for i in 0..rounds {
                // SAFETY: 16 aligned bytes that live as long as the scope.
                unsafe { store128(address, i, i) };
            }
        });
        scope.spawn(move || {
            for i in 0..rounds {
                let pair = [!i, !i];
                // SAFETY: as above.
                unsafe {
                    store128_from(address, pair.as_ptr());
                    copy128(address + 16, address);
                    copy(address + 32, address + 16, 16);
                    if i % 8 == 0 {
                        zero(address + 32, 16);
                    }
                }
            }
        });
        for _ in 0..rounds / 2 {
            let mut slots = [0; 2];
            // SAFETY: as above.
            unsafe {
                let (low, high) = load128(address);
                assert_eq!(low, high);
                load128_to(slots.as_mut_ptr(), address + 16);
                assert_eq!(slots[0], slots[1]);
                let (low, high) = load128(address + 32);
                assert_eq!(low, high);
            }
        }
    });
}

#[test]
fn copies_are_memmoves_at_every_alignment_and_overlap() {
    let mut seed = 1u64;
    let mut below = |bound: u64| {
        seed = seed
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (seed >> 33) % bound
    };
    let mut memory = Cell([0u64; 64]);
    let base = memory.0.as_mut_ptr() as u64;
    for _ in 0..if cfg!(miri) { 200 } else { 200_000 } {
        let mut model: Vec<u8> = (0..512).map(|_| below(256) as u8).collect();
        let (from, to) = (below(256), below(256));
        let (from, to) = match below(3) {
            0 => (from, to),
            1 => (from & !7, to & !7),
            _ => (from & !15, to & !15),
        };
        let bound = if below(2) == 0 { 256 } else { 40 };
        let bytes = below(bound) as usize;
        let clear = below(8) == 0;
        // SAFETY: both ranges lie in the 512 bytes.
        unsafe {
            for (i, &byte) in model.iter().enumerate() {
                store8(base + i as u64, byte);
            }
            if clear {
                zero(base + to, bytes)
            } else {
                copy(base + to, base + from, bytes)
            }
        }
        if clear {
            model[to as usize..to as usize + bytes].fill(0);
        } else {
            model.copy_within(from as usize..from as usize + bytes, to as usize);
        }
        for (i, &byte) in model.iter().enumerate() {
            // SAFETY: as above.
            let found = unsafe { load8(base + i as u64) };
            assert_eq!(found, byte, "{from} {to} {bytes} at {i}");
        }
    }
}

/// Overlapping copies of 16-byte values, as `copy(s[1:], s)` does, under the eyes of another thread.
#[test]
fn block_copies_keep_16_byte_values_whole() {
    if !parallel_safe() {
        return;
    }
    let rounds: u64 = if cfg!(miri) { 20 } else { 100_000 };
    let mut memory = Cell([0u64; 64]);
    let base = memory.0.as_mut_ptr() as u64;
    for i in 0..32 {
        // SAFETY: in the memory.
        unsafe { store128(base + i * 16, i, i) };
    }
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for i in 0..rounds {
                let (a, b) = if i % 2 == 0 {
                    (base, base + 16)
                } else {
                    (base + 16, base)
                };
                // SAFETY: in the memory.
                unsafe {
                    copy(a, b, 31 * 16);
                    store128(base + i % 32 * 16, i, i);
                }
            }
        });
        for i in 0..rounds * 8 {
            // SAFETY: in the memory.
            let (low, high) = unsafe { load128(base + i % 32 * 16) };
            assert_eq!(low, high);
        }
    });
}

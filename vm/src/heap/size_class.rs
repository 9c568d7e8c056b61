//! Size classes: the cell sizes of small objects.
//!
//! A cell size is the object's size rounded up; classes of more than 32 bytes are multiples of 16 wherever 16-aligned
//! objects could fall into them (an object's size is a multiple of its alignment, so a class that is not a multiple
//! of 16 only ever holds objects aligned to 8 or less). The steps keep the waste under 20 % up to 4 KiB; above, the
//! number of cells in a block allows no finer steps. Classes above 1 KiB are multiples of 128, so that the table finds them by few steps.

use super::region::BLOCK_BYTES;

/// Cell sizes, ascending.
pub const CELL_SIZES: [u32; 38] = [
    8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 192, 224, 256, 288, 320, 384, 448,
    512, 576, 640, 768, 896, 1024, 1280, 1536, 1792, 2048, 2688, 3200, 4096, 5376, 8192, 10880,
    16384,
];

/// Objects above this size get blocks of their own.
pub const MAX_SMALL: usize = 16384;

/// The most cells a block can have.
pub const MAX_CELLS: usize = BLOCK_BYTES as usize / 8;

/// Class by size in steps of 8 bytes up to 1024, then by size in steps of 128.
const SMALL_STEPS: usize = 1024 / 8;
const TABLE: [u8; SMALL_STEPS + 1 + MAX_SMALL / 128] = {
    let mut table = [0; SMALL_STEPS + 1 + MAX_SMALL / 128];
    let mut step = 0;
    while step < table.len() {
        let bytes = if step <= SMALL_STEPS {
            step * 8
        } else {
            (step - SMALL_STEPS) * 128
        };
        let mut class = 0;
        while (CELL_SIZES[class] as usize) < bytes {
            class += 1;
        }
        table[step] = class as u8;
        step += 1;
    }
    table
};

/// The class of objects of this size.
///
/// # Panics
/// If `bytes > MAX_SMALL`.
#[inline(always)]
pub fn class_of(bytes: usize) -> usize {
    let step = if bytes <= 1024 {
        bytes.div_ceil(8)
    } else {
        SMALL_STEPS + bytes.div_ceil(128)
    };
    TABLE[step] as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_fits_its_class_and_not_the_one_below() {
        for bytes in 1..=MAX_SMALL {
            let class = class_of(bytes);
            assert!(CELL_SIZES[class] as usize >= bytes, "{bytes}");
            if class > 0 {
                assert!((CELL_SIZES[class - 1] as usize) < bytes, "{bytes}");
            }
        }
    }

    #[test]
    fn cells_of_aligned_sizes_are_aligned() {
        for bytes in (16..=MAX_SMALL).step_by(16) {
            assert!(CELL_SIZES[class_of(bytes)].is_multiple_of(16), "{bytes}");
        }
        for &cell in &CELL_SIZES {
            assert!(cell.is_multiple_of(8));
        }
    }
}

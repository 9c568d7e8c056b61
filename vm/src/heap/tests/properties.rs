//! Properties of size classes, of the look-up of objects by addresses within them, and of the samples of a profile. What is small enough is tried in
//! full, the rest at random.

use std::sync::atomic::AtomicU64;

use super::super::region::USABLE_BLOCKS;
use super::super::size_class::{CELL_SIZES, MAX_CELLS, MAX_SMALL, class_of};
use super::*;

/// What an address leads to.
fn at(heap: &Heap, address: u64) -> Option<(u64, u64)> {
    // SAFETY: the tests that call this have one thread.
    unsafe { heap.object_at(address) }
}

#[test]
fn classes_ascend_and_waste_little() {
    assert!(CELL_SIZES.is_sorted() && CELL_SIZES[0] == 8);
    assert_eq!(CELL_SIZES.last(), Some(&(MAX_SMALL as u32)));
    for bytes in 1..=MAX_SMALL {
        let cell = CELL_SIZES[class_of(bytes)] as usize;
        assert!(cell >= bytes && BLOCK_BYTES as usize / cell <= MAX_CELLS);
        // Whoever asks for more gets no less.
        assert!(bytes == 1 || cell >= CELL_SIZES[class_of(bytes - 1)] as usize);
        // Up to 4 KiB less than a quarter of the cell is wasted, for objects that are not tiny.
        if (32..=4096).contains(&bytes) {
            assert!(cell - bytes < cell / 4 + 16, "{bytes} in {cell}");
        }
    }
}

#[test]
fn every_byte_of_a_block_leads_to_its_cell() {
    let heap = heap(HeapOptions::default());
    let mut cache = heap.new_cache();
    for &cell in &CELL_SIZES {
        let object = cache
            .allocate_bytes(Shape::REFERENCES, cell as usize)
            .unwrap()
            .get();
        let block = object & !(BLOCK_BYTES - 1);
        let cells = BLOCK_BYTES / u64::from(cell);
        let step = if cfg!(miri) { 997 } else { 1 };
        for offset in (0..BLOCK_BYTES).step_by(step) {
            let number = offset / u64::from(cell);
            let expected =
                (number < cells).then_some((block + number * u64::from(cell), u64::from(cell)));
            assert_eq!(at(&heap, block + offset), expected, "{cell}: {offset}");
        }
    }
}

#[test]
fn addresses_within_large_objects_lead_to_their_heads() {
    let heap = heap(HeapOptions::default());
    let mut cache = heap.new_cache();
    let mut random = Random(11);
    let mut objects = Vec::new();
    for round in 0..200 {
        let most = match round % 20 {
            0 => (USABLE_BLOCKS as u64 + 2) * BLOCK_BYTES,
            _ => 20 * BLOCK_BYTES,
        };
        let bytes = MAX_SMALL as u64 + 1 + random.below(most);
        let object = cache
            .allocate_bytes(Shape::SCALAR, bytes as usize)
            .unwrap()
            .get();
        objects.push((object, bytes));
    }
    for &(object, bytes) in &objects {
        let inside = (0..50).map(|_| random.below(bytes)).chain([0, bytes - 1]);
        for offset in inside {
            assert_eq!(at(&heap, object + offset), Some((object, bytes)));
        }
        assert_ne!(at(&heap, object + bytes).map(|found| found.0), Some(object));
        assert_ne!(at(&heap, object - 1).map(|found| found.0), Some(object));
    }
    let mut sorted = objects;
    sorted.sort_unstable();
    assert!(
        sorted
            .windows(2)
            .all(|pair| pair[0].0 + pair[0].1 <= pair[1].0)
    );
}

/// Allocates objects of several sizes, keeps every fourth and asks whether the samples stand for as much.
#[test]
fn samples_stand_for_what_was_allocated() {
    let rate = AtomicU64::new(4096);
    let heap = heap(HeapOptions::default());
    // SAFETY: the word lives longer than anybody allocates.
    unsafe { heap.sample_allocations(rate.as_ptr() as u64) };
    let mut cache = heap.new_cache();
    let sizes = [16u64, 64, 512, 4096, 40_000];
    let mut kept = Vec::new();
    let counts = sizes.map(|size| (2 << 20) / size);
    for (&size, &count) in sizes.iter().zip(&counts) {
        for number in 0..count {
            let object = cache.allocate_bytes(Shape::SCALAR, size as usize).unwrap();
            if cache.has_sampled() {
                heap.note_samples(&mut cache, &[size]);
            }
            if number % 4 == 0 {
                kept.push(object.get());
            }
        }
    }
    collect(&heap, &kept);
    for (&size, &count) in sizes.iter().zip(&counts) {
        let scale = 1.0 / (1.0 - (-(size as f64) / 4096.0).exp());
        let (mut made, mut alive) = (0.0, 0.0);
        for record in heap.allocation_records() {
            if *record.stack == [size] {
                made += record.allocated as f64 * scale;
                alive += (record.allocated - record.freed) as f64 * scale;
            }
        }
        let (made, alive) = (made / count as f64, alive * 4.0 / count as f64);
        assert!((0.8..1.2).contains(&made), "{size}: {made}");
        assert!((0.6..1.4).contains(&alive), "{size}: {alive}");
    }
    // 1 means all, 0 none.
    for (every, expected) in [(1, 1000), (0, 0)] {
        rate.store(every, std::sync::atomic::Ordering::Relaxed);
        // What is left of the last window was not looked at.
        for number in 0..2000u64 {
            let fresh = number >= 1000;
            cache.allocate_bytes(Shape::SCALAR, 128).unwrap();
            if cache.has_sampled() {
                heap.note_samples(&mut cache, &[every, u64::from(fresh)]);
            }
        }
        collect(&heap, &[]);
        let found: u64 = heap
            .allocation_records()
            .iter()
            .filter(|record| *record.stack == [every, 1])
            .map(|record| record.allocated)
            .sum();
        assert_eq!(found, expected, "rate {every}");
    }
}

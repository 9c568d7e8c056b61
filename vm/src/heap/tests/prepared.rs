//! Threads that were started for a collection before the world was stopped.

use super::*;

/// Live objects, more than are marked in one step.
const COUNT: u64 = if cfg!(miri) { 40_000 } else { 60_000 };

/// Allocates until a collection is wanted.
fn fill(heap: &Heap, cache: &mut Cache) {
    while !heap.collection_wanted() {
        cache.allocate_bytes(Shape::SCALAR, 1024).unwrap();
    }
}

/// Steps until the collection is finished.
fn finish(heap: &Heap, roots: &mut dyn Roots) -> Collection {
    loop {
        // SAFETY: the test has one thread.
        if let Some(collection) = unsafe { heap.step(roots, Pace::USUAL) } {
            return collection;
        }
        // Those who mark say when they have nothing left.
        while !heap.collection_wanted() {
            std::thread::sleep(Duration::from_micros(50));
        }
    }
}

#[test]
fn threads_prepared_for_a_collection_mark_or_go() {
    let heap = Heap::new(HeapOptions::default()).unwrap();
    let mut cache = heap.new_cache();
    let all = cache
        .allocate_bytes(Shape::REFERENCES, 8 * COUNT as usize)
        .unwrap()
        .get();
    for number in 0..COUNT {
        let object = cache.allocate_bytes(Shape::REFERENCES, 64).unwrap().get();
        // SAFETY: live objects.
        unsafe { store_reference(all + 8 * number, object) };
    }
    let bytes = collect(&heap, &[all]).live;
    assert!(bytes > 2 << 20);
    let mut report = |marker: &mut Marker<'_>| marker.mark_reference(all);
    let mut roots = concurrent::Simple(&mut report);
    // Before it is wanted nothing is prepared.
    heap.prepare_collection();
    assert_eq!(heap.pool.workers(), 0);
    for round in 0..6 {
        fill(&heap, &mut cache);
        heap.prepare_collection();
        assert_eq!(heap.pool.workers(), (heap.threads() / 4).clamp(1, 8));
        let collection = match round % 3 {
            0 => finish(&heap, &mut roots),
            // Somebody wants all of it at once, or asks twice.
            // SAFETY: the test has one thread.
            1 => unsafe { heap.collect_all(&mut roots) },
            _ => {
                heap.prepare_collection();
                finish(&heap, &mut roots)
            }
        };
        assert_eq!(collection.live, bytes);
        // They go when they have been told so.
        while heap.pool.workers() > 0 {
            std::thread::sleep(Duration::from_micros(50));
        }
    }
    // The program ends before the collection begins.
    fill(&heap, &mut cache);
    heap.prepare_collection();
    heap.give_up();
    while heap.pool.workers() > 0 {
        std::thread::sleep(Duration::from_micros(50));
    }
}

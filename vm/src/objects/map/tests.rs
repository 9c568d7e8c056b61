//! Maps against models: `HashMap`, and Go's rules of iteration.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::*;
use crate::heap::{Heap, HeapOptions};

unsafe fn never_hash(_: *const (), _: u64, _: u64) -> Result<u64, u64> {
    unreachable!("not a memory key")
}

unsafe fn never_equal(_: *const (), _: u64, _: u64) -> bool {
    unreachable!("not a memory key")
}

const NO_FUNCTIONS: KeyFunctions = KeyFunctions {
    context: std::ptr::null(),
    hash: never_hash,
    equal: never_equal,
};

/// A key of two words; the first being 13 makes it unhashable. Its hash is bad on purpose.
unsafe fn pair_hash(_: *const (), key: u64, seed: u64) -> Result<u64, u64> {
    // SAFETY: a key of two words.
    let word = unsafe { load64(key) };
    if word == 13 {
        Err(4711)
    } else {
        Ok(hash_word(word % 16, seed))
    }
}

unsafe fn pair_equal(_: *const (), a: u64, b: u64) -> bool {
    // SAFETY: keys of two words.
    unsafe { load64(a) == load64(b) && load64(a + 8) == load64(b + 8) }
}

const PAIRS: KeyFunctions = KeyFunctions {
    context: std::ptr::null(),
    hash: pair_hash,
    equal: pair_equal,
};

struct Fixture {
    heap: Arc<Heap>,
    cache: Cache,
    random: u64,
}

impl Fixture {
    fn new(seed: u64) -> Fixture {
        let heap = Heap::new(HeapOptions {
            seed,
            poison: true,
            ..HeapOptions::default()
        })
        .unwrap();
        let cache = heap.new_cache();
        Fixture {
            heap,
            cache,
            random: seed,
        }
    }

    fn words(&self) -> MapType {
        MapType::new(
            &*self.heap,
            KeyKind::Word,
            8,
            8,
            &[],
            8,
            8,
            &[],
            NO_FUNCTIONS,
        )
    }

    fn strings(&self) -> MapType {
        MapType::new(
            &*self.heap,
            KeyKind::String,
            16,
            16,
            &[(0, bytecode::SlotKind::Ref)],
            8,
            8,
            &[],
            NO_FUNCTIONS,
        )
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.random = self
            .random
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.random >> 33) % bound
    }

    fn string(&mut self, text: &str) -> (u64, u64) {
        let at = self.cache.allocate_uninitialized(text.len()).unwrap().get();
        for (i, byte) in text.bytes().enumerate() {
            // SAFETY: just allocated.
            unsafe { store8(at + i as u64, byte) };
        }
        (at, text.len() as u64)
    }
}

fn set(f: &mut Fixture, map: u64, ty: &MapType, key: u64, value: u64) {
    // SAFETY: a map of words.
    unsafe { store64(assign_word(&mut f.cache, map, ty, key).unwrap(), value) }
}

fn get_value(map: u64, ty: &MapType, key: u64) -> Option<u64> {
    // SAFETY: a map of words.
    unsafe {
        match get_word(map, ty, key).unwrap() {
            0 => None,
            at => Some(load64(at)),
        }
    }
}

fn remove(map: u64, ty: &MapType, key: u64) {
    // SAFETY: a map of words, and the key in a local word.
    unsafe { delete(map, ty, &raw const key as u64).unwrap() }
}

fn entries(f: &mut Fixture, map: u64, ty: &MapType) -> Vec<(u64, u64)> {
    let mut all = Vec::new();
    // SAFETY: a map of words.
    unsafe {
        let iterator = iterate(&mut f.cache, map, ty).unwrap();
        while let Some((key, value)) = next(iterator, ty).unwrap() {
            all.push((load64(key), load64(value)));
        }
    }
    all
}

#[test]
fn behaves_as_a_hash_map() {
    for seed in 0..40 {
        let mut f = Fixture::new(seed);
        let ty = f.words();
        let hint = f.below(3) * 20;
        let mut map = make(&mut f.cache, &ty, hint).unwrap();
        let mut model = HashMap::new();
        let keys = [4, 12, 40, 300, 5000][seed as usize % 5];
        for step in 0..20_000u64 {
            // Zero is a key like others.
            let key = f.below(keys);
            match f.below(100) {
                0..45 => {
                    set(&mut f, map, &ty, key, step);
                    model.insert(key, step);
                }
                45..80 => {
                    remove(map, &ty, key);
                    model.remove(&key);
                }
                80..99 => assert_eq!(get_value(map, &ty, key), model.get(&key).copied()),
                _ => match f.below(60) {
                    0 => {
                        // SAFETY: a map of words.
                        unsafe { clear(map, &ty).unwrap() };
                        model.clear();
                    }
                    1 => {
                        let root = map;
                        // SAFETY: one thread; the map is the only root.
                        unsafe { f.heap.collect(&mut |m| m.mark_reference(root)) };
                        map = root;
                    }
                    2 => {
                        let mut all = entries(&mut f, map, &ty);
                        let mut wanted: Vec<_> = model.iter().map(|(&k, &v)| (k, v)).collect();
                        all.sort_unstable();
                        wanted.sort_unstable();
                        assert_eq!(all, wanted);
                    }
                    _ => {}
                },
            }
            // SAFETY: a map of words.
            assert_eq!(unsafe { len(map) }, model.len() as u64);
        }
    }
}

#[test]
fn string_keys_are_compared_by_their_bytes() {
    let mut f = Fixture::new(1);
    let ty = f.strings();
    let map = make(&mut f.cache, &ty, 0).unwrap();
    let mut model = HashMap::new();
    for i in 0..20_000u64 {
        let length = f.below(40) as usize;
        let text = format!("{:0length$}", f.below(3000));
        let (pointer, bytes) = f.string(&text);
        // SAFETY: a map of strings.
        unsafe {
            let found = get_string(map, &ty, pointer, bytes).unwrap();
            assert_eq!(
                (found != 0).then(|| load64(found)),
                model.get(&text).copied()
            );
            store64(
                assign_string(&mut f.cache, map, &ty, pointer, bytes).unwrap(),
                i,
            );
        }
        model.insert(text, i);
    }
    // SAFETY: one thread; the map is the only root. Its keys survive.
    unsafe { f.heap.collect(&mut |m| m.mark_reference(map)) };
    for (text, value) in model {
        let (pointer, bytes) = f.string(&text);
        // SAFETY: a map of strings.
        let found = unsafe { load64(get_string(map, &ty, pointer, bytes).unwrap()) };
        assert_eq!(found, value);
    }
}

#[test]
fn hashes_of_bytes_depend_on_every_byte_and_the_length() {
    for length in 0..100u64 {
        let bytes = vec![7u8; length as usize];
        // SAFETY: readable bytes.
        let hash =
            |bytes: &[u8]| unsafe { hash_bytes(bytes.as_ptr() as u64, bytes.len() as u64, 5) };
        let original = hash(&bytes);
        for i in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[i] = 8;
            assert_ne!(hash(&changed), original, "{length} {i}");
        }
        let mut longer = bytes.clone();
        longer.push(7);
        assert_ne!(hash(&longer), original);
        // SAFETY: readable bytes.
        let reseeded = unsafe { hash_bytes(bytes.as_ptr() as u64, length, 6) };
        assert_ne!(reseeded, original);
    }
}

#[test]
fn zeros_are_one_key_and_nans_are_many() {
    let mut f = Fixture::new(3);
    let ty = MapType::new(
        &*f.heap,
        KeyKind::Float64,
        8,
        8,
        &[],
        8,
        8,
        &[],
        NO_FUNCTIONS,
    );
    let map = make(&mut f.cache, &ty, 0).unwrap();
    let put = |f: &mut Fixture, key: f64, value: u64| {
        // SAFETY: a map of floats; the key lies in a local word.
        unsafe {
            store64(
                assign(&mut f.cache, map, &ty, &raw const key as u64).unwrap(),
                value,
            )
        }
    };
    let look = |key: f64| {
        // SAFETY: as above.
        unsafe { get(map, &ty, &raw const key as u64).unwrap() }
    };
    put(&mut f, 0.0, 1);
    put(&mut f, -0.0, 5000);
    // SAFETY: a map.
    assert_eq!(unsafe { len(map) }, 1);
    // The key is the one assigned last, as in Go.
    let all = entries(&mut f, map, &ty);
    assert_eq!(all, [((-0.0f64).to_bits(), 5000)]);
    for i in 0..1000 {
        put(&mut f, f64::NAN, i);
    }
    // SAFETY: a map.
    assert_eq!(unsafe { len(map) }, 1001);
    assert_eq!(look(f64::NAN), 0);
    assert_ne!(look(0.0), 0);
    let nan = f64::NAN;
    // SAFETY: as above.
    unsafe { delete(map, &ty, &raw const nan as u64).unwrap() };
    let all = entries(&mut f, map, &ty);
    assert_eq!(all.len(), 1001);
    // NaNs come out of an iteration that goes on in an old table, unless the map is cleared.
    for cleared in [false, true] {
        // SAFETY: as above.
        unsafe {
            let iterator = iterate(&mut f.cache, map, &ty).unwrap();
            let mut seen = HashSet::new();
            for _ in 0..100 {
                let (_, value) = next(iterator, &ty).unwrap().unwrap();
                assert!(seen.insert(load64(value)));
            }
            for i in 0..5000 {
                put(&mut f, 1.0 + i as f64, 1_000_000 + i);
            }
            if cleared {
                clear(map, &ty).unwrap();
            }
            while let Some((_, value)) = next(iterator, &ty).unwrap() {
                assert!(!cleared, "an entry after clear");
                assert!(seen.insert(load64(value)), "an entry twice");
            }
            assert!(cleared || seen.len() >= 1001);
        }
        if !cleared {
            // SAFETY: as above.
            unsafe { clear(map, &ty).unwrap() };
            for i in 0..1000 {
                put(&mut f, f64::NAN, i);
            }
        }
    }
}

#[test]
fn unhashable_keys_are_errors_even_for_no_map() {
    let mut f = Fixture::new(4);
    let ty = MapType::new(&*f.heap, KeyKind::Memory, 16, 8, &[], 0, 1, &[], PAIRS);
    let map = make(&mut f.cache, &ty, 0).unwrap();
    let bad = [13u64, 0];
    let key = bad.as_ptr() as u64;
    // SAFETY: a map of pairs.
    unsafe {
        assert_eq!(get(map, &ty, key), Err(MapError::Unhashable(4711)));
        assert_eq!(get(0, &ty, key), Err(MapError::Unhashable(4711)));
        assert_eq!(delete(0, &ty, key), Err(MapError::Unhashable(4711)));
        assert_eq!(delete(map, &ty, key), Err(MapError::Unhashable(4711)));
        assert_eq!(
            assign(&mut f.cache, map, &ty, key),
            Err(MapError::Unhashable(4711))
        );
        // The failed write is over.
        let good = [1u64, 2];
        assign(&mut f.cache, map, &ty, good.as_ptr() as u64).unwrap();
        assert_ne!(get(map, &ty, good.as_ptr() as u64), Ok(0));
    }
}

#[test]
fn keys_with_bad_hashes_are_still_found() {
    let mut f = Fixture::new(5);
    let ty = MapType::new(&*f.heap, KeyKind::Memory, 16, 8, &[], 4, 4, &[], PAIRS);
    assert_eq!((ty.stride, ty.value_offset), (24, 16));
    let map = make(&mut f.cache, &ty, 0).unwrap();
    let mut model = HashMap::new();
    for step in 0..6000u32 {
        let key = [f.below(12), f.below(40)];
        let at = key.as_ptr() as u64;
        // SAFETY: a map of pairs.
        unsafe {
            if f.below(3) == 0 {
                delete(map, &ty, at).unwrap();
                model.remove(&key);
            } else {
                store32(assign(&mut f.cache, map, &ty, at).unwrap(), step);
                model.insert(key, step);
            }
            let probe = [f.below(12), f.below(40)];
            let found = get(map, &ty, probe.as_ptr() as u64).unwrap();
            assert_eq!(
                (found != 0).then(|| load32(found)),
                model.get(&probe).copied()
            );
            assert_eq!(len(map), model.len() as u64);
        }
    }
}

/// Go: entries removed before they are reached do not come; entries added may come; no entry comes twice; all others
/// come once.
#[test]
fn iteration_follows_gos_rules_whatever_happens_meanwhile() {
    for seed in 0..300 {
        let mut f = Fixture::new(seed);
        let ty = f.words();
        let map = make(&mut f.cache, &ty, 0).unwrap();
        let mut model = HashMap::new();
        let keys = [6, 20, 100, 1000][seed as usize % 4];
        for key in 0..keys {
            if f.below(4) > 0 {
                set(&mut f, map, &ty, key, key);
                model.insert(key, key);
            }
        }
        let at_start: HashSet<u64> = model.keys().copied().collect();
        let mut touched = HashSet::new();
        let mut seen = HashSet::new();
        // SAFETY: a map of words, one thread.
        unsafe {
            let iterator = iterate(&mut f.cache, map, &ty).unwrap();
            let mut fresh = keys;
            while let Some((key, value)) = next(iterator, &ty).unwrap() {
                let (key, value) = (load64(key), load64(value));
                assert_eq!(
                    model.get(&key),
                    Some(&value),
                    "what is deleted never comes, and values are current"
                );
                // A key that was deleted and inserted again is a new entry.
                assert!(seen.insert(key) || touched.contains(&key), "an entry twice");
                for _ in 0..f.below(4) {
                    let key = f.below(keys);
                    match f.below(if seed % 3 == 0 { 8 } else { 3 }) {
                        0 => {
                            remove(map, &ty, key);
                            model.remove(&key);
                            touched.insert(key);
                        }
                        1 if f.below(30) == 0 => {
                            clear(map, &ty).unwrap();
                            touched.extend(model.drain().map(|(k, _)| k));
                        }
                        1 => {
                            if let Some(old) = model.get_mut(&key) {
                                *old += 1_000_000;
                                let new = *old;
                                set(&mut f, map, &ty, key, new);
                            }
                        }
                        _ if fresh < keys * 4 => {
                            set(&mut f, map, &ty, fresh, fresh);
                            model.insert(fresh, fresh);
                            fresh += 1;
                        }
                        _ => {}
                    }
                }
                if f.below(20) == 0 {
                    f.heap.collect(&mut |m| {
                        m.mark_reference(map);
                        m.mark_reference(iterator);
                    });
                }
            }
            assert_eq!(next(iterator, &ty).unwrap(), None, "an end is an end");
        }
        for key in at_start.difference(&touched) {
            assert!(seen.contains(key), "entry {key} was there all the time");
        }
    }
}

#[test]
fn iteration_starts_anywhere() {
    let mut f = Fixture::new(6);
    let ty = f.words();
    for count in [3, 8, 16, 100] {
        let map = make(&mut f.cache, &ty, 0).unwrap();
        for key in 0..count {
            set(&mut f, map, &ty, key, key);
        }
        let firsts: HashSet<u64> = (0..2000).map(|_| entries(&mut f, map, &ty)[0].0).collect();
        assert_eq!(
            firsts.len() as u64,
            count,
            "every entry is first at some time"
        );
    }
}

#[test]
fn nil_maps_read_as_empty() {
    let mut f = Fixture::new(7);
    let ty = f.words();
    assert_eq!(get_value(0, &ty, 1), None);
    remove(0, &ty, 1);
    assert!(entries(&mut f, 0, &ty).is_empty());
    // SAFETY: the nil map.
    unsafe {
        assert_eq!(len(0), 0);
        clear(0, &ty).unwrap();
        for_each(0, &ty, &mut |_, _| unreachable!()).unwrap();
    }
}

#[test]
fn impossible_hints_are_no_hints() {
    let mut f = Fixture::new(8);
    let ty = f.words();
    for hint in [u64::MAX, 1 << 62, i64::MAX as u64] {
        let map = make(&mut f.cache, &ty, hint).unwrap();
        set(&mut f, map, &ty, 1, 2);
        assert_eq!(get_value(map, &ty, 1), Some(2));
    }
    for hint in [0, 1, 8, 9, 16, 17, 28, 29, 1000] {
        let map = make(&mut f.cache, &ty, hint).unwrap();
        // SAFETY: a map.
        let table = unsafe { Table::load(map) };
        for key in 0..hint {
            set(&mut f, map, &ty, key, key);
        }
        if hint > SMALLEST {
            // SAFETY: a map.
            let filled = unsafe { Table::load(map) };
            assert_eq!(
                filled.slots, table.slots,
                "room for {hint} was made at once"
            );
        }
    }
}

#[test]
fn values_may_have_no_size() {
    let mut f = Fixture::new(9);
    let ty = MapType::new(
        &*f.heap,
        KeyKind::String,
        16,
        16,
        &[(0, bytecode::SlotKind::Ref)],
        0,
        1,
        &[],
        NO_FUNCTIONS,
    );
    assert_eq!((ty.stride, ty.value_offset), (16, 0));
    let map = make(&mut f.cache, &ty, 0).unwrap();
    for i in 0..100 {
        let (pointer, length) = f.string(&i.to_string());
        // SAFETY: a map of strings.
        unsafe {
            assert_ne!(
                assign_string(&mut f.cache, map, &ty, pointer, length).unwrap(),
                0
            )
        };
    }
    // SAFETY: a map.
    assert_eq!(unsafe { len(map) }, 100);
}

/// Two writers and a reader on one map: wrong answers and Go's errors, but never a broken table.
#[test]
fn races_never_break_memory() {
    let f = Fixture::new(10);
    let ty = f.strings();
    let mut cache = f.heap.new_cache();
    let map = make(&mut cache, &ty, 0).unwrap();
    let errors = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..3u64)
            .map(|worker| {
                let mut f = Fixture {
                    heap: f.heap.clone(),
                    cache: f.heap.new_cache(),
                    random: worker,
                };
                let ty = &ty;
                scope.spawn(move || {
                    let mut errors = 0;
                    for step in 0..60_000u64 {
                        let length = f.below(30) as usize;
                        let text = format!("{:0length$}", f.below(200 + step / 16));
                        let (pointer, bytes) = f.string(&text);
                        // SAFETY: a map of strings; racing is what the test is about. There is no collection.
                        let result = unsafe {
                            match f.below(8) {
                                0..3 => assign_string(&mut f.cache, map, ty, pointer, bytes)
                                    .map(|at| store64(at, bytes)),
                                3 => {
                                    let key = Aligned([pointer, bytes]);
                                    delete(map, ty, &raw const key as u64)
                                }
                                4 if step % 64 == 0 => clear(map, ty),
                                5 if step % 16 == 0 => {
                                    iterate(&mut f.cache, map, ty).and_then(|iterator| {
                                        while let Some((key, value)) = next(iterator, ty)? {
                                            let (_, length) = load128(key);
                                            assert!(length < 64);
                                            assert!(load64(value) < 64);
                                        }
                                        Ok(())
                                    })
                                }
                                _ => get_string(map, ty, pointer, bytes).map(|at| {
                                    if at != 0 {
                                        assert!(load64(at) < 64);
                                    }
                                }),
                            }
                        };
                        errors += u32::from(result.is_err());
                    }
                    errors
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .sum::<u32>()
    });
    eprintln!("{errors} races found");
}

/// Figures, not a test: see `figures_binary_trees` in the heap's tests.
#[test]
#[ignore = "prints figures"]
fn figures_integer_keys() {
    use crate::heap::tests::cpu_time;
    for count in [1000, 50_000, 1_000_000] {
        let mut f = Fixture::new(1);
        f.heap.set_growth_percent(None);
        let ty = f.words();
        let map = make(&mut f.cache, &ty, 0).unwrap();
        let begin = cpu_time();
        for key in 0..count {
            set(&mut f, map, &ty, key * 7 % count * 7 + 1, key);
        }
        let filled = cpu_time() - begin;
        let (mut hits, rounds) = (0, 4_000_000 / count);
        for _ in 0..rounds {
            for key in 0..count * 2 {
                hits += u64::from(get_value(map, &ty, key * 7 + 1).is_some());
            }
        }
        let found = cpu_time() - begin - filled;
        assert_eq!(hits, rounds * count);
        eprintln!(
            "{count} keys: {:.1} ns per insertion, {:.1} ns per lookup (half of them hits)",
            filled.as_nanos() as f64 / count as f64,
            found.as_nanos() as f64 / (rounds * count * 2) as f64
        );
    }
}

#[repr(align(16))]
struct Aligned(#[expect(dead_code, reason = "read by address")] [u64; 2]);

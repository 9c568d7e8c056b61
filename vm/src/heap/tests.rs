//! The heap against a model: what is reachable stays as it is, what is not goes.

mod prepared;
mod properties;

use std::collections::HashMap;
use std::sync::{Arc, Barrier, RwLock};

use super::*;
use crate::moves::{load_reference, load64, load128, store_reference, store64, store128};

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) % bound
    }
}

fn heap(options: HeapOptions) -> Arc<Heap> {
    Heap::new(HeapOptions {
        poison: true,
        ..options
    })
    .unwrap()
}

/// A shape with references at these words.
fn reference_shape(heap: &Heap, words: &[u32], period: u32) -> Shape {
    let words: Vec<_> = words
        .iter()
        .map(|&word| (word, bytecode::SlotKind::Ref))
        .collect();
    heap.shape(&words, period)
}

fn collect(heap: &Heap, roots: &[u64]) -> Collection {
    // SAFETY: the tests that call this have one thread.
    unsafe {
        heap.collect(&mut |marker| roots.iter().for_each(|&root| marker.mark_reference(root)))
    }
}

/// An object of the model: word 0 its number, `references` words after it, then `scalars` words that hold the number too.
#[derive(Clone)]
struct Node {
    address: u64,
    references: Vec<Option<u64>>,
    scalars: u64,
}

/// A mutator that knows what its part of the heap should look like.
struct Mutator {
    cache: Cache,
    random: Random,
    nodes: HashMap<u64, Node>,
    roots: Vec<u64>,
    next: u64,
}

impl Mutator {
    fn new(heap: &Arc<Heap>, seed: u64) -> Mutator {
        Mutator {
            cache: heap.new_cache(),
            random: Random(seed),
            nodes: HashMap::new(),
            roots: Vec::new(),
            next: 1,
        }
    }

    fn allocate(&mut self) {
        let references = match self.random.below(100) {
            // Of few sizes: each is a shape of its own.
            0 => [500, 9000][self.random.below(2) as usize],
            1..10 => self.random.below(10) * 10,
            _ => self.random.below(5),
        };
        let scalars = if self.random.below(50) == 0 {
            [100, 3000][self.random.below(2) as usize]
        } else {
            self.random.below(4)
        };
        let words: Vec<u32> = (1..=references as u32).collect();
        let bytes = 8 * (1 + references + scalars);
        let heap = self.cache.heap().clone();
        let shape = reference_shape(&heap, &words, bytes as u32);
        let address = if self.random.below(2) == 0 {
            self.cache.allocate(heap.site(shape, bytes as usize))
        } else {
            self.cache.allocate_bytes(shape, bytes as usize)
        }
        .unwrap()
        .get();
        let number = self.next;
        self.next += 1;
        // SAFETY: just allocated, `bytes` long.
        unsafe {
            for word in 0..bytes / 8 {
                assert_eq!(load64(address + word * 8), 0, "new memory is zero");
            }
            store64(address, number);
            for word in 0..scalars {
                store64(address + 8 * (1 + references + word), number);
            }
        }
        self.nodes.insert(
            number,
            Node {
                address,
                references: vec![None; references as usize],
                scalars,
            },
        );
        self.roots.push(number);
    }

    fn connect(&mut self) {
        if self.roots.is_empty() {
            return;
        }
        let from = self.roots[self.random.below(self.roots.len() as u64) as usize];
        let to = self.roots[self.random.below(self.roots.len() as u64) as usize];
        let target = self.nodes[&to].address;
        let size = 8 * (1 + self.nodes[&to].references.len() as u64 + self.nodes[&to].scalars);
        let node = self.nodes.get_mut(&from).unwrap();
        if node.references.is_empty() {
            return;
        }
        let index = self.random.below(node.references.len() as u64) as usize;
        node.references[index] = Some(to);
        // Sometimes to the middle of the object.
        let interior = if self.random.below(3) == 0 {
            self.random.below(size)
        } else {
            0
        };
        // SAFETY: a word of a live object.
        unsafe { store_reference(node.address + 8 * (1 + index as u64), target + interior) };
    }

    /// Takes a reference out of an object into a register: what the barrier is for.
    fn take(&mut self) {
        if self.roots.is_empty() {
            return;
        }
        let from = self.roots[self.random.below(self.roots.len() as u64) as usize];
        let node = self.nodes.get_mut(&from).unwrap();
        if node.references.is_empty() {
            return;
        }
        let index = self.random.below(node.references.len() as u64) as usize;
        if let Some(taken) = node.references[index].take() {
            self.roots.push(taken);
        }
        // SAFETY: a word of a live object.
        unsafe { store_reference(node.address + 8 * (1 + index as u64), 0) };
    }

    fn step(&mut self) {
        match self.random.below(12) {
            0..4 => self.allocate(),
            4..7 => self.connect(),
            7..9 => self.take(),
            _ if !self.roots.is_empty() => {
                let index = self.random.below(self.roots.len() as u64) as usize;
                self.roots.swap_remove(index);
            }
            _ => {}
        }
    }

    /// Forgets what cannot be reached.
    fn forget(&mut self) {
        let mut reached = HashMap::new();
        let mut stack = self.roots.clone();
        while let Some(number) = stack.pop() {
            if let Some(node) = self.nodes.get(&number)
                && reached.insert(number, node.clone()).is_none()
            {
                stack.extend(node.references.iter().flatten());
            }
        }
        self.nodes = reached;
    }

    fn check(&self) {
        for (&number, node) in &self.nodes {
            // SAFETY: a live object, by the model.
            unsafe {
                assert_eq!(load64(node.address), number, "an object was overwritten");
                for (index, reference) in node.references.iter().enumerate() {
                    let value = load_reference(node.address + 8 * (1 + index as u64));
                    match reference {
                        None => assert_eq!(value, 0),
                        Some(other) => {
                            let other = &self.nodes[other];
                            let size = 8 * (1 + other.references.len() as u64 + other.scalars);
                            assert!((other.address..other.address + size).contains(&value));
                        }
                    }
                }
                for word in 0..node.scalars {
                    assert_eq!(
                        load64(node.address + 8 * (1 + node.references.len() as u64 + word)),
                        number
                    );
                }
            }
        }
    }

    fn report(&self, marker: &mut Marker<'_>) {
        for root in &self.roots {
            marker.mark_reference(self.nodes[root].address);
        }
    }

    fn bytes(&self) -> u64 {
        self.nodes
            .values()
            .map(|node| 8 * (1 + node.references.len() as u64 + node.scalars))
            .sum()
    }
}

#[test]
fn one_mutator_keeps_exactly_what_it_reaches() {
    for seed in 0..6 {
        // Every other time by many threads.
        let heap = heap(HeapOptions {
            bytes_per_thread: (seed % 2 == 1).then_some(1),
            ..HeapOptions::default()
        });
        let mut mutator = Mutator::new(&heap, seed);
        for round in 0..30 {
            for _ in 0..400 {
                mutator.step();
            }
            mutator.check();
            mutator.forget();
            // SAFETY: one thread.
            let collection = unsafe { heap.collect(&mut |marker| mutator.report(marker)) };
            assert_eq!(collection.number, round + 1);
            mutator.check();
            let figures = heap.statistics();
            assert_eq!(
                figures.mallocs - figures.frees,
                mutator.nodes.len() as u64,
                "exactly the reachable objects live"
            );
            assert!(
                collection.live >= mutator.bytes()
                    && collection.live <= mutator.bytes() * 3 / 2 + 8 * mutator.nodes.len() as u64
            );
            if round % 7 == 0 {
                heap.release_unused();
            }
        }
        mutator.roots.clear();
        assert_eq!(collect(&heap, &[]).live, 0);
        assert_eq!(
            heap.statistics().block_bytes,
            0,
            "an empty heap holds no blocks"
        );
    }
}

#[test]
fn a_mark_stack_that_cannot_grow_loses_nothing() {
    for limit in [64, 100, 1000] {
        let heap = heap(HeapOptions::default());
        lock(&heap.state).mark_stack_limit = limit;
        let mut mutator = Mutator::new(&heap, 99);
        for _ in 0..5 {
            for _ in 0..600 {
                mutator.step();
            }
            // A wide object: all its children want to be on the stack at once.
            let (wide, many) = (mutator.next, 3000);
            let shape = reference_shape(&heap, &(1..=many).collect::<Vec<_>>(), 8 * (many + 1));
            let address = mutator
                .cache
                .allocate_bytes(shape, 8 * (many as usize + 1))
                .unwrap()
                .get();
            // SAFETY: just allocated.
            unsafe { store64(address, wide) };
            let mut references = Vec::new();
            for child in 0..many as u64 {
                let number = wide + 1 + child;
                let pair = mutator
                    .cache
                    .allocate_bytes(reference_shape(&heap, &[1], 16), 16)
                    .unwrap()
                    .get();
                // SAFETY: just allocated.
                unsafe {
                    store64(pair, number);
                    store_reference(address + 8 * (1 + child), pair);
                }
                references.push(Some(number));
                mutator.nodes.insert(
                    number,
                    Node {
                        address: pair,
                        references: vec![None],
                        scalars: 0,
                    },
                );
            }
            mutator.next += many as u64 + 1;
            mutator.nodes.insert(
                wide,
                Node {
                    address,
                    references,
                    scalars: 0,
                },
            );
            mutator.roots.push(wide);
            mutator.forget();
            // SAFETY: one thread.
            unsafe { heap.collect(&mut |marker| mutator.report(marker)) };
            mutator.check();
            let figures = heap.statistics();
            assert_eq!(figures.mallocs - figures.frees, mutator.nodes.len() as u64);
        }
    }
}

#[test]
fn several_mutators_share_a_heap() {
    for threads in [2, 4] {
        let heap = heap(HeapOptions::default());
        // Who has it for reading runs; who has it for writing has stopped the world.
        let world = RwLock::new(());
        let mutators: Vec<Mutex<Mutator>> = (0..threads)
            .map(|i| Mutex::new(Mutator::new(&heap, i)))
            .collect();
        let barrier = Barrier::new(threads as usize + 1);
        std::thread::scope(|scope| {
            for mutator in &mutators {
                let (world, barrier) = (&world, &barrier);
                scope.spawn(move || {
                    for _ in 0..12 {
                        let running = world.read().unwrap();
                        let mut mutator = mutator.lock().unwrap();
                        for _ in 0..300 {
                            mutator.step();
                        }
                        mutator.check();
                        mutator.forget();
                        drop(mutator);
                        drop(running);
                        barrier.wait();
                        barrier.wait();
                    }
                });
            }
            for _ in 0..12 {
                barrier.wait();
                let stopped = world.write().unwrap();
                let mutators: Vec<_> = mutators.iter().map(|m| m.lock().unwrap()).collect();
                // SAFETY: all other threads wait at the barrier.
                unsafe {
                    heap.collect(&mut |marker| mutators.iter().for_each(|m| m.report(marker)))
                };
                let live: usize = mutators.iter().map(|m| m.nodes.len()).sum();
                let figures = heap.statistics();
                assert_eq!(figures.mallocs - figures.frees, live as u64);
                drop((mutators, stopped));
                barrier.wait();
            }
        });
        mutators.iter().for_each(|m| m.lock().unwrap().check());
    }
}

/// Where mutators give objects to each other: a large object of references.
struct Market {
    places: u64,
    count: u64,
}

/// A mutator on a thread, as a goroutine: it has registers that are only reported before it runs, or in a step.
struct Runner {
    mutator: Mutator,
    reported: u64,
    /// An object that somebody else has made, and its first word.
    foreign: Option<(u64, u64)>,
}

impl Runner {
    fn report(&mut self, marker: &mut Marker<'_>, number: u64) {
        self.mutator.report(marker);
        if let Some((address, _)) = self.foreign {
            marker.mark_reference(address);
        }
        self.reported = number;
    }

    /// Runs for a while, between two stops of the world.
    fn run(&mut self, market: &Market, steps: u64) {
        let heap = self.mutator.cache.heap().clone();
        let mutating = self.mutator.cache.mutate();
        if mutating.is_some() && self.reported != heap.cycle_number() {
            heap.report_beside(|marker| self.report(marker, heap.cycle_number()));
        }
        for _ in 0..steps {
            self.mutator.step();
            if self.mutator.random.below(8) == 0 {
                self.trade(market);
            }
        }
        drop(mutating);
    }

    /// Checks what it has got and gets something else; sometimes gives something.
    fn trade(&mut self, market: &Market) {
        if let Some((address, first)) = self.foreign.take() {
            // SAFETY: it has been a root, so it is alive.
            let now = unsafe { load64(address) };
            assert_eq!(now, first, "an object of somebody else was freed");
        }
        let place = market.places + 8 * self.mutator.random.below(market.count);
        // SAFETY: a word of a live object.
        let got = unsafe { load_reference(place) };
        if got != 0 {
            // SAFETY: as above.
            let first = unsafe { load64(got) };
            assert!(
                first != 0 && first != u64::from_ne_bytes([POISON; 8]),
                "a dead object"
            );
            self.foreign = Some((got, first));
            // SAFETY: as above.
            unsafe { store_reference(place, 0) };
        }
        if !self.mutator.roots.is_empty() && self.mutator.random.below(2) == 0 {
            let roots = &self.mutator.roots;
            let given = roots[self.mutator.random.below(roots.len() as u64) as usize];
            // SAFETY: as above.
            unsafe { store_reference(place, self.mutator.nodes[&given].address) };
        }
    }
}

struct Runners<'a> {
    runners: &'a [Mutex<Runner>],
    market: &'a Market,
    heap: &'a Heap,
}

impl Roots for Runners<'_> {
    fn report(&mut self, marker: &mut Marker<'_>) {
        marker.mark_reference(self.market.places);
    }

    fn report_goroutines(
        &mut self,
        from: usize,
        marker: &mut Marker<'_>,
        enough: &mut dyn FnMut(&Marker<'_>) -> bool,
    ) -> Option<usize> {
        for number in from..self.runners.len() {
            lock(&self.runners[number]).report(marker, self.heap.cycle_number());
            if enough(marker) {
                return Some(number + 1);
            }
        }
        None
    }
}

/// Counts a thread off, however it ends.
struct Ends<'a>(&'a AtomicU64);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Mutators on so many threads, for so many rounds, while collections mark beside them; each is verified.
fn marking_beside(threads: u64, rounds: u64, seed: u64) {
    let heap = heap(HeapOptions {
        verify: true,
        seed,
        ..HeapOptions::default()
    });
    let count = 500;
    let market = &Market {
        places: heap
            .new_cache()
            .allocate_bytes(Shape::REFERENCES, 8 * count as usize)
            .unwrap()
            .get(),
        count,
    };
    let runners: Vec<_> = (0..threads)
        .map(|number| {
            Mutex::new(Runner {
                mutator: Mutator::new(&heap, seed * 100 + number),
                reported: 0,
                foreign: None,
            })
        })
        .collect();
    let world = RwLock::new(());
    let running = AtomicU64::new(threads);
    std::thread::scope(|scope| {
        for runner in &runners {
            let (world, running) = (&world, &running);
            scope.spawn(move || {
                let _ends = Ends(running);
                for round in 0..rounds {
                    let going = world.read().unwrap();
                    let mut runner = lock(runner);
                    let steps = 1 + runner.mutator.random.below(200);
                    runner.run(market, steps);
                    if round % 16 == 0 {
                        runner.mutator.forget();
                        runner.mutator.check();
                    }
                    drop((runner, going));
                }
            });
        }
        let mut random = Random(seed);
        while running.load(Ordering::Relaxed) > 0 {
            std::thread::sleep(Duration::from_micros(random.below(300)));
            let stopped = world.write().unwrap_or_else(PoisonError::into_inner);
            let mut roots = Runners {
                runners: &runners,
                market,
                heap: &heap,
            };
            let pace = match random.below(4) {
                0 => Pace::Objects(1 + random.below(300) as usize),
                1 => Pace::USUAL,
                _ => Pace::Time(Duration::from_micros(random.below(50))),
            };
            // SAFETY: no mutator runs.
            unsafe {
                if random.below(40) == 0 {
                    heap.collect_all(&mut roots);
                } else {
                    heap.step(&mut roots, pace);
                }
            }
            drop(stopped);
        }
    });
    // What is left is exactly what can be reached.
    // SAFETY: no mutator runs, and the market's objects are dropped.
    unsafe {
        crate::moves::zero(market.places, 8 * count as usize);
        heap.collect(&mut |marker| {
            for runner in &runners {
                let mut runner = lock(runner);
                runner.foreign = None;
                runner.mutator.forget();
                runner.mutator.report(marker);
            }
        });
    }
    let live: usize = runners.iter().map(|r| lock(r).mutator.nodes.len()).sum();
    let figures = heap.statistics();
    assert_eq!(figures.mallocs - figures.frees, live as u64);
    runners
        .iter()
        .for_each(|runner| lock(runner).mutator.check());
}

#[test]
fn nothing_is_lost_while_it_is_marked_beside_the_program() {
    let rounds = if cfg!(miri) { 6 } else { 150 };
    for (seed, threads) in [1, 2, 3, 4].into_iter().enumerate() {
        marking_beside(threads, rounds, seed as u64);
    }
}

/// As the test before, for as long as `GOLITE_FUZZ_SECONDS` says.
#[test]
#[ignore = "runs for a minute or more"]
fn nothing_is_lost_for_long() {
    let seconds = std::env::var("GOLITE_FUZZ_SECONDS").map_or(60, |text| text.parse().unwrap());
    let begin = Instant::now();
    let mut seed = 1000;
    while begin.elapsed() < Duration::from_secs(seconds) {
        marking_beside(1 + seed % 4, 400, seed);
        seed += 1;
    }
    eprintln!("{} runs", seed - 1000);
}

#[test]
fn any_value_may_be_marked() {
    let heap = heap(HeapOptions::default());
    let other = Heap::new(HeapOptions::default()).unwrap();
    let mut cache = heap.new_cache();
    let small = cache.allocate_bytes(Shape::REFERENCES, 40).unwrap().get();
    let large = cache
        .allocate_bytes(Shape::REFERENCES, 100_000)
        .unwrap()
        .get();
    let foreign = other
        .new_cache()
        .allocate_bytes(Shape::REFERENCES, 40)
        .unwrap()
        .get();
    let mut random = Random(7);
    let mut values = vec![
        0,
        1,
        u64::MAX,
        1 << 63,
        1 << 47,
        (1 << 47) - 1,
        small,
        large,
        foreign,
        foreign + 8,
        zero_sized().get(),
    ];
    for &near in &[small, large, foreign] {
        let region = near & !(region::REGION_BYTES - 1);
        values.extend((0..20_000).map(|_| region + random.below(region::REGION_BYTES)));
        values.extend((0..2000).map(|i| (near & !(BLOCK_BYTES - 1)) + i * 37));
    }
    values.extend((0..10_000).map(|_| random.below(1 << 33) << random.below(40)));
    values.push(&raw const values as u64);
    for _ in 0..3 {
        collect(&heap, &values);
    }
    // SAFETY: one thread.
    unsafe {
        assert_eq!(heap.object_at(large + 99_999).unwrap(), (large, 100_000));
        assert_eq!(heap.object_at(small + 39).unwrap().0, small);
        assert_eq!(heap.object_at(large + 100_000), None);
        assert_eq!(heap.object_at(foreign), None);
    }
}

#[test]
fn scalars_are_not_followed() {
    let heap = heap(HeapOptions::default());
    let mut cache = heap.new_cache();
    // {scalar, reference}.
    let shape = reference_shape(&heap, &[1], 16);
    let objects = cache.allocate_array(shape, 1000, 16).unwrap().get();
    let mut kept = Vec::new();
    for i in 0..1000 {
        let [lost, held] = [(); 2].map(|()| cache.allocate_bytes(Shape::SCALAR, 64).unwrap().get());
        // SAFETY: live objects.
        unsafe {
            store64(held, i);
            store64(lost, i);
            store128(objects + i * 16, lost, held);
        }
        kept.push(held);
    }
    let collection = collect(&heap, &[objects]);
    assert_eq!(
        collection.live,
        16_384 + 64_000,
        "one array and half of what it names"
    );
    for (i, &held) in kept.iter().enumerate() {
        // SAFETY: live objects.
        unsafe {
            assert_eq!(load64(held), i as u64);
            assert_eq!(load128(objects + i as u64 * 16).1, held);
        }
    }
}

/// Type words as they stand in interfaces: of a type whose values are references, of one whose values are numbers, of nil.
const TYPE_WORDS: [u64; 3] = [0x7000_0000_0010, 0x7000_0000_0020, 0];

#[test]
fn interface_data_is_followed_if_the_type_word_says_so() {
    use bytecode::SlotKind::{InterfaceData, Ref, Scalar};
    let heap = heap(HeapOptions::default());
    let mut cache = heap.new_cache();
    // A lone interface; one among references; one in a pattern too long for a mask; one in a large object.
    let layouts = [
        (vec![(1, InterfaceData)], 16, 1),
        (vec![(0, Ref), (3, InterfaceData), (4, Scalar)], 48, 3),
        (vec![(0, Ref), (9, InterfaceData)], 80 * 8, 9),
        (vec![(101, InterfaceData)], 5000 * 8, 101),
    ];
    for (words, period, data) in layouts {
        let shape = heap.shape(&words, period);
        let mut roots = Vec::new();
        for type_word in TYPE_WORDS {
            let object = cache.allocate_bytes(shape, period as usize).unwrap().get();
            let value = cache.allocate_bytes(Shape::SCALAR, 48).unwrap().get();
            // SAFETY: live objects.
            unsafe { store128(object + (data - 1) * 8, type_word, value) };
            roots.push(object);
        }
        let live = |roots: &[u64]| {
            collect(&heap, roots);
            let figures = heap.statistics();
            figures.mallocs - figures.frees
        };
        assert_eq!(
            live(&roots),
            4,
            "three objects and the one value that is a reference"
        );
        assert_eq!(
            live(&roots[1..]),
            2,
            "a number that is an address holds nothing"
        );
        assert_eq!(live(&[]), 0);
    }
}

#[test]
fn large_and_huge_objects_come_and_go() {
    let heap = Heap::new(HeapOptions::default()).unwrap();
    let mut cache = heap.new_cache();
    let pairs = reference_shape(&heap, &[0], 24);
    let mut roots = Vec::new();
    let sizes = [
        16_392,
        32_768,
        32_769,
        200_000,
        5_000_000,
        65 << 20,
        130 << 20,
    ];
    for bytes in sizes {
        let object = cache.allocate_bytes(pairs, bytes).unwrap().get();
        let (first, last) = (object, object + bytes as u64 / 24 * 24 - 24);
        for place in [first, last, object + bytes as u64 / 48 * 24] {
            let child = cache.allocate_bytes(Shape::SCALAR, 16).unwrap().get();
            // SAFETY: live objects.
            unsafe {
                assert_eq!(load64(place), 0);
                store64(child, place);
                store_reference(place, child);
            }
        }
        roots.push((
            object,
            bytes,
            [first, last, object + bytes as u64 / 48 * 24],
        ));
    }
    // Held by a pointer to their last byte.
    let addresses: Vec<u64> = roots
        .iter()
        .map(|&(object, bytes, _)| object + bytes as u64 - 1)
        .collect();
    let live = collect(&heap, &addresses).live;
    let figures = heap.statistics();
    assert_eq!(figures.mallocs - figures.frees, 4 * sizes.len() as u64);
    assert!(live >= sizes.iter().sum::<usize>() as u64);
    for (_, _, places) in &roots {
        for &place in places {
            // SAFETY: live objects.
            unsafe { assert_eq!(load64(load_reference(place)), place) };
        }
    }
    assert_eq!(collect(&heap, &[]).live, 0);
    assert_eq!(heap.statistics().block_bytes, 0);
    assert!(heap.release_unused() > 0);
    assert_eq!(heap.release_unused(), 0);
    let again = cache.allocate_bytes(pairs, 5_000_000).unwrap().get();
    for word in 0..5_000_000 / 8 {
        // SAFETY: a live object.
        unsafe { assert_eq!(load64(again + word * 8), 0) };
    }
}

#[test]
fn memory_is_refused_cleanly() {
    let heap = Heap::new(HeapOptions {
        limit: Some(1 << 20),
        ..HeapOptions::default()
    })
    .unwrap();
    let mut cache = heap.new_cache();
    let mut allocated = 0;
    while cache.allocate_bytes(Shape::SCALAR, 100).is_ok() {
        allocated += 100;
        assert!(allocated <= 1 << 20);
    }
    assert!(allocated > 900_000);
    assert_eq!(
        cache.allocate_bytes(Shape::SCALAR, 1 << 19),
        Err(OutOfMemory)
    );
    for (count, size) in [
        (u64::MAX, 1),
        (u64::MAX / 2, 16),
        (1 << 60, 16),
        (1 << 32, 1 << 32),
        (1 << 45, 8),
    ] {
        assert_eq!(
            cache.allocate_array(Shape::REFERENCES, count, size),
            Err(OutOfMemory)
        );
    }
    assert!(
        heap.collection_wanted(),
        "near the limit, collections come early"
    );
    collect(&heap, &[]);
    assert!(cache.allocate_bytes(Shape::SCALAR, 1 << 19).is_ok());
    heap.set_limit(None);
    for (count, size) in [(u64::MAX, 1), (1 << 60, 16), (1 << 46, 8)] {
        assert_eq!(
            cache.allocate_array(Shape::REFERENCES, count, size),
            Err(OutOfMemory)
        );
    }
    assert!(cache.allocate_bytes(Shape::SCALAR, 4 << 20).is_ok());
}

#[test]
fn a_collection_is_wanted_after_as_much_as_is_live() {
    let heap = Heap::new(HeapOptions::default()).unwrap();
    let mut cache = heap.new_cache();
    let until_wanted = |cache: &mut Cache| {
        let mut bytes = 0;
        while !cache.heap().collection_wanted() {
            cache.allocate_bytes(Shape::SCALAR, 4096).unwrap();
            bytes += 4096;
        }
        bytes
    };
    assert_eq!(until_wanted(&mut cache), 4 << 20);
    let big = cache.allocate_bytes(Shape::SCALAR, 20 << 20).unwrap().get();
    let collection = collect(&heap, &[big]);
    assert_eq!((collection.live, collection.goal), (20 << 20, 40 << 20));
    assert_eq!(collection.before, 24 << 20);
    assert_eq!(until_wanted(&mut cache), 20 << 20);
    assert_eq!(heap.set_growth_percent(Some(50)), Some(100));
    collect(&heap, &[big]);
    assert_eq!(until_wanted(&mut cache), 10 << 20);
    assert_eq!(heap.set_growth_percent(None), Some(50));
    collect(&heap, &[big]);
    for _ in 0..30_000 {
        cache.allocate_bytes(Shape::SCALAR, 4096).unwrap();
    }
    assert!(!heap.collection_wanted());
    assert_eq!(heap.set_growth_percent(Some(100)), None);
    assert!(
        heap.collection_wanted() || {
            cache.allocate_bytes(Shape::SCALAR, 4096).unwrap();
            heap.collection_wanted()
        }
    );
}

#[test]
fn counters_are_exact_once_published() {
    let heap = Heap::new(HeapOptions::default()).unwrap();
    let mut cache = heap.new_cache();
    let site = heap.site(Shape::SCALAR, 48);
    for _ in 0..1000 {
        cache.allocate(site).unwrap();
    }
    cache.publish();
    let figures = heap.statistics();
    assert_eq!((figures.mallocs, figures.total_allocated), (1000, 48_000));
    cache.allocate(site).unwrap();
    cache.publish();
    cache.publish();
    assert_eq!(heap.statistics().mallocs, 1001);
    collect(&heap, &[]);
    let figures = heap.statistics();
    assert_eq!(
        (figures.mallocs, figures.frees, figures.in_use),
        (1001, 1001, 0)
    );
    drop(cache);
    assert_eq!(heap.statistics().mallocs, 1001);
}

/// Decision: a new heap commits at most 256 KiB, though a program makes objects of many kinds.
#[cfg(all(target_os = "linux", not(miri)))]
#[test]
fn a_small_heap_commits_little() {
    let heap = Heap::new(HeapOptions::default()).unwrap();
    let mut cache = heap.new_cache();
    for words in 1..=12 {
        for shape in [
            reference_shape(&heap, &[0], words * 8),
            reference_shape(&heap, &[words - 1], words * 8),
        ] {
            cache
                .allocate(heap.site(shape, words as usize * 8))
                .unwrap();
        }
        cache
            .allocate_bytes(Shape::SCALAR, words as usize * 100)
            .unwrap();
    }
    let start = lock(&heap.state).regions[0].start();
    let mut resident = vec![0u8; region::REGION_BYTES as usize / 4096];
    // SAFETY: the region is mapped, and the vector has a byte per page.
    let result = unsafe {
        libc::mincore(
            start as *mut libc::c_void,
            region::REGION_BYTES as usize,
            resident.as_mut_ptr(),
        )
    };
    assert_eq!(result, 0);
    let committed = resident.iter().filter(|&&page| page & 1 != 0).count() * 4096;
    assert!(committed <= 256 << 10, "{committed} bytes");
}

#[cfg(not(miri))]
#[test]
fn what_a_spike_leaves_is_given_back_by_itself() {
    let heap = Heap::new(HeapOptions::default()).unwrap();
    let mut cache = heap.new_cache();
    let mut objects = Vec::new();
    for _ in 0..60_000 {
        objects.push(cache.allocate_bytes(Shape::SCALAR, 1024).unwrap().get());
        cache.allocate_bytes(Shape::SCALAR, 40_000).ok();
        if heap.statistics().resident > 100 << 20 {
            break;
        }
    }
    let kept = &objects[..500];
    collect(&heap, kept);
    let before = heap.statistics();
    assert!(before.resident > 90 << 20 && before.live < 1 << 20);
    let begin = std::time::Instant::now();
    // What the next collection's goal allows stays: 4 MiB and what lives, and a tenth.
    while heap.statistics().resident > 7 << 20 {
        assert!(
            begin.elapsed() < Duration::from_secs(5),
            "nothing was given back"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(heap.statistics().released > 80 << 20);
    // Since nothing is allocated any more that goes, too, but for the blocks in which something lives.
    let in_use = heap.statistics().block_bytes;
    while heap.statistics().resident > in_use {
        assert!(
            begin.elapsed() < Duration::from_secs(60),
            "what is free stays: {:?}",
            heap.statistics()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    for &object in kept {
        // SAFETY: a live object.
        unsafe { assert_eq!(load64(object), 0) };
    }
    let always = Heap::new(HeapOptions {
        release_always: true,
        ..HeapOptions::default()
    })
    .unwrap();
    always
        .new_cache()
        .allocate_bytes(Shape::SCALAR, 8 << 20)
        .unwrap();
    collect(&always, &[]);
    assert_eq!(always.statistics().resident, 0);
}

#[test]
fn globals_are_roots_by_their_pattern() {
    let heap = heap(HeapOptions::default());
    let mut cache = heap.new_cache();
    let object = cache.allocate_bytes(Shape::SCALAR, 32).unwrap().get();
    let other = cache.allocate_bytes(Shape::SCALAR, 32).unwrap().get();
    let globals = [other, object, 0, 77];
    let shape = reference_shape(&heap, &[1], 32);
    // SAFETY: one thread; the memory is ours.
    let live = unsafe {
        heap.collect(&mut |marker| marker.mark_memory(globals.as_ptr() as u64, 32, shape))
    }
    .live;
    assert_eq!(live, 32);
    // SAFETY: one thread.
    let live = unsafe {
        heap.collect(&mut |marker| {
            for type_word in TYPE_WORDS {
                let slots = [
                    type_word,
                    if type_word == TYPE_WORDS[0] {
                        object
                    } else {
                        other
                    },
                ];
                marker.mark_interface(slots[0], slots[1]);
                marker.mark_slot(bytecode::SlotKind::InterfaceData, 1, |index| slots[index]);
            }
            marker.mark_slot(bytecode::SlotKind::Scalar, 0, |_| other);
        })
    }
    .live;
    assert_eq!(live, 32);
}

#[test]
fn the_same_seed_gives_the_same_numbers() {
    let numbers = |seed| {
        let heap = Heap::new(HeapOptions {
            seed,
            ..HeapOptions::default()
        })
        .unwrap();
        let mut caches = [heap.new_cache(), heap.new_cache()];
        [0, 1, 0, 1].map(|cache| caches[cache].random())
    };
    assert_eq!(numbers(1), numbers(1));
    assert_ne!(numbers(1), numbers(2));
    let [a, b, c, d] = numbers(1);
    assert!(a != b && a != c && c != d);
}

/// CPU time of this thread: wall time means nothing on a busy machine.
pub(crate) fn cpu_time() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: a valid place for the result.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Time per node of building, checking and dropping binary trees, the allocator's and the collector's work only. Figures, not a test:
/// `cargo test --release -p golite-vm -- --ignored --nocapture figures`.
#[test]
#[ignore = "prints figures"]
fn figures_binary_trees() {
    struct Trees {
        cache: Cache,
        site: Site,
        roots: Vec<u64>,
        nodes: u64,
    }
    impl Trees {
        fn build(&mut self, depth: u32) -> u64 {
            if self.cache.heap().collection_wanted() {
                collect(&self.cache.heap().clone(), &self.roots);
            }
            if depth > 0 {
                for _ in 0..2 {
                    let child = self.build(depth - 1);
                    self.roots.push(child);
                }
            }
            self.nodes += 1;
            let node = self.cache.allocate(self.site).unwrap().get();
            if depth > 0 {
                for offset in [8, 0] {
                    // SAFETY: just allocated, two words.
                    unsafe { store_reference(node + offset, self.roots.pop().unwrap()) };
                }
            }
            node
        }
    }
    fn count(node: u64) -> u64 {
        // SAFETY: a live node.
        let (left, right) = unsafe { (load_reference(node), load_reference(node + 8)) };
        if left == 0 {
            1
        } else {
            1 + count(left) + count(right)
        }
    }
    let heap = Heap::new(HeapOptions::default()).unwrap();
    let (cache, site) = (heap.new_cache(), heap.site(Shape::REFERENCES, 16));
    let mut trees = Trees {
        cache,
        site,
        roots: Vec::new(),
        nodes: 0,
    };
    let begin = cpu_time();
    let long = trees.build(16);
    trees.roots.push(long);
    for depth in [4, 8, 12, 16] {
        for _ in 0..1 << (20 - depth) {
            let tree = trees.build(depth);
            assert_eq!(count(tree), (2 << depth) - 1);
        }
    }
    assert_eq!(count(long), (2 << 16) - 1);
    let (elapsed, figures) = (cpu_time() - begin, heap.statistics());
    eprintln!(
        "{:.1} ns per node ({} nodes), {} collections",
        elapsed.as_nanos() as f64 / trees.nodes as f64,
        trees.nodes,
        figures.collections
    );
}

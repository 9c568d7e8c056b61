//! Which allocations fill the heap: samples with the stacks that made them (`runtime.MemProfile`).
//!
//! 1. A heap samples only if somebody can ask for what was found ([`Heap::sample_allocations`]). Then each cache counts down the bytes to its next
//!    sample, whose distances are drawn so that each byte is as likely as any other ([`Countdown`]). It cuts its windows so that the object
//!    in question is the first of one, and is met in the slow path: the fast path knows nothing of all this.
//! 2. What is met is left in the cache. At the end of its instruction the interpreter asks for it ([`Cache::has_sampled`]) and tells the heap, with the stack
//!    ([`Heap::note_samples`]). No collection comes between.
//! 3. A collection looks for those that have died ([`Profile::settle`]). Until then they count as in use; and what was allocated since the last
//!    collection does not count at all, since nobody knows how much of it is garbage. Before the first collection everything counts.
//!
//! INVARIANT: `live` holds addresses of objects that the last collection has not freed.
//!
//! GO: mprof.go, malloc.go `nextSample`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard};

use rustc_hash::FxHashMap;

use super::{Cache, Heap, Marker, lock};
use crate::moves;

/// The distance of samples in bytes if the program says nothing of it. GO: `runtime.MemProfileRate`
pub const USUAL_RATE: u64 = 512 << 10;

/// Program counters that are kept of a stack. GO: mprof.go `maxProfStackDepth`
pub const MOST_FRAMES: usize = 128;

/// What was allocated at one place, in objects of one size.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AllocationRecord {
    /// Program counters, the innermost first.
    pub stack: Arc<[u64]>,
    /// Bytes of one of the objects.
    pub size: u64,
    /// How many of the samples were allocated, and how many of them were found dead.
    pub allocated: u64,
    pub freed: u64,
}

#[derive(Default)]
struct Record {
    /// Up to now, and up to the last collection.
    allocated: u64,
    published: u64,
    freed: u64,
}

/// What a heap knows of its samples. By stack and size as by Go: what a sample stands for depends on its size.
#[derive(Default)]
pub(super) struct Profile {
    /// Numbers of records.
    places: FxHashMap<(Arc<[u64]>, u64), u32>,
    records: Vec<Record>,
    /// By address: the record that the object belongs to.
    live: FxHashMap<u64, u32>,
    is_collected: bool,
}

/// How a heap samples.
pub(super) struct Sampling {
    /// Address of the program's `runtime.MemProfileRate`; 0 if it has none.
    rate: AtomicU64,
    profile: std::sync::Mutex<Profile>,
}

/// The bytes that a cache has to go.
#[derive(Default)]
pub(super) struct Countdown {
    left: u64,
    /// What `left` was drawn for; 0: not yet.
    rate: u64,
    /// The program may change its rate and has not yet: windows are short, lest it be heeded late.
    waits: bool,
    pub(super) met: Vec<(u64, u64)>,
}

impl Profile {
    /// Notes a sample; forgets it if there is no memory.
    fn note(&mut self, stack: &[u64], address: u64, size: u64) {
        if self.live.try_reserve(1).is_err() || self.records.try_reserve(1).is_err() {
            return;
        }
        let number = match self.places.get(&(Arc::from(stack), size)) {
            Some(&number) => number,
            None => {
                let number = self.records.len() as u32;
                if self.places.try_reserve(1).is_err() || number == u32::MAX {
                    return;
                }
                self.places.insert((Arc::from(stack), size), number);
                self.records.push(Record::default());
                number
            }
        };
        self.records[number as usize].allocated += 1;
        self.live.insert(address, number);
    }

    /// A collection has marked all that lives.
    pub(super) fn settle(&mut self, marker: &Marker<'_>) {
        self.is_collected = true;
        let records = &mut self.records;
        self.live.retain(|&address, &mut number| {
            let lives = marker.is_marked(address);
            if !lives {
                records[number as usize].freed += 1;
            }
            lives
        });
        for record in records {
            record.published = record.allocated;
        }
        if self.live.len() < self.live.capacity() / 8 {
            self.live.shrink_to_fit();
        }
    }
}

impl Heap {
    /// Samples allocations from now on, in caches made from now on.
    ///
    /// # Safety
    /// `rate` is 0 or the address of a word (the program's `runtime.MemProfileRate`) that lives as long as anybody allocates, or until
    /// it is taken back by another call.
    pub unsafe fn sample_allocations(&self, rate: u64) {
        let sampling = self.sampling.get_or_init(|| Sampling {
            rate: AtomicU64::new(0),
            profile: std::sync::Mutex::default(),
        });
        // ORDERING: relaxed. Written before anybody allocates, or after.
        sampling.rate.store(rate, Ordering::Relaxed);
    }

    /// Whether allocations are sampled.
    #[inline]
    pub fn samples(&self) -> bool {
        self.sampling.get().is_some()
    }

    /// The distance of samples in bytes, 0 if none are taken; whether the program can change it.
    fn sampling_rate(&self) -> (u64, bool) {
        let Some(sampling) = self.sampling.get() else {
            return (0, false);
        };
        // ORDERING: relaxed, as above.
        match sampling.rate.load(Ordering::Relaxed) {
            0 => (USUAL_RATE, false),
            address => {
                // SAFETY: the contract of `sample_allocations`.
                let rate = unsafe { moves::load64(address) } as i64;
                (u64::try_from(rate).unwrap_or(0), true)
            }
        }
    }

    /// What samples stand for: see [`Heap::sampling_rate`].
    pub fn profile_rate(&self) -> u64 {
        self.sampling_rate().0
    }

    fn profile(&self) -> Option<MutexGuard<'_, Profile>> {
        self.sampling.get().map(|sampling| lock(&sampling.profile))
    }

    /// Notes the objects that a cache has met with the stack that made them.
    pub fn note_samples(&self, cache: &mut Cache, stack: &[u64]) {
        let met = std::mem::take(&mut cache.countdown.met);
        if let Some(mut profile) = self.profile() {
            for (address, size) in met {
                profile.note(stack, address, size);
            }
        }
    }

    /// A collection has marked all that lives; its world is stopped.
    pub(super) fn settle_samples(&self, marker: &Marker<'_>) {
        if let Some(mut profile) = self.profile() {
            profile.settle(marker);
        }
    }

    /// What was sampled so far, as of the last collection.
    pub fn allocation_records(&self) -> Vec<AllocationRecord> {
        let Some(profile) = self.profile() else {
            return Vec::new();
        };
        let mut records: Vec<_> = profile
            .places
            .iter()
            .map(|((stack, size), &number)| {
                let record = &profile.records[number as usize];
                AllocationRecord {
                    stack: stack.clone(),
                    size: *size,
                    allocated: match profile.is_collected {
                        true => record.published,
                        false => record.allocated,
                    },
                    freed: record.freed,
                }
            })
            .filter(|record| record.allocated > 0)
            .collect();
        records.sort_by(|a, b| (&a.stack, a.size).cmp(&(&b.stack, b.size)));
        records
    }

    /// Bytes that the samples take, about.
    pub fn profile_bytes(&self) -> u64 {
        self.profile().map_or(0, |profile| {
            (profile.live.capacity() * 16
                + profile.records.capacity() * size_of::<Record>()
                + profile.places.len() * (MOST_FRAMES / 8) * 8) as u64
        })
    }
}

impl Cache {
    /// Whether objects were met that are to be told to [`Heap::note_samples`].
    #[inline(always)]
    pub fn has_sampled(&self) -> bool {
        !self.countdown.met.is_empty()
    }

    /// Where a window of cells of `size` bytes that would reach from `start` to `end` ends, if its first object is about to be allocated.
    #[inline]
    pub(super) fn cut_window(&mut self, start: u64, end: u64, size: u64) -> u64 {
        if self.is_next(start, size) {
            return start + size;
        }
        let countdown = &mut self.countdown;
        if countdown.rate == 0 {
            return end;
        }
        // The first is counted already.
        let cells = match countdown.waits {
            true => 0,
            false => (countdown.left / size).min((end - start) / size - 1),
        };
        countdown.left -= cells * size;
        start + (cells + 1) * size
    }

    /// Counts an object of `size` bytes that is allocated now; notes it if its turn has come.
    #[cold]
    pub(super) fn is_next(&mut self, address: u64, size: u64) -> bool {
        let (rate, changes) = self.heap().sampling_rate();
        if rate != self.countdown.rate {
            self.countdown.rate = rate;
            self.countdown.left = self.distance();
            self.countdown.waits = changes && rate == USUAL_RATE;
        }
        if rate == 0 {
            return false;
        }
        if self.countdown.left >= size {
            self.countdown.left -= size;
            return false;
        }
        self.countdown.left = self.distance();
        if self.countdown.met.try_reserve(1).is_ok() {
            self.countdown.met.push((address, size));
        }
        true
    }

    /// Draws the distance to the next sample: exponentially distributed, as the waiting for what may come at any byte. GO: `fastexprand`
    fn distance(&mut self) -> u64 {
        match self.countdown.rate {
            0 => u64::MAX,
            1 => 0,
            rate => {
                let uniform = ((self.random() >> 11) + 1) as f64 / (1u64 << 53) as f64;
                (-uniform.ln() * rate as f64) as u64
            }
        }
    }
}

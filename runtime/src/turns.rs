//! Where a goroutine loses its turn in a run with a seed.
//!
//! What is wrong with a program often shows only if somebody is stopped between two particular steps, and others do much, or little, before he goes on. A
//! time slice ends there once in ten thousand runs, and never again. So with a seed safepoints are counted, each of them, and the seed says after how many the turn is over.
//!
//! 1. How often turns end changes with the *stretch*, some hundred safepoints: in one they end at every other safepoint, in another after thousands. A run of few
//!    safepoints is one stretch, and other seeds have it with other lengths; a long run has stretches of all kinds, and most of its time goes into what it does.
//! 2. Within a stretch of scale `k` each turn draws its own scale from 0 to `k`, then its length up to 2 to that power: there are short turns beside long ones in most.
//! 3. Where the turn ends and nobody else can run, nothing happens; another is drawn.
//!
//! The numbers come from a sequence of their own: nothing that others draw shifts them. A safepoint counts once, whatever else is asked for there: a collection, or a request
//! of the monitor, moves nothing.
//!
//! Rejected: priorities that change at a few places of a run ("A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs", Burckhardt et al. 2010): one must know
//! beforehand how long the run is, and a goroutine that spins until another has done something would spin for ever. The same chance at each safepoint: either short runs are
//! never interrupted, or long ones do nothing else.
//!
//! GO: without a counterpart.

use std::cell::Cell;

/// The smallest and the largest scale of a stretch.
const SCALES: std::ops::RangeInclusive<u64> = 2..=13;

/// The length of a stretch, in safepoints, at least and at most.
const STRETCH: std::ops::Range<u64> = 256..2048;

/// A processor's part of this. Its owner's alone.
pub(crate) struct Turns {
    is_on: bool,
    random: Cell<u64>,
    /// How many safepoints until the turn is over.
    left: Cell<u64>,
    /// How many are left of the stretch, and its scale.
    stretch: Cell<u64>,
    scale: Cell<u64>,
}

impl Turns {
    /// Counts with `seed`; `None`: not at all.
    pub(crate) fn new(seed: Option<u64>) -> Turns {
        let turns = Turns {
            is_on: seed.is_some(),
            random: Cell::new(seed.unwrap_or(0)),
            left: Cell::new(0),
            stretch: Cell::new(0),
            scale: Cell::new(0),
        };
        turns.draw();
        turns
    }

    /// Whether turns end by the seed.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.is_on
    }

    /// The running goroutine passes a safepoint; answers whether its turn is over there.
    #[inline]
    pub(crate) fn pass(&self) -> bool {
        let left = self.left.get();
        if left > 1 {
            self.left.set(left - 1);
            return false;
        }
        self.draw();
        true
    }

    /// A number below `bound`.
    pub(crate) fn below(&self, bound: u64) -> u64 {
        // SplitMix64.
        let state = self.random.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.random.set(state);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        let number = mixed ^ mixed >> 31;
        ((u128::from(number) * u128::from(bound)) >> 64) as u64
    }

    /// The length of the next turn.
    fn draw(&self) {
        if self.stretch.get() == 0 {
            let (least, most) = SCALES.into_inner();
            self.scale.set(least + self.below(most - least + 1));
            self.stretch
                .set(STRETCH.start + self.below(STRETCH.end - STRETCH.start));
        }
        let scale = self.below(self.scale.get() + 1);
        let length = 1 + self.below(1 << scale);
        self.left.set(length);
        self.stretch.set(self.stretch.get().saturating_sub(length));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At which of so many safepoints turns end.
    fn ends(seed: u64, safepoints: u64) -> Vec<u64> {
        let turns = Turns::new(Some(seed));
        (0..safepoints).filter(|_| turns.pass()).collect()
    }

    #[test]
    fn a_seed_says_where_turns_end() {
        for seed in 0..20 {
            assert_eq!(ends(seed, 5000), ends(seed, 5000));
            assert_ne!(ends(seed, 5000), ends(seed + 1, 5000));
        }
    }

    #[test]
    fn short_runs_are_interrupted_anywhere() {
        // Each of the first two hundred safepoints ends a turn with some of a few hundred seeds, and each pair of neighbours too.
        let mut single = [false; 200];
        let mut pairs = [false; 200];
        for seed in 0..400 {
            let ends = ends(seed, 200);
            for &end in &ends {
                single[end as usize] = true;
            }
            for pair in ends.windows(2).filter(|pair| pair[1] == pair[0] + 1) {
                pairs[pair[0] as usize] = true;
            }
        }
        assert!(single.iter().all(|&met| met));
        assert!(pairs[..199].iter().all(|&met| met));
    }

    #[test]
    fn long_runs_have_stretches_of_all_kinds_and_spend_little_on_it() {
        for seed in 0..10 {
            let ends = ends(seed, 1_000_000);
            let share = ends.len() as f64 / 1e6;
            assert!((0.05..0.3).contains(&share), "{share}");
            let gaps = || ends.windows(2).map(|pair| pair[1] - pair[0]);
            assert!(gaps().any(|gap| gap > 2000));
            let dense = ends.windows(50).any(|ends| ends[49] - ends[0] < 150);
            assert!(dense);
        }
    }

    #[test]
    fn without_a_seed_nothing_is_counted() {
        assert!(!Turns::new(None).is_on());
    }
}

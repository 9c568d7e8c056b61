//! Natives of the packages below index.

/// Natives of package index/suffixarray.
pub mod suffixarray {
    use vm::border::GoSlice;

    const NONE: u32 = u32::MAX;

    /// Ends of the buckets of a text's symbols, or their starts.
    fn buckets(counts: &[u32], ends: bool) -> Vec<u32> {
        let mut sum = 0;
        counts
            .iter()
            .map(|count| {
                let start = sum;
                sum += count;
                if ends { sum } else { start }
            })
            .collect()
    }

    /// A level of the sorting by induction: a text of symbols below `symbols` and what is known of its suffixes.
    struct Level<'t> {
        text: &'t [u32],
        counts: Vec<u32>,
        /// Is the suffix smaller than the one behind it? Behind the text's end comes what is smaller than all.
        small: Vec<bool>,
    }

    impl Level<'_> {
        fn new(text: &[u32], symbols: usize) -> Level<'_> {
            let mut counts = vec![0; symbols];
            for symbol in text {
                counts[*symbol as usize] += 1;
            }
            let mut small = vec![false; text.len()];
            for at in (0..text.len().saturating_sub(1)).rev() {
                small[at] = text[at] < text[at + 1] || text[at] == text[at + 1] && small[at + 1];
            }
            Level {
                text,
                counts,
                small,
            }
        }

        /// Does a run of small suffixes begin here?
        fn leftmost(&self, at: usize) -> bool {
            at > 0 && self.small[at] && !self.small[at - 1]
        }

        /// Sorts all suffixes, given the leftmost small ones in an order that is right as far as it matters.
        fn induce(&self, leftmost: &[u32]) -> Vec<u32> {
            let length = self.text.len();
            let mut sorted = vec![NONE; length];
            let mut ends = buckets(&self.counts, true);
            for at in leftmost.iter().rev() {
                let end = &mut ends[self.text[*at as usize] as usize];
                *end -= 1;
                sorted[*end as usize] = *at;
            }
            let mut starts = buckets(&self.counts, false);
            let mut large = |at: usize, sorted: &mut Vec<u32>| {
                let start = &mut starts[self.text[at] as usize];
                sorted[*start as usize] = at as u32;
                *start += 1;
            };
            if let Some(last) = length.checked_sub(1) {
                large(last, &mut sorted);
            }
            for place in 0..length {
                let at = sorted[place];
                if at != NONE && at > 0 && !self.small[at as usize - 1] {
                    large(at as usize - 1, &mut sorted);
                }
            }
            let mut ends = buckets(&self.counts, true);
            for place in (0..length).rev() {
                let at = sorted[place];
                if at != NONE && at > 0 && self.small[at as usize - 1] {
                    let end = &mut ends[self.text[at as usize - 1] as usize];
                    *end -= 1;
                    sorted[*end as usize] = at - 1;
                }
            }
            sorted
        }
    }

    /// Are the pieces from one leftmost small suffix to the next equal?
    fn equal_pieces(level: &Level<'_>, a: usize, b: usize) -> bool {
        let text = level.text;
        for offset in 0.. {
            let (x, y) = (a + offset, b + offset);
            // The end of the text is a piece's end, and equals nothing.
            if x >= text.len() || y >= text.len() || text[x] != text[y] {
                return false;
            }
            if offset > 0 {
                match (level.leftmost(x), level.leftmost(y)) {
                    (true, true) => return true,
                    (false, false) => {}
                    _ => return false,
                }
            }
        }
        false
    }

    /// The order of the suffixes of a text with symbols below `symbols`. Each level has at most half as many suffixes, so the recursion is
    /// at most 32 deep.
    fn sort(text: &[u32], symbols: usize) -> Vec<u32> {
        let level = Level::new(text, symbols);
        let leftmost: Vec<u32> = (0..text.len())
            .filter(|at| level.leftmost(*at))
            .map(|at| at as u32)
            .collect();
        if leftmost.len() < 2 {
            return level.induce(&leftmost);
        }
        // In whatever order they come, the pieces up to the next one are sorted thereafter.
        let sorted = level.induce(&leftmost);
        let mut names = vec![NONE; text.len()];
        let mut name = 0;
        let mut last: Option<usize> = None;
        for at in sorted
            .iter()
            .map(|at| *at as usize)
            .filter(|at| level.leftmost(*at))
        {
            if let Some(last) = last
                && !equal_pieces(&level, last, at)
            {
                name += 1;
            }
            names[at] = name;
            last = Some(at);
        }
        let distinct = name as usize + 1;
        let ordered: Vec<u32> = if distinct == leftmost.len() {
            sorted
                .into_iter()
                .filter(|at| level.leftmost(*at as usize))
                .collect()
        } else {
            drop(sorted);
            let reduced: Vec<u32> = leftmost.iter().map(|at| names[*at as usize]).collect();
            drop(names);
            sort(&reduced, distinct)
                .into_iter()
                .map(|index| leftmost[index as usize])
                .collect()
        };
        level.induce(&ordered)
    }

    fn array(data: GoSlice<'_, u8>) -> Vec<u32> {
        let text: Vec<u32> = data.iter().map(u32::from).collect();
        sort(&text, 256)
    }

    vm::natives! {
        pure "array" => array;
    }

    #[cfg(test)]
    mod tests {
        use super::sort;

        #[test]
        fn suffixes_of_short_texts_are_sorted() {
            // All texts of up to eight symbols of three kinds.
            for length in 0..=8u32 {
                for number in 0..3u32.pow(length) {
                    let text: Vec<u32> = (0..length).map(|at| number / 3u32.pow(at) % 3).collect();
                    let mut expected: Vec<u32> = (0..length).collect();
                    expected.sort_by_key(|at| &text[*at as usize..]);
                    assert_eq!(sort(&text, 3), expected, "{text:?}");
                }
            }
        }
    }
}

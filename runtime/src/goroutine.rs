//! Goroutines (G).

/// A goroutine's number, as `goroutine 7 [running]:` prints it. Never used twice in one scheduler; 1 is main.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GoroutineId(pub u64);

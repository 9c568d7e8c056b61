//! The engine's half of a goroutine: its stack, where it stands, its deferred calls and panics.
//!
//! A frame: `fp[-2]` return word, `fp[-1]` the closure that is running (written by calls of closures, only looked at in
//! functions that capture something), `fp[0..]` registers. The return word holds the *byte* offset of the return address in the
//! image's code (bits 0 to 46), [`EXACT`] and the caller's window in bits 48 to 63: the caller's frame is `fp - window`.
//!
//! Positions in the stack are kept as slot indices, never as addresses, since the stack moves when it grows.

use crate::native::FinishNative;
use crate::stack::Stack;

/// In a return word: the safepoint of the caller's frame is the return address itself (a `RunDefers` that is re-entered), not the
/// call before it.
pub(crate) const EXACT: u64 = 1 << 47;
/// The offset in a return word.
pub(crate) const OFFSET_MASK: u64 = EXACT - 1;
/// Where the window begins in a return word.
pub(crate) const WINDOW_SHIFT: u32 = 48;

/// Which live map describes the top frame of a fiber that is not running.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Safepoint {
    /// Before the first instruction: the parameters live.
    Entry,
    /// At the instruction with this word offset in the image.
    At(u32),
    /// The frame has panicked: what its recovery code needs lives.
    Unwinding,
}

/// What a fiber does first when it runs again.
#[derive(Default)]
pub(crate) enum Pending {
    /// Go on at `ip`.
    #[default]
    Nothing,
    /// The channel operation or select at the safepoint ends with the wake outcome.
    Channel,
    /// The native at the safepoint ends: its results are in the completion.
    Completion,
    /// The native at the safepoint ends with these results.
    Native(FinishNative),
}

/// A deferred call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Defer {
    /// The frame it belongs to, as slot index.
    pub(crate) frame: usize,
    /// The closure; 0 panics when run.
    pub(crate) closure: u64,
    /// Its arguments in [`Fiber::defer_arguments`].
    pub(crate) first_argument: u32,
    pub(crate) arguments: u32,
}

/// A panic (or Goexit) under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PanicRecord {
    /// The interface value; unused by Goexit.
    pub(crate) value: [u64; 2],
    pub(crate) goexit: bool,
    pub(crate) recovered: bool,
    /// Where it was raised: frame and word offset of the instruction (for traces).
    pub(crate) frame: usize,
    pub(crate) offset: u32,
    /// The frame of the deferred call that it runs now.
    pub(crate) deferred_call: usize,
    /// The frame whose deferred call that is.
    pub(crate) deferring_frame: usize,
    /// The text that is printed if nobody recovers, once it is known.
    pub(crate) text: Option<[u64; 2]>,
}

/// A goroutine, as the engine sees it. See the module's text.
pub struct Fiber {
    pub(crate) stack: Stack,
    /// Slot index of the current frame.
    pub(crate) frame: usize,
    /// Where to go on, as word offset in the image.
    pub(crate) offset: u32,
    pub(crate) safepoint: Safepoint,
    pub(crate) pending: Pending,
    pub(crate) defers: Vec<Defer>,
    pub(crate) defer_arguments: Vec<u64>,
    pub(crate) panics: Vec<PanicRecord>,
    /// Whether the texts of the panics are being asked for, to be printed: which one comes next.
    pub(crate) dying: Option<usize>,
}

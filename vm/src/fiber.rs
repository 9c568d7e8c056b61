//! The engine's half of a goroutine: its stack, where it stands, its deferred calls and panics.
//!
//! A frame: `fp[-2]` return word, `fp[-1]` the closure that is running (written by calls of closures, only looked at in
//! functions that capture something), `fp[0..]` registers. The return word holds the *byte* offset of the return address in the
//! image's code (bits 0 to 46), [`EXACT`] and the caller's window in bits 48 to 63: the caller's frame is `fp - window`.
//!
//! Positions in the stack are kept as slot indices, never as addresses, since the stack moves when it grows.

use std::cell::Cell;
use std::num::NonZero;
use std::sync::Arc;

use bytecode::RED_ZONE;
use runtime::GoroutineId;

use crate::heap::{Account, OutOfMemory};
use crate::host_call::Owed;
use crate::native::FinishNative;
use crate::running::stub;
use crate::scope::Scope;
use crate::slab;
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
    /// Take an empty completion and go on at `ip`.
    Again,
    /// The channel operation or select at the safepoint ends with the wake outcome.
    Channel,
    /// The native at the safepoint ends: its results are in the completion.
    Completion,
    /// The native at the safepoint ends with these results.
    Native(FinishNative),
    /// A call of the host: its arguments are to be written.
    Begin,
    /// As `Begin`, after a collection.
    BeginAgain,
    /// A call of the host that waits at channels ends with the wake outcome.
    Host,
}

/// A deferred call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Defer {
    /// The frame it belongs to, as slot index.
    pub(crate) frame: usize,
    /// The `Defer` instruction, as word offset in the image.
    pub(crate) offset: u32,
    /// The closure; 0 panics when run.
    pub(crate) closure: u64,
    /// Its arguments stand in [`Fiber::defer_arguments`] from here to the end, or to the next record's.
    pub(crate) first_argument: usize,
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
    /// The frame of the deferred call that it runs now; [`NO_FRAME`] before the first.
    pub(crate) deferred_call: usize,
    /// The frame whose deferred call that is, and its `Defer` instruction.
    pub(crate) deferring_frame: usize,
    pub(crate) deferring_offset: u32,
    /// The text that is printed if nobody recovers, once it is known.
    pub(crate) text: Option<[u64; 2]>,
}

/// Where fibers lie.
pub type FiberCell = slab::Cell<Fiber>;

impl slab::InSlab for Fiber {
    const SLAB: &'static slab::Slab = &FIBERS;
}

static FIBERS: slab::Slab = slab::Slab::new(std::alloc::Layout::new::<Fiber>());

impl slab::InSlab for Unwinding {
    const SLAB: &'static slab::Slab = &UNWINDINGS;
}

/// Where the lists of all fibers lie, which come and go with them.
static UNWINDINGS: slab::Slab = slab::Slab::new(std::alloc::Layout::new::<Unwinding>());

/// How many lines of 64 bytes a fiber takes.
pub(crate) const LINES: usize = size_of::<Fiber>() / 64;

/// A goroutine, as the engine sees it. See the module's text.
#[repr(align(64))]
pub struct Fiber {
    pub(crate) stack: Stack,
    /// Slot index of the current frame.
    pub(crate) frame: usize,
    /// Where to go on, as word offset in the image.
    pub(crate) offset: u32,
    pub(crate) safepoint: Safepoint,
    pub(crate) pending: Pending,
    /// Deferred calls and panics, once there was one: most goroutines never have any.
    unwinding: Option<slab::Cell<Unwinding>>,
    /// Where the goroutine was started: word offset of the instruction ([`NOWHERE`]: by the machine), and by whom.
    pub(crate) created_at: u32,
    pub(crate) created_by: GoroutineId,
    /// The labels of package runtime/pprof, as traces show them; a goroutine has those of its creator.
    pub(crate) labels: Cell<Option<Arc<String>>>,
    /// The last collection that its references were reported to.
    pub(crate) reported: u64,
    /// The instruction that memory was last refused to and that runs again after a collection.
    pub(crate) refused: Option<Refused>,
    /// The unit of a session that it runs; 0 if it runs none.
    pub(crate) unit: u64,
    /// Whether it ends like one that has called `runtime.Goexit`.
    pub(crate) interrupt: Cell<Interrupt>,
    /// While it is not 0 the goroutine is in the middle of something that others rely on: it does not end before that is done.
    pub(crate) shields: Cell<u16>,
    /// The scope that it belongs to.
    pub(crate) scope: Option<Arc<Scope>>,
    /// The scope of the next goroutine that it starts, if that is another.
    pub(crate) starts_in: Cell<Option<Box<Option<Arc<Scope>>>>>,
    /// A native runs that was called at the saved place.
    pub(crate) in_native: bool,
    /// It has ended in the middle of something: not to be used again.
    pub(crate) broken: bool,
    /// The call of the host that this goroutine was started for.
    pub(crate) call: Owed,
}

// A parked goroutine is to take less than 1,000 bytes; cells are lines of 64.
const _: () = assert!(size_of::<Fiber>() <= 192);

/// What a goroutine does besides going on: the calls that it has deferred, and the panics that it is in.
#[derive(Default)]
pub(crate) struct Unwinding {
    pub(crate) defers: Vec<Defer>,
    pub(crate) defer_arguments: Vec<u64>,
    pub(crate) panics: Vec<PanicRecord>,
    /// Set when nobody has recovered and the texts of the panics are being asked for, to be printed: which one is next.
    pub(crate) dying: Option<u32>,
    /// Bytes charged for it and its lists.
    charge: u64,
}

/// Whether somebody wants a goroutine to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Interrupt {
    #[default]
    None,
    /// It ends as soon as it runs again.
    Now,
    /// It ends when it stops the next time: what it waits for comes to an end first.
    NextTime,
    /// That is now, unless what it stopped for is its own when it goes on, such as a lock.
    Soon,
    /// Its wait was broken ([`crate::ending`]): it puts in order what it has to, wakes so many readers of a lock, and leaves.
    Broken { readers: u32 },
}

/// An instruction that memory was refused to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refused {
    /// Its word offset in the image.
    pub(crate) offset: u32,
    /// Bytes allocated then, ever.
    pub(crate) allocated: u64,
    /// How often it has been tried.
    pub(crate) times: NonZero<u32>,
}

/// No place in the code.
pub(crate) const NOWHERE: u32 = u32::MAX;

/// No slot index.
pub(crate) const NO_FRAME: usize = usize::MAX;

/// Stacks above this many slots are not kept for new goroutines.
const LARGEST_KEPT: usize = 1024;

impl Fiber {
    /// Whether it ends at the next safepoint where it can.
    #[inline]
    pub(crate) fn is_to_end(&self) -> bool {
        matches!(self.interrupt.get(), Interrupt::Now | Interrupt::Soon)
    }

    /// Whether it is to end and can: instead of beginning to wait for what may never come.
    #[inline]
    pub(crate) fn ends_here(&self) -> bool {
        self.is_to_end() && self.shields.get() == 0
    }

    /// Whether it runs its deferred calls to end.
    pub(crate) fn is_leaving(&self) -> bool {
        self.panics().iter().any(|panic| panic.goexit)
    }

    /// A fiber that will run the code at word offset `offset` with `closure` and `arguments` argument slots, which the caller
    /// writes next ([`Fiber::arguments`]). `None` when there is no memory.
    pub(crate) fn starting(
        recycled: Option<FiberCell>,
        closure: u64,
        offset: u32,
        arguments: usize,
        max_stack: usize,
        account: &Arc<Account>,
    ) -> Option<FiberCell> {
        let mut fiber = match recycled {
            Some(fiber) => fiber,
            None => FiberCell::new(Fiber {
                stack: Stack::new(account)?,
                frame: FIRST_FRAME,
                offset,
                safepoint: Safepoint::Entry,
                pending: Pending::Nothing,
                unwinding: None,
                created_at: NOWHERE,
                created_by: GoroutineId(0),
                labels: Cell::new(None),
                reported: 0,
                refused: None,
                unit: 0,
                interrupt: Cell::default(),
                shields: Cell::default(),
                scope: None,
                starts_in: Cell::new(None),
                in_native: false,
                broken: false,
                call: Owed::NOTHING,
            })?,
        };
        fiber.frame = FIRST_FRAME;
        fiber.offset = offset;
        fiber.safepoint = Safepoint::Entry;
        let end = FIRST_FRAME + arguments;
        if fiber.stack.slots() < end + RED_ZONE as usize {
            fiber.stack.grow(end, max_stack.max(1 << 16)).ok()?;
        }
        let base = fiber.stack.base();
        // SAFETY: every stack has these slots.
        unsafe {
            *base = u64::from(stub::END) * size_of::<bytecode::Word>() as u64;
            *base.add(1) = closure;
        }
        Some(fiber)
    }

    /// Has fetched what is needed to start a goroutine with it.
    #[inline]
    pub(crate) fn prefetch(&self) {
        let place: *const u8 = std::ptr::from_ref(self).cast();
        for line in 0..LINES {
            runtime::prefetch(place.wrapping_add(64 * line));
        }
    }

    /// Has fetched the beginning of its stack. The fiber itself should be there already.
    #[inline]
    pub(crate) fn prefetch_stack(&self) {
        let base: *const u8 = self.stack.base().cast();
        runtime::prefetch(base);
        runtime::prefetch(base.wrapping_add(64));
    }

    /// The argument slots of a fiber that has not started.
    pub(crate) fn arguments(&mut self) -> *mut u64 {
        self.stack.base().wrapping_add(FIRST_FRAME)
    }

    /// Its deferred calls, the latest last.
    #[inline]
    pub(crate) fn defers(&self) -> &[Defer] {
        self.unwinding.as_ref().map_or(&[], |u| &u.defers)
    }

    /// The argument slots of its deferred calls, one after the other.
    #[inline]
    pub(crate) fn defer_arguments(&self) -> &[u64] {
        self.unwinding.as_ref().map_or(&[], |u| &u.defer_arguments)
    }

    /// Its panics, the latest last.
    #[inline]
    pub(crate) fn panics(&self) -> &[PanicRecord] {
        self.unwinding.as_ref().map_or(&[], |u| &u.panics)
    }

    /// The lists, to be changed, if it has any.
    #[inline]
    pub(crate) fn unwinding(&mut self) -> Option<&mut Unwinding> {
        self.unwinding.as_deref_mut()
    }

    /// See [`Unwinding::dying`].
    pub(crate) fn dying(&self) -> Option<u32> {
        self.unwinding.as_ref()?.dying
    }

    /// Its latest panic.
    pub(crate) fn last_panic(&mut self) -> Option<&mut PanicRecord> {
        self.unwinding()?.panics.last_mut()
    }

    /// The panic with this number.
    pub(crate) fn panic(&mut self, number: u32) -> Option<&mut PanicRecord> {
        self.unwinding()?.panics.get_mut(number as usize)
    }

    /// The lists, with room for one more deferred call with so many argument slots.
    pub(crate) fn reserve_defer(
        &mut self,
        arguments: usize,
    ) -> Result<&mut Unwinding, OutOfMemory> {
        let account = self.stack.account();
        let lists = for_more(&mut self.unwinding, account)?;
        if lists.defers.len() == lists.defers.capacity() {
            reserve(account, &mut lists.charge, &mut lists.defers, 1)?;
        }
        if lists.defer_arguments.capacity() - lists.defer_arguments.len() < arguments {
            reserve(
                account,
                &mut lists.charge,
                &mut lists.defer_arguments,
                arguments,
            )?;
        }
        Ok(lists)
    }

    /// The lists, with room for one more panic.
    pub(crate) fn reserve_panic(&mut self) -> Result<&mut Unwinding, OutOfMemory> {
        let account = self.stack.account();
        let lists = for_more(&mut self.unwinding, account)?;
        if lists.panics.len() == lists.panics.capacity() {
            reserve(account, &mut lists.charge, &mut lists.panics, 1)?;
        }
        Ok(lists)
    }

    /// Makes an ended fiber fit for reuse; false if it is not worth keeping.
    pub(crate) fn recycle(&mut self) -> bool {
        if self.broken
            || self.stack.slots() > LARGEST_KEPT
            || self
                .unwinding
                .as_ref()
                .is_some_and(|u| u.panics.capacity() + u.defers.capacity() > LARGEST_KEPT)
        {
            return false;
        }
        self.pending = Pending::Nothing;
        if let Some(unwinding) = &mut self.unwinding {
            unwinding.defers.clear();
            unwinding.defer_arguments.clear();
            unwinding.panics.clear();
            unwinding.dying = None;
        }
        self.created_at = NOWHERE;
        self.labels.take();
        self.unit = 0;
        self.interrupt.set(Interrupt::None);
        self.shields.set(0);
        self.scope = None;
        self.starts_in.take();
        self.refused = None;
        if self.call.is_some() {
            drop(std::mem::replace(&mut self.call, Owed::NOTHING));
        }
        true
    }
}

impl Drop for Fiber {
    fn drop(&mut self) {
        if let Some(unwinding) = &self.unwinding {
            self.stack.account().release(unwinding.charge);
        }
    }
}

/// The lists of a fiber, to which something is added.
#[inline]
fn for_more<'a>(
    unwinding: &'a mut Option<slab::Cell<Unwinding>>,
    account: &Account,
) -> Result<&'a mut Unwinding, OutOfMemory> {
    if unwinding.is_none() {
        let charge = account.charge_native(size_of::<Unwinding>() as u64)?;
        *unwinding = slab::Cell::new(Unwinding {
            charge,
            ..Unwinding::default()
        });
        if unwinding.is_none() {
            account.release(charge);
        }
    }
    unwinding.as_deref_mut().ok_or(OutOfMemory)
}

/// Makes room for at least `more` more elements of a list, and charges it.
#[cold]
fn reserve<T>(
    account: &Account,
    charge: &mut u64,
    list: &mut Vec<T>,
    more: usize,
) -> Result<(), OutOfMemory> {
    // Most goroutines that defer a call defer one.
    let wanted = (list.len() + more).max(2 * list.capacity());
    let bytes = ((wanted - list.capacity()) * size_of::<T>()) as u64;
    // The old list is there until its contents have moved.
    let whole = (wanted * size_of::<T>()) as u64;
    if !account.allows(whole) {
        return Err(account.refuse(whole));
    }
    let charged = account.charge_native(bytes)?;
    if list.try_reserve_exact(wanted - list.len()).is_err() {
        account.release(charged);
        return Err(account.refuse(bytes));
    }
    *charge += charged;
    Ok(())
}

/// Slot index of a goroutine's first frame.
pub(crate) const FIRST_FRAME: usize = 2;

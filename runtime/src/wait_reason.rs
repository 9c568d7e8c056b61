//! Why a goroutine waits: one table, printed by tracebacks and deadlock reports.
//!
//! GO: runtime2.go `waitReasonStrings`.

/// Builds the enum and its texts from one list of rows.
macro_rules! wait_reasons {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// Why a goroutine waits.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum WaitReason {
            $($(#[$doc])* $name,)*
        }

        impl WaitReason {
            /// Every reason, in the order of the table.
            pub const ALL: &'static [WaitReason] = &[$(WaitReason::$name,)*];

            /// Go's text, as in `goroutine 7 [chan receive]:`.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self {
                    $(WaitReason::$name => $text,)*
                }
            }
        }
    };
}

wait_reasons! {
    /// Not waiting, or for no stated reason.
    Zero = "";
    /// Receiving from a channel.
    ChannelReceive = "chan receive";
    /// Sending on a channel.
    ChannelSend = "chan send";
    /// Receiving from a nil channel: forever.
    ChannelReceiveNil = "chan receive (nil chan)";
    /// Sending on a nil channel: forever.
    ChannelSendNil = "chan send (nil chan)";
    /// In a select statement.
    Select = "select";
    /// In `select {}`: forever.
    SelectNoCases = "select (no cases)";
    /// In `time.Sleep`.
    Sleep = "sleep";
    /// In a semaphore that no more telling reason was given for.
    SemaphoreAcquire = "semacquire";
    /// In `sync.Cond.Wait`.
    CondWait = "sync.Cond.Wait";
    /// In `sync.Mutex.Lock`.
    MutexLock = "sync.Mutex.Lock";
    /// In `sync.RWMutex.RLock`.
    RwMutexRLock = "sync.RWMutex.RLock";
    /// In `sync.RWMutex.Lock`.
    RwMutexLock = "sync.RWMutex.Lock";
    /// In `sync.WaitGroup.Wait`.
    WaitGroupWait = "sync.WaitGroup.Wait";
    /// Waiting for a file descriptor.
    IoWait = "IO wait";
    /// The finalizer goroutine without work.
    FinalizerWait = "finalizer wait";
    /// Waiting for a garbage collection to end.
    GarbageCollection = "wait for GC cycle";
    /// Waiting for the world to be stopped.
    StoppingTheWorld = "stopping the world";
    /// In a call of a host function that answers later.
    HostCall = "host call";
    /// The other half of a coroutine pair (`iter.Pull`) runs.
    Coroutine = "coroutine";
    /// Stopped at a breakpoint.
    DebugCall = "debug call";
}

/// What can end a wait, for the search for goroutines that nobody can wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WokenBy {
    /// Whoever reaches a channel of the goroutine's waiters.
    Channels,
    /// Whoever reaches the object with its semaphore or list.
    Object,
    /// Nobody.
    Nobody,
    /// Something outside the heap, or the program means it to wait.
    Elsewhere,
}

impl WaitReason {
    /// Whether only other goroutines of the program, or time, end such a wait.
    ///
    /// GO: runtime2.go `isIdleInSynctest`.
    #[must_use]
    pub fn is_durable(self) -> bool {
        matches!(
            self,
            WaitReason::ChannelReceive
                | WaitReason::ChannelSend
                | WaitReason::ChannelReceiveNil
                | WaitReason::ChannelSendNil
                | WaitReason::Select
                | WaitReason::SelectNoCases
                | WaitReason::Sleep
                | WaitReason::CondWait
                | WaitReason::WaitGroupWait
                | WaitReason::Coroutine
        )
    }

    pub(crate) fn woken_by(self) -> WokenBy {
        match self {
            WaitReason::ChannelReceive | WaitReason::ChannelSend | WaitReason::Select => {
                WokenBy::Channels
            }
            WaitReason::SemaphoreAcquire
            | WaitReason::CondWait
            | WaitReason::MutexLock
            | WaitReason::RwMutexRLock
            | WaitReason::RwMutexLock
            | WaitReason::WaitGroupWait => WokenBy::Object,
            WaitReason::ChannelReceiveNil | WaitReason::ChannelSendNil => WokenBy::Nobody,
            // `select {}` is how a program says that a goroutine shall wait.
            _ => WokenBy::Elsewhere,
        }
    }

    /// The reason with number `number`, `Zero` when there is none.
    pub(crate) fn from_number(number: u8) -> WaitReason {
        WaitReason::ALL
            .get(usize::from(number))
            .copied()
            .unwrap_or(WaitReason::Zero)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn numbers_lead_back_to_their_reason() {
        for &reason in WaitReason::ALL {
            assert_eq!(WaitReason::from_number(reason as u8), reason);
        }
    }
}

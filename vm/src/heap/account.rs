//! What memory a program may take: one account for the blocks of its heap, its goroutines' stacks and what natives need
//! for a while. Whoever is about to take memory charges it first, and releases it when it is given back.

use std::sync::atomic::{AtomicU64, Ordering};

use super::OutOfMemory;

/// The account of one program.
#[derive(Debug)]
pub struct Account {
    charged: AtomicU64,
    limit: AtomicU64,
    /// Bytes of the last request that was refused, by the account or by the system.
    refused: AtomicU64,
    /// What the host counts for itself: memory that natives take from its allocator.
    natives: Option<fn() -> u64>,
}

impl Account {
    /// An account that allows `limit` bytes; `None`: as much as the system gives.
    pub(super) fn new(limit: Option<u64>, natives: Option<fn() -> u64>) -> Account {
        Account {
            natives,
            charged: AtomicU64::new(0),
            limit: AtomicU64::new(limit.unwrap_or(u64::MAX)),
            refused: AtomicU64::new(0),
        }
    }

    /// Takes `bytes` from what is left.
    ///
    /// # Errors
    /// If so much is not left. Nothing is taken then.
    #[inline]
    pub fn charge(&self, bytes: u64) -> Result<(), OutOfMemory> {
        // ORDERING: relaxed, here and below. A sum of sizes that publishes nothing.
        let before = self.charged.fetch_add(bytes, Ordering::Relaxed);
        let limit = self.limit.load(Ordering::Relaxed);
        if limit != u64::MAX && self.with_natives(before).saturating_add(bytes) > limit {
            self.release(bytes);
            return Err(self.refuse(bytes));
        }
        Ok(())
    }

    /// Whether so much is left.
    pub fn allows(&self, bytes: u64) -> bool {
        self.limit()
            .is_none_or(|limit| self.with_natives(self.charged()).saturating_add(bytes) <= limit)
    }

    /// As [`Account::charge`], of memory from the host's allocator: if the host counts that for itself, nothing is charged. Returns
    /// what was.
    ///
    /// # Errors
    /// As [`Account::charge`].
    pub fn charge_native(&self, bytes: u64) -> Result<u64, OutOfMemory> {
        if self.natives.is_none() {
            self.charge(bytes)?;
            Ok(bytes)
        } else if self.allows(bytes) {
            Ok(0)
        } else {
            Err(self.refuse(bytes))
        }
    }

    fn with_natives(&self, charged: u64) -> u64 {
        charged.saturating_add(self.natives.map_or(0, |natives| natives()))
    }

    /// Sets what an estimate made now and then of memory from the host's allocator has charged, `charge`, to `bytes`, whatever the
    /// limit; nothing if the host counts that for itself.
    pub fn estimate_native(&self, charge: &AtomicU64, bytes: u64) {
        if self.natives.is_some() {
            return;
        }
        // ORDERING: relaxed, as in `charge`. One thread at a time estimates.
        let before = charge.swap(bytes, Ordering::Relaxed);
        self.charged
            .fetch_add(bytes.wrapping_sub(before), Ordering::Relaxed);
    }

    /// Gives back what was charged.
    #[inline]
    pub fn release(&self, bytes: u64) {
        // ORDERING: relaxed, as in `charge`.
        self.charged.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Notes that a request for `bytes` bytes is refused.
    #[cold]
    pub fn refuse(&self, bytes: u64) -> OutOfMemory {
        // ORDERING: relaxed. Only for the text of the error.
        self.refused.store(bytes, Ordering::Relaxed);
        OutOfMemory
    }

    /// Bytes taken.
    pub fn charged(&self) -> u64 {
        // ORDERING: relaxed, as in `charge`.
        self.charged.load(Ordering::Relaxed)
    }

    /// Bytes of the last request that was refused.
    pub fn refused(&self) -> u64 {
        // ORDERING: relaxed, as in `refuse`.
        self.refused.load(Ordering::Relaxed)
    }

    /// Bytes allowed.
    pub fn limit(&self) -> Option<u64> {
        // ORDERING: relaxed. A setting.
        Some(self.limit.load(Ordering::Relaxed)).filter(|&limit| limit != u64::MAX)
    }

    /// Sets what is allowed. What has been taken beyond stays taken.
    pub fn set_limit(&self, limit: Option<u64>) {
        // ORDERING: relaxed. A setting.
        self.limit
            .store(limit.unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

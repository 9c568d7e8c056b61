//! Values of the program that its host holds: roots outside the machine.
//!
//! 1. A value goes into the machine's table while a processor is held ([`Machine::hold`]), so what it refers to is alive then.
//! 2. The first step of a collection reports the table whole, in the stopped world. What is put in later was reachable when the collection began,
//!    or was made since, so it is marked anyway; what is taken out before was reported. So the table needs no barrier (docs/heap.md).
//! 3. A [`Held`] is dropped by any thread, at any time, also when the machine is gone: it has the table, and not the machine.
//!
//! The words that a [`Held`] stands for may be looked at while a processor is held, or put into a new goroutine's frame while the `Held`
//! lives.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::border::Any;
use crate::engine::Machine;
use crate::heap::Marker;
use crate::native::NativeContext;

/// What a host holds of a machine. See the module's text.
#[derive(Default)]
pub(crate) struct HeldTable {
    places: Mutex<Places>,
}

#[derive(Default)]
struct Places {
    /// Interface values; a type word of 0 stands for a bare reference.
    values: Vec<[u64; 2]>,
    free: Vec<usize>,
}

/// A value that the host holds: it lives as long as this.
pub struct Held {
    table: Arc<HeldTable>,
    at: usize,
}

impl HeldTable {
    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reports all that is held.
    pub(crate) fn report(&self, marker: &mut Marker<'_>) {
        for &[word, data] in &self.lock().values {
            match word {
                0 => marker.mark_reference(data),
                word => marker.mark_interface(word, data),
            }
        }
    }
}

impl Machine {
    /// Holds an interface's words, or with a type word of 0 a reference.
    pub(crate) fn hold(&self, word: u64, data: u64) -> Held {
        let mut places = self.held.lock();
        let at = match places.free.pop() {
            Some(at) => {
                places.values[at] = [word, data];
                at
            }
            None => {
                places.values.push([word, data]);
                places.values.len() - 1
            }
        };
        drop(places);
        Held {
            table: Arc::clone(&self.held),
            at,
        }
    }
}

impl Held {
    /// The words.
    pub(crate) fn words(&self) -> [u64; 2] {
        self.table.lock().values[self.at]
    }

    /// Whether it is a value of this machine.
    pub fn belongs_to(&self, machine: &Machine) -> bool {
        Arc::ptr_eq(&self.table, &machine.held)
    }

    /// The value; `None`: it is one of another machine.
    pub fn any<'h>(&self, context: &NativeContext<'h>) -> Option<Any<'h>> {
        if !self.belongs_to(context.machine) {
            return None;
        }
        let [word, data] = self.words();
        // SAFETY: the words of an interface of this machine, which it keeps alive as long as it is held; what the context lends is
        // used while a processor is held.
        Some(unsafe { Any::from_raw(word, data) })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut places = self.table.lock();
        places.values[self.at] = [0, 0];
        places.free.push(self.at);
    }
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Held")
    }
}

//! Values of the script that the host holds.
//!
//! A host keeps no references into the heap: it has numbers of places in this table, which the collector reads.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::heap::Marker;

/// A value: an interface, or a reference with type word 0.
pub(crate) type Held = [u64; 2];

/// See the module's text.
#[derive(Default)]
pub(crate) struct Roots(Mutex<Places>);

#[derive(Default)]
struct Places {
    values: Vec<Held>,
    free: Vec<u32>,
}

impl Roots {
    fn lock(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a value alive until [`Roots::release`]; the number of its place.
    pub(crate) fn hold(&self, value: Held) -> u32 {
        let mut places = self.lock();
        if let Some(place) = places.free.pop() {
            places.values[place as usize] = value;
            return place;
        }
        places.values.push(value);
        (places.values.len() - 1) as u32
    }

    /// The value at a place that is held.
    pub(crate) fn get(&self, place: u32) -> Held {
        self.lock().values[place as usize]
    }

    /// Lets a value go.
    pub(crate) fn release(&self, place: u32) {
        let mut places = self.lock();
        places.values[place as usize] = [0, 0];
        places.free.push(place);
    }

    /// Reports all values.
    pub(crate) fn mark(&self, marker: &mut Marker<'_>) {
        for &[word, data] in &self.lock().values {
            match word {
                0 => marker.mark_reference(data),
                _ => marker.mark_interface(word, data),
            }
        }
    }
}

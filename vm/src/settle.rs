//! After a spike of goroutines: a thread that gives their memory back, though nothing else happens.
//!
//! It looks once a second. What has lain in the pool of fibers unused since its last look goes; when little is left it asks for a collection, for what the
//! goroutines had allocated, which also gathers what processors keep: each of the few fibers and records of goroutines there may hold a chunk of memory.
//! A second later all of that goes, and what the collection has left free, and the thread ends.

use std::sync::Arc;
use std::time::Duration;

use runtime::CollectionRequester;

use crate::engine::Machine;

/// How long what is not needed stays.
const PATIENCE: Duration = Duration::from_secs(1);

/// Has such a thread started when many goroutines have ended.
pub(crate) fn after_spikes(machine: &Arc<Machine>, requester: CollectionRequester<Machine>) {
    let weak = Arc::downgrade(machine);
    let requester = Arc::new(requester);
    machine.fibers.after_spike(move || {
        let (machine, requester) = (weak.clone(), Arc::clone(&requester));
        std::thread::Builder::new()
            .name("golite-scavenger".to_owned())
            .stack_size(64 << 10)
            .spawn(move || {
                runtime::work_in_background();
                loop {
                    std::thread::sleep(PATIENCE);
                    let Some(machine) = machine.upgrade() else {
                        return;
                    };
                    if machine.fibers.settle() {
                        break;
                    }
                }
                let Some(settling) = machine.upgrade() else {
                    return;
                };
                settling.fibers.gather_soon();
                drop(settling);
                requester.request_collection();
                std::thread::sleep(PATIENCE);
                requester.release_goroutines();
                if let Some(machine) = machine.upgrade() {
                    machine.fibers.trim(true);
                    machine.heap().release_unused();
                }
            })
            .is_ok()
    });
}

//! Many VMs of one program: what one takes of memory and time. `GOLITE_STRICT=1 GOLITE_VMS=10000 cargo test --release --test many_vms -- --nocapture` says how
//! much.
//!
//! One test in a process of its own, since it counts the memory of the process.

use std::time::{Duration, Instant};

use golite::{Golite, Vm};

const PROGRAM: &str = r#"
package rules

import (
	"errors"
	"fmt"
	"strings"
)

var ErrEmpty = errors.New("empty")

var known = map[string]int{"tea": 3, "coffee": 5}

func Price(item string, count int) (string, error) {
	if item == "" {
		return "", ErrEmpty
	}
	return fmt.Sprintf("%s: %d", strings.ToUpper(item), known[item]*count), nil
}
"#;

/// Bytes of this process that are in memory.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0u64) * 4096
}

#[test]
fn a_vm_is_small_and_quickly_made() {
    let count: usize = std::env::var("GOLITE_VMS")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(5000);
    let program = Golite::new().compile(PROGRAM).unwrap();
    let make = || program.start().unwrap();
    // What is made once.
    drop(make());
    let before = resident();
    let mut best = Duration::MAX;
    let mut vms: Vec<Vm> = Vec::new();
    while vms.len() < count {
        let start = Instant::now();
        vms.extend((0..50).map(|_| make()));
        best = best.min(start.elapsed() / 50);
    }
    let at_rest = resident().saturating_sub(before) / count as u64;
    let called = Instant::now();
    for vm in &vms {
        let price = vm
            .func::<(String, i64), Result<String, golite::ScriptError>>("Price")
            .unwrap();
        assert_eq!(price.call(("tea".into(), 2)).unwrap().unwrap(), "TEA: 6");
    }
    let called = called.elapsed() / count as u32;
    let after_calls = resident().saturating_sub(before) / count as u64;
    let dropping = Instant::now();
    drop(vms);
    let dropped = dropping.elapsed() / count as u32;
    let left = resident().saturating_sub(before);
    // What the allocator keeps serves the next ones.
    let more: Vec<Vm> = (0..count).map(|_| make()).collect();
    drop(more);
    let grown = resident().saturating_sub(before + left);
    println!(
        "{count} VMs: made in {best:?} each, {} KiB each at rest, {} KiB after a call (which took {called:?}), ended in {dropped:?}; {} KiB are left, after as many again {} more",
        at_rest >> 10,
        after_calls >> 10,
        left >> 10,
        grown >> 10
    );
    assert!(at_rest < 256 << 10, "{at_rest} bytes for each VM");
    // Strict: as it is promised, for a release build. Else this may be a debug build on a busy machine.
    let allowed = match std::env::var_os("GOLITE_STRICT") {
        Some(_) => Duration::from_micros(50),
        None => Duration::from_millis(5),
    };
    assert!(best < allowed, "{best:?} for each VM");
    assert!(left < count as u64 * at_rest, "{left} bytes are left");
    assert!(grown < 16 << 20, "{grown} bytes more are left");
}

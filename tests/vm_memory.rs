//! What is left in the process after VMs that took all they may. One test in a process of its own, since it counts the memory of the process.
#![cfg(target_os = "linux")]

use golite::{Golite, Limit};

/// Row L4 of the list of hostile inputs, for hosts: a VM that has taken all it may is an error, and the next one finds the process as it was.

#[test]
fn l4_a_host_outlives_a_thousand_vms_without_memory() {
    let resident = || {
        let text = std::fs::read_to_string("/proc/self/statm").unwrap();
        let pages: u64 = text.split(' ').nth(1).unwrap().parse().unwrap();
        pages * 4
    };
    let program = Golite::new()
        .compile("package main\nfunc Grow() { var keep [][]byte; for { keep = append(keep, make([]byte, 1<<14)) } }")
        .unwrap();
    let mut early = 0;
    for round in 0..1000 {
        let vm = program.vm().memory(2 << 20).start().unwrap();
        let result = vm.func::<(), ()>("Grow").unwrap().call(());
        assert_eq!(result.unwrap_err().limit(), Some(Limit::Memory), "{round}");
        if round == 100 {
            early = resident();
        }
    }
    let late = resident();

    assert!(
        late < early + early / 5 + (4 << 10),
        "{early} KiB, then {late}"
    );
}

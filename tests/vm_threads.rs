//! How many threads many VMs take. One test in a process of its own, since it counts the threads of the process.
#![cfg(target_os = "linux")]

use golite::{Golite, Vm};

#[test]
fn vms_share_their_threads() {
    let program = Golite::new()
        .compile("package main\nfunc Start() { go func() { select {} }() }\nfunc Work() int { c := make(chan int); go func() { c <- 1 }(); return <-c }")
        .unwrap();
    let vms: Vec<Vm> = (0..100).map(|_| program.start().unwrap()).collect();
    for (number, vm) in vms.iter().enumerate() {
        // A thread stays with its VM for some milliseconds, in case that there is more to do.
        if number % 10 == 0 {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        vm.func::<(), ()>("Start").unwrap().call(()).unwrap();
        assert_eq!(vm.func::<(), i64>("Work").unwrap().call(()).unwrap(), 1);
    }
    let machines = || {
        let all = std::fs::read_dir("/proc/self/task").unwrap();
        all.filter_map(|entry| std::fs::read_to_string(entry.ok()?.path().join("comm")).ok())
            .filter(|name| name.trim() == "golite-m")
            .count()
    };
    assert!(machines() < 50, "{} threads for 100 VMs", machines());
}

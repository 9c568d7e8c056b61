//! How the command is linked.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=unwind_tables.ld");
    println!("cargo::rerun-if-changed=text_order.ld");
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let target = |what: &str| variable(&format!("CARGO_CFG_TARGET_{what}"));
    if target("OS") != "linux" || target("ENV") != "gnu" || target("ARCH") != "x86_64" {
        return;
    }
    // Tables of text and functions are a good part of the executable. At a fixed address, as Go's own executables have it, the
    // system's loader need not mend half a megabyte of pointers and copy its pages before every run.
    println!("cargo::rustc-link-arg-bins=-no-pie");
    // Of a release build; see there, and xtask/src/text_order.rs. The host of an embedded machine is linked as it likes.
    if variable("PROFILE") == "release" {
        let folder = variable("CARGO_MANIFEST_DIR");
        for script in ["unwind_tables.ld", "text_order.ld"] {
            println!("cargo::rustc-link-arg-bins=-Wl,-T,{folder}/{script}");
        }
    }
}

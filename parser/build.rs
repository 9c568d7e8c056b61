fn main() {
    println!("cargo::rerun-if-changed=src/golite.lalrpop");
    lalrpop::Configuration::new()
        .emit_rerun_directives(true)
        .process_current_dir()
        .expect("the grammar is free of conflicts");
}

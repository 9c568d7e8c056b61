// What goes through a channel is a Go value.
struct Socket;

fn main() -> Result<(), golite::Error> {
    let vm = golite::Golite::new().compile("package main")?.start()?;
    let _ = vm.chan::<Socket>(1)?;
    Ok(())
}

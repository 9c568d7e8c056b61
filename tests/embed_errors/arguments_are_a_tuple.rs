// The arguments of a call are a tuple.
fn main() -> Result<(), golite::Error> {
    let vm = golite::Golite::new().compile("package main")?.start()?;
    let _ = vm.func::<i64, ()>("F")?;
    Ok(())
}

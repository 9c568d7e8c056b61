// A call has eight arguments at most.
fn main() -> Result<(), golite::Error> {
    let vm = golite::Golite::new().compile("package main")?.start()?;
    let _ = vm.func::<(i64, i64, i64, i64, i64, i64, i64, i64, i64), ()>("F")?;
    Ok(())
}

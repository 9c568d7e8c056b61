// The error of a call is a ScriptError.
fn main() -> Result<(), golite::Error> {
    let vm = golite::Golite::new().compile("package main")?.start()?;
    let _ = vm.func::<(), Result<i64, String>>("F")?;
    Ok(())
}

// A function is called with what it was bound to.
fn main() -> Result<(), golite::Error> {
    let vm = golite::Golite::new().compile("package main")?.start()?;
    let add = vm.func::<(i64, i64), i64>("Add")?;
    add.call((1, "2"))?;
    Ok(())
}

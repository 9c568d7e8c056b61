// A call may outlive what its caller lends.
fn main() -> Result<(), golite::Error> {
    let text = String::from("text");
    let vm = golite::Golite::new().compile("package main")?.start()?;
    let length = vm.func::<(&str,), i64>("Length")?;
    length.call((&text,))?;
    Ok(())
}

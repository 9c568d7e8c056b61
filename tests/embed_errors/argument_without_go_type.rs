// The arguments of a call are types that the script knows.
struct Order {
    id: i64,
}

fn main() -> Result<(), golite::Error> {
    let vm = golite::Golite::new().compile("package main")?.start()?;
    let _ = vm.func::<(Order,), f64>("Total")?;
    Ok(())
}

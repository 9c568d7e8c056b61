// A blocking function runs beside the program, so it owns what it is given.
fn main() {
    let _ = golite::Golite::builder().blocking_func("text", "Count", |text: &str| text.len() as i64);
}

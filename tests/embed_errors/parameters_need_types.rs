// Types of parameters are what the declaration is made of.
fn main() {
    let _ = golite::Golite::builder().func("text", "Upper", |text| text.to_uppercase());
}

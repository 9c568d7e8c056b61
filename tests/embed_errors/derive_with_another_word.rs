// A field has another name, and nothing else.
#[derive(golite::GoType)]
struct Item {
    #[go(rename = "Cost")]
    price: f64,
}

fn main() {}

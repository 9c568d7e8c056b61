// A type is exported by deriving GoType; the attribute stands on what has code.
#[golite::export(package = "shop")]
struct Item {
    price: f64,
}

fn main() {}

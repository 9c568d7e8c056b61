// The attribute alone is the derive; a struct has no functions that could be in a package.
#[golite::export(package = "shop")]
struct Item {
    price: f64,
}

fn main() {}

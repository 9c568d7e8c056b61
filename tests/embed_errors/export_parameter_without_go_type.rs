// An exported function's parameters are types that the script knows.
struct Discount(f64);

#[golite::export(package = "shop")]
fn reduced(price: f64, by: Discount) -> f64 {
    price * by.0
}

fn main() {}

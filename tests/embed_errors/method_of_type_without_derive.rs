// The receiver is a type that the script knows.
struct Item {
    price: f64,
}

#[golite::export(package = "shop")]
impl Item {
    pub fn total(&self, count: i64) -> f64 {
        self.price * count as f64
    }
}

fn main() {
    let _ = golite::Golite::new();
}

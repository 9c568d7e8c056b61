// A method's receiver belongs to the script.
#[derive(golite::GoType, Clone)]
struct Item {
    price: f64,
}

#[golite::export(package = "shop")]
impl Item {
    pub fn total(self, count: i64) -> f64 {
        self.price * count as f64
    }
}

fn main() {}

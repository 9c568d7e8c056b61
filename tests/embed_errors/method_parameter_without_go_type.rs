// A method's parameters are types that the script knows.
struct Discount(f64);

#[derive(golite::GoType, Clone)]
struct Item {
    price: f64,
}

#[golite::export(package = "shop")]
impl Item {
    pub fn reduced(&self, by: Discount) -> f64 {
        self.price * by.0
    }
}

fn main() {}

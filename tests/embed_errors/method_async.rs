// A method returns where it runs.
#[derive(golite::GoType, Clone)]
struct Item {
    price: f64,
}

#[golite::export(package = "shop")]
impl Item {
    pub async fn current(&self) -> f64 {
        self.price
    }
}

fn main() {}

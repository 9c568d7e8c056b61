// The attribute says one thing.
#[golite::export(module = "shop")]
fn price(item: &str) -> f64 {
    item.len() as f64
}

fn main() {}

// What a list holds is a type that the script knows.
struct Item;

fn main() {
    let _ = golite::Golite::builder().func("shop", "Count", |items: Vec<Item>| items.len() as i64);
}

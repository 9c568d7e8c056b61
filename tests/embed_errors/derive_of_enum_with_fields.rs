// An enum with fields is no Go type; serde has a form for it.
#[derive(golite::GoType)]
enum Shape {
    Circle(f64),
}

fn main() {}

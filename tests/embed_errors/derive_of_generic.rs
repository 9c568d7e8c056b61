// A Go type is one type.
#[derive(golite::GoType)]
struct Pair<T> {
    one: T,
    other: T,
}

fn main() {}

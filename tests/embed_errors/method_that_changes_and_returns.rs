// What changes its receiver gives it back, and nothing else.
#[derive(golite::GoType, Clone)]
struct Counter {
    count: i64,
}

#[golite::export(package = "shop")]
impl Counter {
    pub fn next(&mut self) -> i64 {
        self.count += 1;
        self.count
    }
}

fn main() {}

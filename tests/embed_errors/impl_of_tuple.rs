// Methods belong to a type of the host's own.
#[golite::export(package = "shop")]
impl (i64, i64) {
    pub fn sum(&self) -> i64 {
        self.0 + self.1
    }
}

fn main() {}

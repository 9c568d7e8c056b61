// A function of the script has one signature.
#[golite::export(package = "text")]
fn first<T: Clone>(list: Vec<T>) -> T {
    list[0].clone()
}

fn main() {}

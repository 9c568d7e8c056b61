// An async function goes on when the call that lent its arguments is over, so it owns what it is given.
fn main() {
    let _ = golite::Golite::builder().async_func("web", "Fetch", async |url: &str| url.len() as i64);
}

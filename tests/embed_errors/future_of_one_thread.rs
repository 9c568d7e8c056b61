// A future of the host goes on on any thread.
use std::rc::Rc;

fn main() {
    let _ = golite::Golite::builder().async_func("web", "Fetch", |url: String| async move {
        let shared = Rc::new(url);
        std::future::ready(()).await;
        shared.len() as i64
    });
}

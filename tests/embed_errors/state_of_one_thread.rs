// A host function is called by many threads.
fn main() {
    let count = std::rc::Rc::new(std::cell::Cell::new(0_i64));
    let _ = golite::Golite::builder().func("count", "Next", move || {
        count.set(count.get() + 1);
        count.get()
    });
}
